/**
 * What the tasks of one job write and read on one rank. One of these is made for each job and rank: it is handed what tasks write, as
 * far as it gives credit, and writes to their standard input.
 *
 * Here: everything goes to rank 0, one request under way at a time (`wreck.output`), which keeps it and passes it on; what is on its
 * way is bounded by the credit. Standard input is empty.
 */

import { encodeIo, FluxError } from "../../../broker/message/mod.ts";
import type { LocalJob } from "../contribution.ts";
import type { OutputRequest } from "./protocol.ts";

export type OutputName = "stdout" | "stderr";

/** The way back to the tasks, by their global ids. */
export interface TaskStreams {
  /** So many bytes more may come of a stream. */
  grant(task: number, stream: OutputName, bytes: number): void;
  write(task: number, bytes: Uint8Array): void;
  /** Closes its standard input, behind what was written. */
  end(task: number): void;
}

export interface RankIo {
  /** Bytes of each stream of each task that come before anything is granted. */
  readonly credit: number;
  /** Whether a task has a standard input; what is written to it counts against the credit that `inputCredit` tells. */
  hasInput(task: number): boolean;
  /** What a task wrote, whole lines as far as there are any; without bytes the end of that stream. */
  output(task: number, stream: OutputName, bytes: Uint8Array | undefined): void;
  /** So many bytes more may be written to a task. */
  inputCredit(task: number, bytes: number): void;
  /** No task is left. Resolves when all that was handed over is where it belongs; the job does not end before. */
  close(): Promise<void>;
}

/** Bytes of one stream under way. */
const CREDIT = 1 << 16;

export function openRankIo(job: LocalJob, streams: TaskStreams): RankIo {
  let pieces: (OutputRequest["pieces"][number] & { stream: OutputName; length: number })[] = [];
  let sending: Promise<void> | undefined;

  async function send(): Promise<void> {
    while (pieces.length > 0) {
      const now = pieces;
      pieces = [];
      const request: OutputRequest = { jobid: job.jobid, pieces: now.map(({ task, io }) => ({ task, io })) };
      try {
        await job.handle.rpc("wreck.output", request, { rank: 0 });
      } catch (error) {
        // Rank 0 does not know the job any more: nobody wants it.
        if (!(error instanceof FluxError)) throw error;
      }
      for (const { task, stream, length } of now) if (length > 0) streams.grant(task, stream, length);
    }
    sending = undefined;
  }

  return {
    credit: CREDIT,
    hasInput: () => false,
    output(task, stream, bytes) {
      pieces.push({ task, stream, length: bytes?.length ?? 0, io: encodeIo(stream, `${task}`, bytes) });
      // What comes in the same turn goes along.
      sending ??= Promise.resolve().then(send);
    },
    inputCredit() {},
    close: () => sending ?? Promise.resolve(),
  };
}
