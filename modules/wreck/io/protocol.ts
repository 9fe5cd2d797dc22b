/** Output on its way from the ranks of a job to rank 0, and as it is kept. */

import type { Io } from "../../../broker/message/mod.ts";

/** `wreck.output`: what tasks wrote, in order; answered when it is kept. */
export interface OutputRequest {
  readonly jobid: number;
  /** `io.rank` is the task. */
  readonly pieces: readonly { readonly task: number; readonly io: Io }[];
}

/** A value that is appended to: one line of JSON for each piece (an `Io`), `{"end":true}` behind the last. */
export function outputKey(jobid: number): string {
  return `lwj.${jobid}.output.log`;
}

export const END = '{"end":true}\n';
