/** What `live` says of the ranks of a session, for the commands that show it. */

import type { Handle } from "../broker/handle/mod.ts";
import { Idset, isErrno, type JsonObject } from "../broker/message/mod.ts";

export const STATES = ["ok", "slow", "fail", "unknown"] as const;
export type StateName = (typeof STATES)[number];

/** One rank as rank 0 knows it. */
export interface RankStatus extends JsonObject {
  rank: number;
  state: StateName;
  /** Empty when it was never heard of. */
  host: string;
  /** -1 when it is not known. */
  parent: number;
  /** Seconds in that state. */
  duration: number;
}

export type LiveStatus = Record<StateName, string> & { ranks: (RankStatus & { reason?: string })[] };

/** Asks rank 0; undefined when `live` does not run there. Throws what else goes wrong. */
export async function liveStatus(handle: Handle): Promise<LiveStatus | undefined> {
  try {
    return await handle.rpc("live.status", { ranks: true }, { rank: 0 });
  } catch (error) {
    if (isErrno(error, "ENOSYS")) return undefined;
    throw error;
  }
}

/** What is certain without `live`: this rank is there. */
export async function ownStatus(handle: Handle): Promise<LiveStatus> {
  const rank = await handle.rank();
  const size = Number((await handle.rpc<{ value: string }>("attr.get", { name: "size" })).value);
  const unknown = Idset.upTo(size);
  unknown.delete(rank);
  return { ok: `${rank}`, slow: "", fail: "", unknown: `${unknown}`, ranks: [] };
}

/** Seconds as people read them: `4.2s`, `3.5m`, `1.2h`, `2.0d`. */
export function duration(seconds: number): string {
  const [value, unit] = seconds < 60
    ? [seconds, "s"]
    : seconds < 3600
    ? [seconds / 60, "m"]
    : seconds < 86400
    ? [seconds / 3600, "h"]
    : [seconds / 86400, "d"];
  return `${value.toFixed(1)}${unit}`;
}
