/**
 * What the tasks of one job write and read on one rank. One of these is made for each job and rank: it is handed what tasks write, as
 * far as it gives credit, and writes to their standard input. Output goes to rank 0, one request under way at a time; what tasks
 * write meanwhile waits for the next.
 */

import {
  decodeIo,
  encodeIo,
  FluxError,
  Idset,
  type Io,
  ioBytes,
  isErrno,
  type JsonObject,
} from "../../../broker/message/mod.ts";
import { sleep, type Timer } from "../../../broker/ports/mod.ts";
import type { LocalJob } from "../contribution.ts";
import { InputPlan } from "./input_plan.ts";
import type { OutputName, OutputReply, OutputRequest } from "./protocol.ts";

export type { OutputName } from "./protocol.ts";

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
  /** What a task wrote; without bytes the end of that stream. */
  output(task: number, stream: OutputName, bytes: Uint8Array | undefined): void;
  /** So many bytes more may be written to a task. */
  inputCredit(task: number, bytes: number): void;
  /** A task has ended, and reads nothing any more. */
  exited(task: number): void;
  /** `wreck.wanted`: somebody is attached again. */
  wanted(): void;
  /** `wreck.input`: for tasks to read. Resolves when they have taken it, but for a little. */
  input(payload: JsonObject): Promise<void>;
  /** No task is left. Resolves when all that was handed over is where it belongs; the job does not end before. */
  close(): Promise<void>;
}

/** Bytes of all streams of a rank together, and the bounds of what that is for each. */
const WINDOW = 4 << 20, LEAST = 1 << 16, MOST = 1 << 18;
/** Bytes of one request, at most but for its last piece. */
const REQUEST = 1 << 18;
/** Bytes that wait to be read by a task when its next input is asked for. */
const INPUT_WINDOW = 1 << 17;
/** After so many bytes that nobody wanted, rank 0 is asked whether that is still so. */
const REPORT = 4 << 20;
/** When all tasks have ended, what they wrote is waited for so long, ms, before rank 0 is told that nothing else is. */
const LATE = 1000;
/** Rank 0 may be out of reach while a parent is replaced: it is asked again, so often and after so many ms. */
const TRIES = 20, PAUSE = 500;

interface Piece {
  readonly task: number;
  readonly stream: OutputName;
  readonly length: number;
  readonly io: Io;
}

export function openRankIo(job: LocalJob, streams: TaskStreams): RankIo {
  return new JobIo(job, streams);
}

class JobIo implements RankIo {
  readonly credit: number;
  readonly #job: LocalJob;
  readonly #streams: TaskStreams;
  readonly #plan: InputPlan;
  #pieces: Piece[] = [];
  #sending: Promise<void> | undefined;
  #seq = 0;
  /** Streams that nobody wants, and the bytes of them since that was told. */
  readonly #unwanted = new Set<string>();
  #lost: Record<string, number> = {};
  #lostBytes = 0;
  #late: Timer | undefined;
  /** Bytes written to each task that it has not taken; undefined before its first credit, which is for nothing. */
  readonly #untaken = new Map<number, number>();
  readonly #exited = new Set<number>();
  /** Who waits for tasks to read. */
  #reading: PromiseWithResolvers<void> | undefined;

  constructor(job: LocalJob, streams: TaskStreams) {
    this.#job = job;
    this.#streams = streams;
    this.#plan = new InputPlan(job.jobid, job.spec);
    this.credit = Math.min(MOST, Math.max(LEAST, Math.floor(WINDOW / job.place.tasks.length)));
  }

  hasInput(task: number): boolean {
    return this.#plan.sourceOf(task) !== undefined;
  }

  output(task: number, stream: OutputName, bytes: Uint8Array | undefined): void {
    if (bytes && this.#unwanted.has(`${task}.${stream}`)) return this.#lose(task, stream, bytes.length);
    this.#pieces.push({ task, stream, length: bytes?.length ?? 0, io: encodeIo(stream, `${task}`, bytes) });
    this.#begin();
  }

  wanted(): void {
    this.#unwanted.clear();
  }

  #lose(task: number, stream: OutputName, bytes: number): void {
    const name = `${task}.${stream}`;
    this.#lost[name] = (this.#lost[name] ?? 0) + bytes;
    this.#lostBytes += bytes;
    if (this.#lostBytes >= REPORT) this.#begin();
    this.#streams.grant(task, stream, bytes);
  }

  #begin(): void {
    // What comes in the same turn goes along.
    this.#sending ??= Promise.resolve().then(() => this.#send());
  }

