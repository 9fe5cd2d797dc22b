/**
 * The output and input of one job, at rank 0. What its ranks send goes at once to all who are attached, and behind that into the
 * record in the store, or into files. A rank is answered when all of them have room, so the slowest holds up the tasks and nothing
 * gathers here.
 */

import type { Handle } from "../../../broker/handle/mod.ts";
import { decodeIo, encodeIo, encodeJson, FluxError, type Io, ioBytes } from "../../../broker/message/mod.ts";
import type { Clock, FileReader, Files, Timer } from "../../../broker/ports/mod.ts";
import { taskCount } from "../layout.ts";
import type { Ledger } from "../ledger.ts";
import type { JobSpec, Layout } from "../protocol.ts";
import { jobKey } from "../record.ts";
import { feed } from "./feed.ts";
import { InputPlan, STDIN } from "./input_plan.ts";
import { OutputFiles } from "./output_files.ts";
import {
  outputKey,
  type OutputName,
  type OutputReply,
  type OutputRequest,
  type RecordedNews,
  stdinKey,
} from "./protocol.ts";
import { type Allowance, StreamRecord } from "./stream_record.ts";
import type { Watcher } from "./watcher.ts";

const STREAMS: readonly OutputName[] = ["stdout", "stderr"];
/** What is recorded of a task, and of all tasks of a job, unless it says otherwise, bytes. */
const LIMIT = 10 << 20, ALL = 1 << 30;
/** What a job writes is in the record so many milliseconds later, unless a block is full before. */
const LINGER = 500;
/** Bytes on their way into the record before the tasks wait for that. */
const RECORDING = 8 << 20;
/** Somebody who does not read is sent so much nevertheless, so that a job whose tasks have ended can end, characters. */
const OVERDRAFT = 8 << 20;
/** Bytes of a file that are read at a time. */
const PIECE = 1 << 16;

export interface HubOptions {
  readonly jobid: number;
  readonly spec: JobSpec;
  readonly handle: Handle;
  readonly clock: Clock;
  readonly ledger: Ledger;
  readonly files: Files;
  /** A file could not be written, or read: the job cannot go on. */
  failed(reason: string): void;
}

export class Hub {
  readonly #options: HubOptions;
  readonly #plan: InputPlan;
  readonly #files: OutputFiles;
  readonly #watchers = new Map<string, Watcher>();
  readonly #records = new Map<string, StreamRecord>();
  readonly #allowances = new Map<number, Allowance>();
  /** The last request of each rank. */
  readonly #seqs = new Map<number, number>();
  readonly #readers: FileReader[] = [];
  /** Ranks whose tasks have all ended. */
  readonly #ranksOver = new Set<number>();
  #layout: Layout | undefined;
  #timer: Timer | undefined;
  #recording = 0;
  #room: PromiseWithResolvers<void> | undefined;
  /** Who gives the standard input, what he has given that is not on its way yet, and the record of it. */
  #owner: Watcher | undefined;
  #given: { bytes: Uint8Array | undefined; taken(): void }[] = [];
  #givenNews = Promise.withResolvers<void>();
  #inputEnded = false;
  /** Ranks were told that nobody wants some of the output. */
  #isUnwanted = false;
  #stdin: StreamRecord | undefined;
  #over = false;

  /** Throws EINVAL for input that cannot be. */
  constructor(options: HubOptions) {
    this.#options = options;
    this.#plan = new InputPlan(options.jobid, options.spec);
    this.#files = new OutputFiles(options.jobid, options.spec, options.files);
  }

  /** Opens the files of the job. Throws why one cannot be: then the job cannot run. */
  async begin(layout: Layout): Promise<void> {
    this.#layout = layout;
    const { spec, files } = this.#options;
    if (!spec.input && !spec.output) return;
    for (const source of this.#plan.sources(taskCount(layout)).keys()) {
      if (source === STDIN) continue;
      try {
        (await files.open(source)).close();
      } catch (error) {
        throw explained("input", error);
      }
    }
    try {
      await this.#files.begin();
    } catch (error) {
      throw explained("output", error);
    }
  }

