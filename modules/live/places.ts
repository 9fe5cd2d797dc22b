/** Going to another parent on request: the next one up, or back to the first one (services.md §8, live.failover and live.recover). */

import { FluxError, isErrno, type JsonObject } from "../../broker/message/mod.ts";
import type { Handle } from "../../broker/handle/mod.ts";
import { type Clock, sleep } from "../../broker/ports/mod.ts";

interface Place {
  readonly rank: number;
  readonly uri: string;
}

interface Places {
  readonly parent: { rank: number } | null;
  /** The parent it had first. */
  readonly home: Place | null;
  readonly ancestors: readonly Place[];
}

/** This often a move is tried: its turn may take too long to come, and the other broker may be on the move itself. */
const TRIES = 5;
/** Between two tries, ms: longer than a move takes. */
const PAUSE = 500;

/** The ranks of the parents before and after. */
export interface Move extends JsonObject {
  from: number;
  to: number;
}

/** Goes to the parent's parent. Throws ESRCH when the parent is rank 0, and what `cmb.reparent` throws. */
export async function toNextParent(handle: Handle): Promise<Move> {
  const { ancestors } = await places(handle);
  const next = ancestors[1];
  if (!next) throw new FluxError("ESRCH", "no failover candidates");
  return await handle.rpc<Move>("cmb.reparent", { uri: next.uri });
}

/** Goes back to the first parent. Throws ESRCH at rank 0, EINVAL when that parent has failed, the signal's reason. */
export async function recoverHome(handle: Handle, clock: Clock, signal: AbortSignal): Promise<Move> {
  for (let left = TRIES;; left--) {
    const { parent, home } = await places(handle);
    if (!home) throw new FluxError("ESRCH", "rank 0 has no parent");
    if (parent?.rank === home.rank) return { from: home.rank, to: home.rank };
    try {
      return await handle.rpc<Move>("cmb.reparent", { uri: home.uri });
    } catch (error) {
      if (isErrno(error, "ENOENT")) throw new FluxError("EINVAL", `rank ${home.rank} has failed`);
      if (left === 1 || !isPassing(error)) throw error;
    }
    await sleep(clock, PAUSE, signal);
  }
}

function isPassing(error: unknown): boolean {
  return isErrno(error, "ETIMEDOUT") || isErrno(error, "EAGAIN") || isErrno(error, "EHOSTUNREACH");
}

async function places(handle: Handle): Promise<Places> {
  return await handle.rpc<Places & Record<string, never>>("overlay.links");
}
