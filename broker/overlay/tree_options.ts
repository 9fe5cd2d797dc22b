/** What the tree overlay of one broker is given. */

import type { Clock, DialOptions, KeyPair, ListenOptions, Random, Transport } from "../ports/mod.ts";
import type { Router } from "../router/mod.ts";
import type { Child, ChildChange } from "./children.ts";

export interface TreeOptions {
  readonly rank: number;
  readonly size: number;
  readonly uuid: string;
  readonly userid: number;
  readonly hostname: string;
  readonly version: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly transport: Transport;
  readonly router: Router;
  readonly keys?: KeyPair | undefined;
  /** The rank whose links this public key may join; undefined for a stranger. */
  rankOf?(publicKey: string): number | undefined;
  log(level: "crit" | "err" | "warning" | "info" | "debug", text: string): void;
  /** Something happened to a child, or to what lies behind it. */
  childChanged(child: Child, change: ChildChange, reason: string): void;
  /** Why no broker that has lost its parent can be taken in at present; undefined when it can. */
  refusesOrphans?(): string | undefined;
  /** Why this process of a rank cannot be taken in any more: another is that rank now. */
  refusesStale?(rank: number, uuid: string): string | undefined;
  /** The session runs already, so that who joins now comes late. */
  isRunning?(): boolean;
  /** A link to a parent begins: the first one, or a new one after a move. */
  parentJoined?(): void;
  /** The link to the parent ended; the router has answered what went over it. */
  parentLost(reason: string): void;
  /** The parent has ended the link on purpose: this broker is to end. */
  dismissed?(): void;
}

/** How a parent is joined. */
export interface JoinOptions {
  readonly signal?: AbortSignal;
  /** Tried once, for at most this long, ms; until it is there unless given. */
  readonly patience?: number;
  /** Where that broker is, if it is known. */
  readonly host?: string;
  /** Joins a parent that was not asked beforehand, since the way there is lost. */
  readonly failover?: boolean;
}

/** What each overlay needs to know for its links. */
export interface LinkParts {
  readonly hostname: string;
  readonly random: Random;
  readonly keys?: KeyPair | undefined;
  rankOf?(publicKey: string): number | undefined;
}

/**
 * What a broker on `host` dials to reach the one on `other` at `uri`: on another host the name of a socket says nothing, even if a
 * file of that name can be seen here.
 */
export function seenFrom(host: string, uri: string, other: string | undefined): string {
  if (other === undefined || other === host) return uri;
  const places = uri.split(/,(?=(?:ipc|tcp):\/\/)/).filter((place) => !place.startsWith("ipc:"));
  return places.length > 0 ? places.join(",") : uri;
}

/** A dial under a new name, with keys if links have any. */
export function dialOptions(
  { random, keys }: Pick<LinkParts, "random" | "keys">,
  serverKey?: string,
  patience?: number,
): DialOptions {
  const security = keys && serverKey ? { keys, serverKey } : {};
  return { name: random.uuid(), ...security, ...(patience !== undefined && { patience }) };
}

export function listenOptions({ keys, rankOf }: Pick<LinkParts, "keys" | "rankOf">): ListenOptions {
  return { ...(keys && { keys }), ...(rankOf && { admits: (key) => rankOf(key) !== undefined }) };
}