  /** All tasks have started: what they read can be sent. */
  started(): void {
    const { jobid, handle, ledger, spec, files } = this.#options;
    const layout = this.#layout!;
    const sources = this.#plan.sources(taskCount(layout));
    const names = [...sources.keys()].filter((source) => source !== STDIN);
    void ledger.write((transaction) => {
      for (const task of sources.get(STDIN) ?? []) transaction.symlink(jobKey(jobid, task, "stdin"), stdinKey(jobid));
      for (const [i, path] of names.entries()) transaction.put(jobKey(jobid, "input.files", i, "filename"), path);
      if (!spec.options["stdio-commit-on-open"]) return;
      for (const task of Array(taskCount(layout)).keys()) {
        for (const stream of STREAMS) if (!this.#files.has(stream)) transaction.mkdir(outputKey(jobid, task, stream));
      }
    }, true).catch(() => {});
    for (const [source, tasks] of sources) {
      const run = async () => {
        if (source === STDIN) return await feed({ handle, jobid, layout, tasks, next: () => this.#nextGiven() });
        const reader = await files.open(source);
        this.#readers.push(reader);
        await feed({ handle, jobid, layout, tasks, next: () => reader.read(PIECE) });
      };
      run().catch((error) => this.#fail("input", error));
    }
  }

  /** Somebody is attached from now on. Returns whether he gives the standard input. */
  attach(watcher: Watcher): boolean {
    const { jobid } = this.#options;
    const recorded: RecordedNews["recorded"][number][] = [];
    const rests: Io[] = [];
    for (const [name, record] of this.#records) {
      const [task, stream] = name.split(".") as [string, OutputName];
      const rest = record.rest;
      if (record.count > 0 || record.lost > 0) {
        recorded.push({ task: Number(task), stream, blocks: record.count, lost: record.lost });
      }
      if (rest.length > 0) rests.push(encodeIo(stream, task, rest));
    }
    if (recorded.length > 0) watcher.tell({ jobid, recorded }, 0);
    if (rests.length > 0) watcher.tell({ jobid, pieces: rests }, sizeOf(rests));
    this.#watchers.set(watcher.id, watcher);
    if (this.#isUnwanted) this.#want();
    watcher.request.signal.addEventListener("abort", () => this.#left(watcher), { once: true });
    const isFree = !this.#owner && !this.#inputEnded && !this.#over;
    if (!watcher.wantsInput || !isFree || !this.#readsInput()) return false;
    this.#owner = watcher;
    return true;
  }

  /** Somebody who is attached has room again. */
  granted(): void {
    this.#makeRoom();
  }

  /** What a rank sends, and the bytes of that; resolves when more may come. */
  async take({ from, seq, pieces, lost }: OutputRequest, payload: Uint8Array): Promise<OutputReply> {
    if (seq > (this.#seqs.get(from) ?? 0)) {
      this.#seqs.set(from, seq);
      if (lost) this.#lose(lost);
      await this.#pass(pieces, payload);
    }
    while (!this.#hasRoomFor(from) && !this.#over) await (this.#room ??= Promise.withResolvers()).promise;
    if (this.#watchers.size > 0) return { watched: true, unwanted: [] };
    const names = new Set([...pieces.map(({ rank, stream }) => `${rank}.${stream}`), ...Object.keys(lost ?? {})]);
    const unwanted = [...names].filter((name) => (this.#records.get(name)?.lost ?? 0) > 0);
    if (unwanted.length > 0) this.#isUnwanted = true;
    return { watched: false, unwanted };
  }

  /** All tasks of a rank have ended: only what they wrote keeps the job from its end. */
  rankOver(rank: number): void {
    this.#ranksOver.add(rank);
    this.#makeRoom();
  }

  /** Standard input of who gives it; resolves when more may come. Throws EBUSY for anyone else, EPIPE when nobody reads it any more. */
  async give(sender: string, io: Io): Promise<void> {
    if (this.#owner?.request.sender !== sender) throw new FluxError("EBUSY", "standard input comes from somebody else");
    const { data, eof } = decodeIo(io);
    if (data !== undefined) await this.#offer(ioBytes(data));
    if (!eof || this.#inputEnded) return;
    this.#inputEnded = true;
    await this.#offer(undefined);
  }

  /** The job is over. Resolves when its record is whole. */
  async end(): Promise<void> {
    const { ledger } = this.#options;
    this.#over = true;
    this.#timer?.cancel();
    this.#makeRoom();
    for (const { taken } of this.#given) taken();
    this.#givenNews.resolve();
    for (const reader of this.#readers) reader.close();
    const closing = this.#files.close();
    if (this.#layout) {
      for (const task of Array(taskCount(this.#layout)).keys()) {
        for (const stream of STREAMS) if (!this.#files.has(stream)) this.#close(task, stream);
      }
      this.#stdin?.end();
      const blocks = [...this.#records.values(), ...this.#stdin ? [this.#stdin] : []].flatMap((record) =>
        record.takeBlocks()
      );
      await ledger.write((transaction) => {
        for (const { key, text } of blocks) transaction.putText(key, text);
      }, true);
    }
    await closing;
  }

  #want(): void {
    const { handle, jobid } = this.#options;
    this.#isUnwanted = false;
    for (const rank of this.#layout?.ranks ?? []) handle.post("wreck.wanted", { jobid }, { rank });
  }

  /** What a rank has not sent is told to those who came meanwhile. */
  #lose(lost: Readonly<Record<string, number>>): void {
    const { jobid } = this.#options;
    const recorded = Object.entries(lost).map(([name, bytes]) => {
      const [task, stream] = name.split(".") as [string, OutputName];
      this.#record(Number(task), stream).lose(bytes);
      return { task: Number(task), stream, blocks: 0, lost: bytes };
    });
    for (const watcher of this.#watchers.values()) watcher.tell({ jobid, recorded }, 0);
  }

  #hasRoomFor(rank: number): boolean {
    if (this.#recording > RECORDING) return false;
    const overdraft = this.#ranksOver.has(rank) ? OVERDRAFT : 0;
    for (const watcher of this.#watchers.values()) if (!watcher.hasRoomBut(overdraft)) return false;
    return true;
  }

  #makeRoom(): void {
    this.#room?.resolve();
    this.#room = undefined;
  }

  #left(watcher: Watcher): void {
    this.#watchers.delete(watcher.id);
    if (this.#owner === watcher) this.#owner = undefined;
    this.#makeRoom();
  }

  /** A request is news as well as it is, unless some of it goes to files. */
  async #pass(pieces: readonly Io[], payload: Uint8Array): Promise<void> {
    const { jobid } = this.#options;
    const shown = pieces.filter(({ stream }) => !this.#files.has(stream as OutputName));
    if (shown.length > 0 && this.#watchers.size > 0) {
      const news = shown.length === pieces.length ? payload : encodeJson({ jobid, pieces: shown });
      const size = sizeOf(shown);
      for (const watcher of this.#watchers.values()) watcher.tell(news, size);
    }
    for (const piece of shown) this.#recordPiece(piece);
    if (shown.length < pieces.length) await this.#writeFiles(pieces);
  }

  #recordPiece(piece: Io): void {
    const { spec: { options } } = this.#options;
    const stream = piece.stream as OutputName, task = Number(piece.rank);
    const record = this.#record(task, stream);
    if (piece.data !== undefined) {
      record.take(ioBytes(decodeIo(piece).data!));
      this.#write(record);
      if (!options["stdio-delay-commit"]) this.#timer ??= this.#options.clock.after(LINGER, () => this.#flush());
    }
    if (piece.eof && options["stdio-commit-on-close"]) {
      this.#close(task, stream);
      this.#write(record);
    }
  }

  async #writeFiles(pieces: readonly Io[]): Promise<void> {
    for (const piece of pieces) {
      const stream = piece.stream as OutputName, task = Number(piece.rank);
      if (!this.#files.has(stream)) continue;
      try {
        const { data } = decodeIo(piece);
        if (data !== undefined) await this.#files.write(task, stream, ioBytes(data));
        if (piece.eof) await this.#files.end(task, stream);
      } catch (error) {
        return this.#fail("output", error);
      }
    }
  }

  #record(task: number, stream: OutputName): StreamRecord {
    const name = `${task}.${stream}`;
    let record = this.#records.get(name);
    if (!record) {
      const key = outputKey(this.#options.jobid, task, stream);
      this.#records.set(name, record = new StreamRecord(key, this.#allowance(task)));
    }
    return record;
  }

  #allowance(task: number): Allowance {
    let allowance = this.#allowances.get(task);
    if (!allowance) this.#allowances.set(task, allowance = { left: this.#limit });
    return allowance;
  }

  get #limit(): number {
    const ntasks = this.#layout ? taskCount(this.#layout) : 1;
    return this.#options.spec.options["stdio-limit"] ?? Math.min(LIMIT, Math.floor(ALL / ntasks));
  }

  /** Ends a record; what was not kept is said on standard error, which has the last word. */
  #close(task: number, stream: OutputName): void {
    const record = this.#record(task, stream);
    if (stream === "stderr" && !record.ended) {
      const lost = STREAMS.reduce((sum, name) => sum + (this.#records.get(`${task}.${name}`)?.lost ?? 0), 0);
      if (lost > 0) record.note(lostNotice(task, lost, this.#limit));
    }
    record.end();
  }

  /** Puts the blocks of a record that are full into the store. */
  #write(record: StreamRecord): void {
    const blocks = record.takeBlocks();
    if (blocks.length === 0) return;
    const size = blocks.reduce((sum, { text }) => sum + text.length, 0);
    this.#recording += size;
    const written = this.#options.ledger.write((transaction) => {
      for (const { key, text } of blocks) transaction.putText(key, text);
    }, true);
    // What cannot be recorded is said by whoever records the states of jobs.
    void written.catch(() => {}).then(() => {
      this.#recording -= size;
      this.#makeRoom();
    });
  }

  #flush(): void {
    this.#timer = undefined;
    for (const record of [...this.#records.values(), ...this.#stdin ? [this.#stdin] : []]) {
      record.flush();
      this.#write(record);
    }
  }

  #readsInput(): boolean {
    const ntasks = this.#layout ? taskCount(this.#layout) : this.#options.spec.ntasks;
    return this.#plan.sources(ntasks).has(STDIN);
  }

  async #offer(bytes: Uint8Array | undefined): Promise<void> {
    if (this.#over) throw new FluxError("EPIPE", "the job is over");
    this.#recordInput(bytes);
    await new Promise<void>((taken) => {
      this.#given.push({ bytes, taken });
      this.#givenNews.resolve();
    });
  }

  async #nextGiven(): Promise<Uint8Array | undefined> {
    for (;;) {
      const given = this.#given.shift();
      given?.taken();
      if (given) return given.bytes;
      if (this.#over) return undefined;
      await this.#givenNews.promise;
      this.#givenNews = Promise.withResolvers();
    }
  }

  #recordInput(bytes: Uint8Array | undefined): void {
    const record = this.#stdin ??= new StreamRecord(stdinKey(this.#options.jobid), { left: this.#limit });
    if (bytes) record.take(bytes);
    else record.end();
    this.#write(record);
    this.#timer ??= this.#options.clock.after(LINGER, () => this.#flush());
  }

  #fail(what: "input" | "output", error: unknown): void {
    if (!(error instanceof FluxError)) throw error;
    if (!this.#over) this.#options.failed(explained(what, error).message);
  }
}

function explained(what: "input" | "output", error: unknown): Error {
  if (!(error instanceof FluxError)) throw error;
  return new FluxError(error.errnum, `Error: ${what}: ${error.message}`, { cause: error });
}

function sizeOf(pieces: readonly Io[]): number {
  return pieces.reduce((sum, { data }) => sum + (data?.length ?? 0), 0);
}

/** Told to who reads what was recorded. */
export function lostNotice(task: number, lost: number, limit: number): string {
  return `wreck: task ${task}: ${lost} bytes of output beyond ${limit} were not kept; ` +
    `--output FILE keeps all, --options stdio-limit=BYTES more\n`;
}
