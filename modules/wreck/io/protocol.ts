/**
 * Output and input of jobs on the wire, between the ranks of a job and rank 0, and between rank 0 and who is attached.
 *
 *     wreck.output   OutputRequest, from a rank to rank 0; answered with OutputReply when more may come
 *     wreck.over     {"jobid":i,"from":rank}, to rank 0, not answered: the tasks of a rank have ended, and what they wrote waits
 *     wreck.wanted   {"jobid":i}, from rank 0 to a rank, not answered: somebody wants all output again
 *     wreck.input    InputRequest, from rank 0 to a rank; answered when its tasks have taken it, but for a little
 *     job.run, job.follow with "watch":Watch     stream OutputNews, RecordedNews, InputNews besides their own
 *     job.grant      {"matchtag":i,"credit":N}, not answered: so much more may come over that stream
 *     job.input      {"jobid":i,"io":Io}; answered when the tasks have taken it, but for a little
 *
 * Amounts are characters of `io.data`.
 */

import { integerField, objectField } from "../../../broker/handle/mod.ts";
import { FluxError, type Io, type JsonObject } from "../../../broker/message/mod.ts";
import { jobKey } from "../record.ts";

export type OutputName = "stdout" | "stderr";

export interface OutputRequest {
  readonly jobid: number;
  readonly from: number;
  /** Counts the requests of a rank from 1: one that is sent again is known. */
  readonly seq: number;
  /** In order; `io.rank` is the task. */
  readonly pieces: readonly Io[];
  /** Bytes that were not sent, as nobody wanted them, by the stream (`TASK.stdout`). */
  readonly lost?: Readonly<Record<string, number>>;
}

const STREAM = /^\d+\.std(out|err)$/;

/** Throws EPROTO for what is no {@link OutputRequest}. */
export function readOutput(payload: JsonObject): OutputRequest {
  const { pieces } = payload;
  if (!Array.isArray(pieces)) throw new FluxError("EPROTO", '"pieces" must be an array');
  const lost = payload.lost === undefined ? {} : objectField(payload, "lost");
  const names = pieces.map((piece) => `${(piece as Io | null)?.rank}.${(piece as Io | null)?.stream}`);
  const odd = [...names, ...Object.keys(lost)].find((name) => !STREAM.test(name));
  if (odd !== undefined) throw new FluxError("EPROTO", `"${odd}" is no stream of a task`);
  for (const name of Object.keys(lost)) integerField(lost, name);
  integerField(payload, "from");
  integerField(payload, "seq");
  return payload as unknown as OutputRequest;
}

export interface OutputReply {
  /** Somebody is attached: all is wanted. */
  readonly watched: boolean;
  /** Otherwise, streams of the request that nobody wants more of: what is kept of them has come. */
  readonly unwanted: readonly string[];
}

export interface InputRequest {
  readonly jobid: number;
  /** An idset. */
  readonly tasks: string;
  readonly io: Io;
}

export interface Watch {
  /** What may come before more is granted. */
  readonly credit: number;
  /** Whoever asks can give the job its standard input, if nobody else does. */
  readonly input?: boolean;
}

export interface OutputNews {
  readonly jobid: number;
  readonly pieces: readonly Io[];
}

/** Who had it has gone, or the job has begun: the job's standard input is that of who hears this. */
export interface InputNews {
  readonly jobid: number;
  readonly input: true;
}

/** What was written before somebody came: the blocks of each stream that the store has, or is about to. */
export interface RecordedNews {
  readonly jobid: number;
  readonly recorded: readonly {
    readonly task: number;
    readonly stream: OutputName;
    readonly blocks: number;
    /** Bytes behind them that were not kept. */
    readonly lost: number;
  }[];
}

/** The stream of a task's output. */
export function outputKey(jobid: number, task: number, stream: OutputName): string {
  return jobKey(jobid, task, stream);
}

/** The stream of what was given as standard input. */
export function stdinKey(jobid: number): string {
  return jobKey(jobid, "input.files.stdin");
}
