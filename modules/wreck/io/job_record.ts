/**
 * The record of one job in the store: a stream for each that its tasks write, by name, and one of what was given as standard input.
 * Blocks are written when they are full, or a while after what they have came; all at the end.
 */

import { decodeIo, type Io, ioBytes } from "../../../broker/message/mod.ts";
import type { Clock, Timer } from "../../../broker/ports/mod.ts";
import type { Ledger } from "../ledger.ts";
import type { JobSpec } from "../protocol.ts";
import { outputKey, type OutputName, stdinKey } from "./protocol.ts";
import { type Allowance, StreamRecord } from "./stream_record.ts";

/** What is recorded of a task, and of all tasks of a job, unless it says otherwise, bytes. */
const LIMIT = 10 << 20, ALL = 1 << 30;
/** What a job writes is in the record so many milliseconds later, unless a block is full before. */
const LINGER = 500;
/** Characters on their way into the record before the tasks wait for that. */
const RECORDING = 8 << 20;

export interface JobRecordOptions {
  readonly jobid: number;
  readonly options: JobSpec["options"];
  readonly clock: Clock;
  readonly ledger: Ledger;
  /** Less is on its way into the store. */
  roomMade(): void;
}

/** What a stream had written when somebody came. */
export interface Position {
  readonly task: number;
  readonly stream: OutputName;
  readonly blocks: number;
  readonly lost: number;
  /** What is in no block yet. */
  readonly rest: Uint8Array;
}

export class JobRecord {
  readonly #options: JobRecordOptions;
  readonly #streams = new Map<string, StreamRecord>();
  readonly #allowances = new Map<number, Allowance>();
  /** Of what was given as standard input; undefined when nothing was. */
  #stdin: StreamRecord | undefined;
  /** Tasks of the job; each has its share of what is recorded of all. */
  #ntasks = 1;
  #timer: Timer | undefined;
  #recording = 0;

  constructor(options: JobRecordOptions) {
    this.#options = options;
  }

  begin(ntasks: number): void {
    this.#ntasks = ntasks;
  }

  /** Too much is on its way into the store. */
  get isFull(): boolean {
    return this.#recording > RECORDING;
  }

  positions(): Position[] {
    return [...this.#streams].map(([name, { count, lost, rest }]) => {
      const [task, stream] = name.split(".") as [string, OutputName];
      return { task: Number(task), stream, blocks: count, lost, rest };
    });
  }

  /** Nothing more of a stream (`TASK.stdout`) is recorded. */
  isCut(name: string): boolean {
    return (this.#streams.get(name)?.lost ?? 0) > 0;
  }

  take(piece: Io): void {
    const { options } = this.#options;
    const stream = piece.stream as OutputName, task = Number(piece.rank);
    const record = this.#stream(task, stream);
    if (piece.data !== undefined) {
      record.take(ioBytes(decodeIo(piece).data!));
      this.#write([record]);
      if (!options["stdio-delay-commit"]) this.#linger();
    }
    if (piece.eof && options["stdio-commit-on-close"]) {
      this.#close(task, stream);
      this.#write([record]);
    }
  }

  /** So many bytes of a stream were not even brought here. */
  lose(task: number, stream: OutputName, bytes: number): void {
    this.#stream(task, stream).lose(bytes);
  }

  /** Bytes of standard input; without any, its end. */
  takeInput(bytes: Uint8Array | undefined): void {
    const record = this.#stdin ??= new StreamRecord(stdinKey(this.#options.jobid), { left: this.#limit });
    if (bytes) record.take(bytes);
    else record.end();
    this.#write([record]);
    this.#linger();
  }

  /** Ends all streams of these names, of all tasks. Resolves when all is in the store. */
  async end(streams: readonly OutputName[]): Promise<void> {
    this.#timer?.cancel();
    for (let task = 0; task < this.#ntasks; task++) for (const stream of streams) this.#close(task, stream);
    this.#stdin?.end();
    await this.#write(this.#all());
  }

  /** Ends a stream; what was not kept is said on standard error, which has the last word. */
  #close(task: number, stream: OutputName): void {
    const record = this.#stream(task, stream);
    if (stream === "stderr" && !record.ended) {
      const own = ["stdout", "stderr"].map((name) => this.#streams.get(`${task}.${name}`)?.lost ?? 0);
      const lost = own.reduce((sum, bytes) => sum + bytes);
      if (lost > 0) record.note(lostNotice(task, lost, this.#limit));
    }
    record.end();
  }

  #all(): StreamRecord[] {
    return [...this.#streams.values(), ...this.#stdin ? [this.#stdin] : []];
  }

  #linger(): void {
    this.#timer ??= this.#options.clock.after(LINGER, () => {
      this.#timer = undefined;
      for (const record of this.#all()) record.flush();
      this.#write(this.#all());
    });
  }

  /** Puts the blocks that are ready into the store. What cannot be is said by whoever records the states of jobs. */
  async #write(records: readonly StreamRecord[]): Promise<void> {
    const blocks = records.flatMap((record) => record.takeBlocks());
    if (blocks.length === 0) return;
    const size = blocks.reduce((sum, { text }) => sum + text.length, 0);
    this.#recording += size;
    const add = (transaction: Parameters<Parameters<Ledger["write"]>[0]>[0]) => {
      for (const { key, text } of blocks) transaction.putText(key, text);
    };
    await this.#options.ledger.write(add, true).catch(() => {});
    this.#recording -= size;
    this.#options.roomMade();
  }

  #stream(task: number, stream: OutputName): StreamRecord {
    const name = `${task}.${stream}`;
    let record = this.#streams.get(name);
    if (!record) {
      const key = outputKey(this.#options.jobid, task, stream);
      this.#streams.set(name, record = new StreamRecord(key, this.#allowance(task)));
    }
    return record;
  }

  #allowance(task: number): Allowance {
    let allowance = this.#allowances.get(task);
    if (!allowance) this.#allowances.set(task, allowance = { left: this.#limit });
    return allowance;
  }

  get #limit(): number {
    return this.#options.options["stdio-limit"] ?? Math.min(LIMIT, Math.floor(ALL / this.#ntasks));
  }
}

/** Told to who reads what was recorded. */
function lostNotice(task: number, lost: number, limit: number): string {
  return `wreck: task ${task}: ${lost} bytes of output beyond ${limit} were not kept; ` +
    `--output FILE keeps all, --options stdio-limit=BYTES more\n`;
}
