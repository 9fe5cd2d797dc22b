/**
 * What brokers say when they meet: the greeting a child opens a link with, and how a parent judges it
 * (wire.md §7.3). Pure. The format between our own brokers is ours; `protocol` is its version range.
 */

import { decodeJson, errorText, FluxError, Idset, type JsonObject, type Message, MessageType } from "../message/mod.ts";

/** The versions of the broker-to-broker protocol this build speaks: oldest and newest. */
export const PROTOCOL: readonly [number, number] = [1, 1];

export interface Greeting {
  rank: number;
  /** The sender's route id. */
  uuid: string;
  hostname: string;
  /** Ranks reached through the sender, itself included. */
  ranks: string;
  /** Version of the build, for people. */
  version: string;
  protocol: readonly [number, number];
  /** The sender has lost its parent, or the way to rank 0, and nobody above was asked beforehand. */
  failover?: boolean;
}

/** Reads a greeting. Throws EPROTO naming the field. */
export function readGreeting(payload: JsonObject): Greeting {
  const { rank, uuid, hostname, ranks, version, protocol, failover } = payload;
  if (typeof rank !== "number" || !Number.isInteger(rank) || rank < 0) throw bad("rank");
  if (typeof uuid !== "string" || uuid.length === 0 || uuid.length > 64) throw bad("uuid");
  if (typeof hostname !== "string") throw bad("hostname");
  if (typeof ranks !== "string") throw bad("ranks");
  if (typeof version !== "string") throw bad("version");
  if (!Array.isArray(protocol) || typeof protocol[0] !== "number" || typeof protocol[1] !== "number") {
    throw bad("protocol");
  }
  Idset.parse(ranks);
  const range: [number, number] = [protocol[0], protocol[1]];
  return { rank, uuid, hostname, ranks, version, protocol: range, failover: failover === true };
}

/** What a parent says of itself when it takes a child in. */
export interface Welcome {
  readonly rank: number;
  /** Its route id. */
  readonly uuid: string;
  readonly hostname: string;
  /** It was in state `run` or later by then: the child comes late. */
  readonly isRunning: boolean;
}

/** Who has taken us in, by its answer to our greeting. Throws EPROTO, or what it refuses us with. */
export function readWelcome(uri: string, answer: Message): Welcome {
  if (answer.type !== MessageType.response || answer.topic !== "overlay.hello") {
    throw new FluxError("EPROTO", `${uri}: unexpected ${answer.topic || "message"} instead of a hello`);
  }
  if (answer.errnum !== 0) throw new FluxError(answer.errnum, errorText(answer.payload));
  const { uuid, rank, hostname, running } = decodeJson(answer.payload);
  if (typeof uuid !== "string" || typeof rank !== "number") throw new FluxError("EPROTO", `${uri}: malformed hello`);
  return { uuid, rank, hostname: String(hostname), isRunning: running === true };
}

/** True when the sender and we have a version of the protocol in common. */
export function isUnderstood({ protocol }: Greeting): boolean {
  return protocol[0] <= PROTOCOL[1] && protocol[1] >= PROTOCOL[0];
}

/** Why a broker of this session cannot take `greeting`'s sender as its child; undefined when it can. */
export function refusal(
  greeting: Greeting,
  own: { rank: number; size: number; hostname: string; version: string },
): string | undefined {
  const { rank, protocol, version, hostname } = greeting;
  if (!isUnderstood(greeting)) {
    return `rank ${rank} on ${hostname} speaks protocol ${
      protocol.join("-")
    } (flux ${version}), rank ${own.rank} on ${own.hostname} speaks ` +
      `${PROTOCOL.join("-")} (flux ${own.version}): use the same flux on both`;
  }
  if (rank === 0 || rank >= own.size || rank === own.rank) return `rank ${rank} cannot be a child of rank ${own.rank}`;
  // What an orphan has below it cannot take it in; for who moves in order this was asked before, and may be out of date.
  if (greeting.failover && Idset.parse(greeting.ranks).has(own.rank)) return `rank ${own.rank} is below rank ${rank}`;
  return undefined;
}

function bad(field: string): FluxError {
  return new FluxError("EPROTO", `greeting without a valid "${field}"`);
}
