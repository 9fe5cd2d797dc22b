/**
 * The output and input of one job, at rank 0. What its ranks send goes at once to all who are attached, and behind that into the
 * record in the store, or into files. A rank is answered when all of them have room, so the slowest holds up the tasks and nothing
 * gathers here.
 */

import type { Handle } from "../../../broker/handle/mod.ts";
import { decodeIo, encodeIo, encodeJson, FluxError, type Io, ioBytes } from "../../../broker/message/mod.ts";
import type { Clock, FileReader, Files } from "../../../broker/ports/mod.ts";
import { taskCount } from "../layout.ts";
import type { Ledger } from "../ledger.ts";
import type { JobSpec, Layout } from "../protocol.ts";
import { jobKey } from "../record.ts";
import { feed } from "./feed.ts";
import { InputPlan, STDIN } from "./input_plan.ts";
import { JobRecord } from "./job_record.ts";
import { OutputFiles } from "./output_files.ts";
import { outputKey, type OutputName, type OutputReply, type OutputRequest, stdinKey } from "./protocol.ts";
import { Stdin } from "./stdin.ts";
import type { Watcher } from "./watcher.ts";

const STREAMS: readonly OutputName[] = ["stdout", "stderr"];
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
  readonly #record: JobRecord;
  readonly #stdin = new Stdin();
  readonly #watchers = new Map<string, Watcher>();
  /** The last request of each rank. */
  readonly #seqs = new Map<number, number>();
  /** Ranks whose tasks have all ended. */
  readonly #ranksOver = new Set<number>();
  readonly #readers: FileReader[] = [];
  #layout: Layout | undefined;
  #room: PromiseWithResolvers<void> | undefined;
  /** Ranks were told that nobody wants some of the output. */
  #isUnwanted = false;
  #over = false;

  /** Throws EINVAL for input that cannot be. */
  constructor(options: HubOptions) {
    const { jobid, spec, clock, ledger, files } = options;
    this.#options = options;
    this.#plan = new InputPlan(jobid, spec);
    this.#files = new OutputFiles(jobid, spec, files);
    this.#record = new JobRecord({ jobid, options: spec.options, clock, ledger, roomMade: () => this.#makeRoom() });
  }

  /** Opens the files of the job. Throws why one cannot be: then the job cannot run. */
  async begin(layout: Layout): Promise<void> {
    this.#layout = layout;
    this.#record.begin(taskCount(layout));
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
    const { jobid, handle, files } = this.#options;
    const layout = this.#layout!;
    const sources = this.#plan.sources(taskCount(layout));
    this.#name(sources);
    for (const [source, tasks] of sources) {
      const run = async () => {
        if (source === STDIN) return await feed({ handle, jobid, layout, tasks, next: () => this.#stdin.next() });
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
    const positions = this.#record.positions();
    const recorded = positions.filter(({ blocks, lost }) => blocks > 0 || lost > 0)
      .map(({ task, stream, blocks, lost }) => ({ task, stream, blocks, lost }));
    const rests = positions.filter(({ rest }) => rest.length > 0)
      .map(({ task, stream, rest }) => encodeIo(stream, `${task}`, rest));
    if (recorded.length > 0) watcher.tell({ jobid, recorded }, 0);
    if (rests.length > 0) watcher.tell({ jobid, pieces: rests }, sizeOf(rests));
    this.#watchers.set(watcher.id, watcher);
    if (this.#isUnwanted) this.#want();
    watcher.request.signal.addEventListener("abort", () => this.#left(watcher), { once: true });
    return this.#claim(watcher);
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
    const unwanted = [...names].filter((name) => this.#record.isCut(name));
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
    const { data, eof } = decodeIo(io);
    const pieces = [...data === undefined ? [] : [ioBytes(data)], ...eof ? [undefined] : []];
    for (const bytes of pieces) {
      await this.#stdin.give(sender, bytes);
      if (!this.#over) this.#record.takeInput(bytes);
    }
  }

  /** The job is over. Resolves when its record is whole. */
  async end(): Promise<void> {
    this.#over = true;
    this.#makeRoom();
    this.#stdin.close();
    for (const reader of this.#readers) reader.close();
    const recorded = this.#layout && this.#record.end(STREAMS.filter((stream) => !this.#files.has(stream)));
    await this.#files.close();
    await recorded;
  }

  /** Names what tasks read, in the store. */
  #name(sources: ReadonlyMap<string, readonly number[]>): void {
    const { jobid, ledger, spec } = this.#options;
    const paths = [...sources.keys()].filter((source) => source !== STDIN);
    void ledger.write((transaction) => {
      for (const task of sources.get(STDIN) ?? []) transaction.symlink(jobKey(jobid, task, "stdin"), stdinKey(jobid));
      for (const [i, path] of paths.entries()) transaction.put(jobKey(jobid, "input.files", i, "filename"), path);
      if (!spec.options["stdio-commit-on-open"]) return;
      for (const task of Array(taskCount(this.#layout!)).keys()) {
        for (const stream of STREAMS) if (!this.#files.has(stream)) transaction.mkdir(outputKey(jobid, task, stream));
      }
    }, true).catch(() => {});
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
      this.#record.lose(Number(task), stream, bytes);
      return { task: Number(task), stream, blocks: 0, lost: bytes };
    });
    for (const watcher of this.#watchers.values()) watcher.tell({ jobid, recorded }, 0);
  }

  #hasRoomFor(rank: number): boolean {
    if (this.#record.isFull) return false;
    const overdraft = this.#ranksOver.has(rank) ? OVERDRAFT : 0;
    for (const watcher of this.#watchers.values()) if (!watcher.hasRoomBut(overdraft)) return false;
    return true;
  }

  #makeRoom(): void {
    this.#room?.resolve();
    this.#room = undefined;
  }

  /** Whether he gives the standard input from now on. */
  #claim({ wantsInput, request }: Watcher): boolean {
    const ntasks = this.#layout ? taskCount(this.#layout) : this.#options.spec.ntasks;
    return wantsInput && this.#plan.sources(ntasks).has(STDIN) && this.#stdin.claim(request.sender);
  }

  /** If he gave the standard input, the next one does. */
  #left(watcher: Watcher): void {
    this.#watchers.delete(watcher.id);
    this.#stdin.release(watcher.request.sender);
    const next = [...this.#watchers.values()].find((one) => this.#claim(one));
    next?.tell({ jobid: this.#options.jobid, input: true }, 0);
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
    for (const piece of shown) this.#record.take(piece);
    if (shown.length < pieces.length) await this.#writeFiles(pieces);
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
