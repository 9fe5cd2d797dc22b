/** How a job and its tasks ended, in words. */

import { Idset } from "../../broker/message/mod.ts";
import { howEnded } from "../../broker/ports/mod.ts";
import type { JobNews, JobResult } from "../../modules/wreck/protocol.ts";

/** What went wrong: by groups of tasks that ended alike, and why the job failed if it did. */
export function tellEnds({ state, code, ends, reason, isNodeFailure }: JobResult, say: (text: string) => void): void {
  for (const { tasks, status } of code > 0 ? ends : []) {
    if (status === 0) continue;
    const set = Idset.parse(tasks);
    say(`task${set.size === 1 ? "" : "s"} ${set.toNodeset()}: ${howEnded(status)}`);
  }
  if (state !== "complete" && reason !== undefined) say(isNodeFailure ? `node failure: ${reason}` : reason);
}

/** How a job stands: its state, then tasks by what became of them. */
export function statusLines({ jobid, state, result }: Pick<JobNews, "jobid" | "state" | "result">): string[] {
  const lines = [`Job ${jobid} status: ${state}`];
  for (const { tasks, status } of result?.ends ?? []) {
    lines.push(`task${Idset.parse(tasks).toNodeset()}: ${howEnded(status)}`);
  }
  if (result?.reason !== undefined) lines.push(result.isNodeFailure ? `node failure: ${result.reason}` : result.reason);
  return lines;
}
