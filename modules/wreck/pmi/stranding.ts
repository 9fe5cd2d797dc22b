/**
 * A job some of whose tasks wait in a barrier for others that are no more, as rank 0 sees it: the one meeting says who waits, the other
 * who has ended. A rank that has ended comes to no barrier any more, so that one would never let anybody through. Pure.
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

/** Why nobody will ever leave `barrier`, and the code that the job ends with: that of the tasks that are missed, 1 if that is 0. */
export interface Stranding {
  readonly code: number;
  readonly reason: string;
}

/**
 * Undefined while everybody may still come. `end` is the meeting `lwj.N.shutdown`, in which rank 0 itself has no report; `host`: that of a
 * rank, where it is known.
 */
export function stranding(
  layout: Layout,
  { barrier, end, host }: { barrier: Arrivals; end: Arrivals; host(rank: number): string | undefined },
): Stranding | undefined {
  const present = new Idset(barrier.batches.map(({ rank }) => rank));
  const missed = end.batches.filter(({ rank, bodies }) => bodies.length > 0 && !present.has(rank));
  if (missed.length === 0) return undefined;
  const gone = new Idset(missed.map(({ rank }) => rank));
  const statuses = new Set(
    missed.flatMap(({ bodies }) => bodies.flatMap((body) => readReport(decodeJson(body)).statuses ?? [])),
  );
  const [tasks, waiting] = [tasksOf(layout, gone), tasksOf(layout, present)];
  const how = statuses.size === 1 ? howEnded([...statuses][0]!) : "ended";
  return {
    code: Math.max(0, ...[...statuses].map(exitCode)) || 1,
    reason: `${tasksAt(tasks, gone, host(gone.first()!))} ${how}, and ${waitWords(waiting, tasks.size)}`,
  };
}

function tasksOf(layout: Layout, ranks: Idset): Idset {
  return new Idset([...ranks].flatMap((rank) => placeOf(layout, rank)?.tasks ?? []));
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
