/** What the tree overlay of one broker is given. */

import type { Clock, KeyPair, Random, Transport } from "../ports/mod.ts";
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
  admits?(publicKey: string): boolean;
  log(level: "err" | "warning" | "info" | "debug", text: string): void;
  /** Something happened to a child, or to what lies behind it. */
  childChanged(child: Child, change: ChildChange, reason: string): void;
  /** A link to a parent begins: the first one, or a new one after a move. */
  parentJoined?(): void;
  /** The link to the parent ended; the router has answered what went over it. */
  parentLost(reason: string): void;
}
