/**
 * A job some of whose tasks wait in a barrier for others that will enter none any more, as rank 0 sees it. A rank comes to a barrier with
 * all of its tasks, so one that has lost a task never comes again, and nobody would get through. Pure.
 */

import { decodeJson, Idset } from "../../../broker/message/mod.ts";
import { exitCode, howEnded } from "../../../broker/ports/mod.ts";
import { placeOf } from "../layout.ts";
import type { Layout } from "../protocol.ts";
import { readReport } from "../record.ts";

/** After a signal to the whole job, how long those of its tasks that survive it may outlive the others, ms. */
export const LINGER = 5000;

/** What has come to a meeting so far. */
interface Arrivals {
  readonly batches: readonly { readonly rank: number; readonly bodies: readonly Uint8Array[] }[];
}

/** Tasks of a rank that will enter no barrier any more. */
export interface Leavers {
  readonly tasks: readonly number[];
  /** Their status words; undefined for one that has left PMI and lives. */
  readonly statuses: readonly (number | undefined)[];
}

/** Why nobody will ever leave `barrier`, and the code that the job ends with: that of the tasks that are missed, 1 if that is 0. */
export interface Stranding {
  readonly code: number;
  readonly reason: string;
}

/** By rank: those whose tasks have all ended, from what has come to `lwj.N.shutdown`, where rank 0 itself has no report. */
export function endedRanks(layout: Layout, { batches }: Arrivals): Map<number, Leavers> {
  return new Map(
    batches.filter(({ bodies }) => bodies.length > 0).map(({ rank, bodies }) => {
      const statuses = bodies.flatMap((body) => readReport(decodeJson(body)).statuses ?? []);
      return [rank, { tasks: placeOf(layout, rank)?.tasks ?? [], statuses }];
    }),
  );
}

/** Undefined while everybody may still come. `leavers` is by rank; `host`: that of a rank, where it is known. */
export function stranding(
  layout: Layout,
  { barrier, leavers, host }: {
    barrier: Arrivals;
    leavers: ReadonlyMap<number, Leavers>;
    host(rank: number): string | undefined;
  },
): Stranding | undefined {
  const present = new Idset(barrier.batches.map(({ rank }) => rank));
  const missed = [...leavers].filter(([rank]) => !present.has(rank));
  if (missed.length === 0) return undefined;
  const gone = new Idset(missed.map(([rank]) => rank));
  const tasks = new Idset(missed.flatMap(([, { tasks }]) => tasks));
  const statuses = new Set(missed.flatMap(([, { statuses }]) => statuses));
  const waiting = new Idset([...present].flatMap((rank) => placeOf(layout, rank)?.tasks ?? []));
  const mixed = statuses.has(undefined) ? "ended or left PMI" : "ended";
  const how = statuses.size === 1 ? howLeft([...statuses][0]) : mixed;
  return {
    code: Math.max(0, ...[...statuses].map((status) => exitCode(status ?? 0))) || 1,
    reason: `${tasksAt(tasks, gone, host(gone.first()!))} ${how}, and ${waitWords(waiting, tasks.size)}`,
  };
}

/** What became of a task that will enter no barrier any more; `status` is undefined for one that lives. */
export function howLeft(status: number | undefined): string {
  return status === undefined ? "left PMI" : howEnded(status);
}

/** `task 3 (rank 1, node1)`, `tasks 0-2,5 (ranks 0-1)`; the host of a single rank where it is known. */
export function tasksAt(tasks: Idset, ranks: Idset, host: string | undefined): string {
  const where = ranks.size > 1 || host === undefined ? words("rank", ranks) : `${words("rank", ranks)}, ${host}`;
  return `${words("task", tasks)} (${where})`;
}

/** `task 1 waits for it in a PMI barrier`, `tasks 1-3 wait for them …` where `missed` of them are more than one. */
export function waitWords(waiting: Idset, missed: number): string {
  const [wait, it] = [waiting.size === 1 ? "waits" : "wait", missed === 1 ? "it" : "them"];
  return `${words("task", waiting)} ${wait} for ${it} in a PMI barrier`;
}

/** `task 3`, `tasks 0-2,5`. */
function words(what: string, ids: Idset): string {
  return `${what}${ids.size === 1 ? "" : "s"} ${ids}`;
}