  async close(): Promise<void> {
    while (this.#sending) await this.#sending;
    this.#late?.cancel();
  }

  async input(payload: JsonObject): Promise<void> {
    const { data, eof } = decodeIo(payload.io);
    const tasks = [...Idset.parse(`${payload.tasks}`)].filter((task) => !this.#exited.has(task));
    const bytes = data === undefined ? undefined : ioBytes(data);
    for (const task of tasks) {
      if (bytes) {
        this.#untaken.set(task, (this.#untaken.get(task) ?? 0) + bytes.length);
        this.#streams.write(task, bytes);
      }
      if (eof) this.#streams.end(task);
    }
    const isFull = (task: number) => !this.#exited.has(task) && (this.#untaken.get(task) ?? 0) > INPUT_WINDOW;
    while (tasks.some(isFull)) await (this.#reading ??= Promise.withResolvers()).promise;
  }

  inputCredit(task: number, bytes: number): void {
    const untaken = this.#untaken.get(task);
    this.#untaken.set(task, untaken === undefined ? 0 : untaken - bytes);
    this.#read();
  }

  exited(task: number): void {
    this.#exited.add(task);
    this.#read();
    const { place, clock } = this.#job;
    if (this.#exited.size === place.tasks.length) this.#late ??= clock.after(LATE, () => this.#tellOver());
  }

  #tellOver(): void {
    const { handle, jobid, rank } = this.#job;
    try {
      handle.post("wreck.over", { jobid, from: rank }, { rank: 0 });
    } catch (error) {
      // The broker is ending.
      if (!(error instanceof FluxError)) throw error;
    }
  }

  #read(): void {
    this.#reading?.resolve();
    this.#reading = undefined;
  }

  async #send(): Promise<void> {
    const { jobid, rank } = this.#job;
    while (this.#pieces.length > 0 || this.#lostBytes >= REPORT) {
      const now = this.#next();
      const lost = this.#lostBytes > 0 ? { lost: this.#lost } : {};
      this.#lost = {};
      this.#lostBytes = 0;
      const request = { jobid, from: rank, seq: ++this.#seq, pieces: now.map(({ io }) => io), ...lost };
      const reply = await this.#deliver(request);
      if (reply?.watched) this.#unwanted.clear();
      for (const name of reply?.unwanted ?? []) this.#unwanted.add(name);
      const granted = new Map<string, Piece & { total: number }>();
      for (const piece of now) {
        if (piece.length === 0) continue;
        const key = `${piece.task}.${piece.stream}`;
        const sum = granted.get(key);
        if (sum) sum.total += piece.length;
        else granted.set(key, { ...piece, total: piece.length });
      }
      for (const { task, stream, total } of granted.values()) this.#streams.grant(task, stream, total);
    }
    this.#sending = undefined;
  }

  /** The pieces of one request. */
  #next(): Piece[] {
    let bytes = 0;
    const over = this.#pieces.findIndex(({ length }) => (bytes += length) >= REQUEST);
    return this.#pieces.splice(0, over < 0 ? this.#pieces.length : over + 1);
  }

  /** Rank 0 knows a request that it got before, so it may be sent again. */
  async #deliver(request: OutputRequest): Promise<OutputReply | undefined> {
    const { handle, clock } = this.#job;
    for (let tries = 1;; tries++) {
      try {
        return await handle.rpc<OutputReply>("wreck.output", request, { rank: 0 });
      } catch (error) {
        if (!(error instanceof FluxError)) throw error;
        // Otherwise it does not know the job any more: nobody wants it.
        if (!isErrno(error, "EHOSTUNREACH") || tries === TRIES) return undefined;
        await sleep(clock, PAUSE);
      }
    }
  }
}
