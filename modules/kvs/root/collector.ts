/**
 * Deletes what no kept version of any namespace leads to: marks, then sweeps, in small steps between which everything else
 * goes on. Runs at rank 0.
 *
 * Why nothing that is needed is swept: a blob that is stored after the beginning belongs to the new epoch. What a newer root
 * shares with an older one can be reached from a root that was kept at the beginning. And what operations bring from
 * elsewhere is marked, by `protect`, before they are committed. A directory that cannot be read ends the cycle unswept.
 */

import { FluxError, isErrno } from "../../../broker/message/mod.ts";
import { type Clock, sleep } from "../../../broker/ports/mod.ts";
import type { Content } from "../content.ts";
import { decodeNode } from "../tree/directory.ts";
import { referencesOf } from "../tree/lookup.ts";
import { Marking } from "./marking.ts";
import type { Objects } from "../tree/objects.ts";
import type { Versions } from "./versions.ts";

/** Work goes on for this long, ms, before the event loop has its turn. */
const STEP = 2;
/** Directories looked into at a time. */
const WIDTH = 2;
/** Marks sent, and blobs swept, at a time. */
const MARKS = 1024;
const SWEEP = 256;
/** What a blob costs besides its bytes. */
const OVERHEAD = 200;

export interface Collected {
  /** Blobs, and their bytes. */
  readonly deleted: number;
  readonly bytes: number;
  /** Bytes that are kept. */
  readonly live: number;
}

export interface CollectorOptions {
  readonly content: Pick<Content, "load" | "gcBegin" | "gcMark" | "gcSweep">;
  readonly objects: Objects;
  readonly versions: Versions;
  readonly clock: Clock;
  /** Bytes that are stored, at least, before a cycle begins by itself. */
  threshold(): number;
  /** Runs something while no commit is under way. */
  exclusive<T>(run: () => Promise<T>): Promise<T>;
  log(level: "debug" | "err", text: string): void;
}

/** What operations refer to instead of bringing it. */
export interface Outside {
  readonly directories: readonly string[];
  readonly values: readonly string[];
}

interface Cycle {
  readonly epoch: number;
  readonly marking: Marking;
  /** Why nothing more may be swept. */
  failure?: unknown;
}

export class Collector {
  readonly #options: CollectorOptions;
  readonly #closing = new AbortController();
  #cycle: Cycle | undefined;
  #running: Promise<Collected> | undefined;
  /** A cycle that begins when the running one is over. */
  #next: Promise<Collected> | undefined;
  /** Bytes stored since the last cycle began, and kept by it. */
  #stored = 0;
  #live = 0;
  #cycles = 0;
  #deleted = 0;

  constructor(options: CollectorOptions) {
    this.#options = options;
  }

  get stats(): { cycles: number; deleted: number; live: number; stored: number; running: boolean } {
    const running = this.#running !== undefined;
    return { cycles: this.#cycles, deleted: this.#deleted, live: this.#live, stored: this.#stored, running };
  }

  /** Blobs were stored; a cycle begins when it is worth it. */
  stored(blobs: number, bytes: number): void {
    this.#stored += bytes + blobs * OVERHEAD;
    if (this.#running || this.#stored < Math.max(this.#options.threshold(), this.#live)) return;
    this.collect().catch(() => {});
  }

  /**
   * Marks what is below these, while a cycle runs; for what comes into the tree from elsewhere, before it does. When that
   * cannot be done the cycle ends.
   */
  async protect({ directories, values }: Outside): Promise<void> {
    const cycle = this.#cycle;
    if (!cycle || directories.length + values.length === 0) return;
    const { epoch, marking } = cycle;
    // Of its own: a directory that the cycle has met may still wait to be looked into.
    const own = new Marking();
    own.add(directories, values);
    try {
      while (!own.isDone || own.marks > 0) await this.#mark(epoch, own);
      marking.add(directories);
    } catch (error) {
      cycle.failure = error;
    }
  }

  /** Runs a whole cycle that begins now or, when one is under way, after it. Throws EIO when a directory cannot be read. */
  collect(): Promise<Collected> {
    if (this.#running) {
      return this.#next ??= this.#running.catch(() => {}).then(() => {
        this.#next = undefined;
        return this.collect();
      });
    }
    return this.#running = this.#run().finally(() => this.#running = undefined);
  }

  close(): void {
    this.#closing.abort(new FluxError("ECANCELED", "the collection ended with the module"));
  }

  async #run(): Promise<Collected> {
    const { content, versions, exclusive, log } = this.#options;
    try {
      const cycle = await exclusive(async () => {
        this.#stored = 0;
        const epoch = await content.gcBegin();
        const marking = new Marking();
        marking.add(versions.all);
        return this.#cycle = { epoch, marking };
      });
      await this.#walk(cycle);
      cycle.marking.add(versions.newest);
      await this.#walk(cycle);
      const collected = await this.#sweep(cycle);
      this.#cycles++;
      this.#deleted += collected.deleted;
      this.#live = collected.live;
      const { deleted, bytes, live } = collected;
      log("debug", `collected ${deleted} blobs, ${bytes} bytes; ${live} bytes are kept`);
      return collected;
    } catch (error) {
      if (!this.#closing.signal.aborted) {
        log("err", `collection given up: ${error instanceof Error ? error.message : error}`);
      }
      throw error;
    } finally {
      this.#cycle = undefined;
    }
  }

  async #walk({ epoch, marking }: Cycle): Promise<void> {
    while (!marking.isDone || marking.marks > 0) {
      await this.#step(async () => {
        await this.#mark(epoch, marking);
        return !marking.isDone || marking.marks > 0;
      });
    }
  }

  async #sweep(cycle: Cycle): Promise<Collected> {
    const { epoch } = cycle;
    let deleted = 0, bytes = 0, live = 0;
    for (let done = false; !done;) {
      await this.#step(async () => {
        if (cycle.failure) throw cycle.failure;
        const swept = await this.#options.content.gcSweep(epoch, SWEEP);
        deleted += swept.deleted;
        bytes += swept.bytes;
        done = swept.done;
        live = swept.live;
        return !done;
      });
    }
    return { deleted, bytes, live };
  }

  /** Calls `work` until it says that it is done or its time is over, then lets the event loop go on. */
  async #step(work: () => Promise<boolean>): Promise<void> {
    const { clock } = this.#options;
    const end = clock.now() + STEP;
    for (let i = 0; i < MARKS && await work() && clock.now() < end; i++);
    await sleep(clock, 0, this.#closing.signal);
  }

  /** Looks into a few directories, and marks what was found. */
  async #mark(epoch: number, marking: Marking): Promise<void> {
    await Promise.all(marking.next(WIDTH).map((blobref) => this.#look(blobref, marking)));
    if (marking.marks >= MARKS || marking.isDone) await this.#options.content.gcMark(epoch, marking.take());
  }

  async #look(blobref: string, marking: Marking): Promise<void> {
    const { content, objects } = this.#options;
    const node = objects.get(blobref) ?? decodeNode(blobref, await content.load(blobref).catch(noneIfMissing));
    const { dirs, values } = referencesOf(node);
    marking.add(dirs, values);
  }
}

const NONE = new TextEncoder().encode('{"data":{},"type":"dir","ver":1}');

/** A tree may refer to what was never stored: there is nothing below it then. */
function noneIfMissing(error: unknown): Uint8Array {
  if (isErrno(error, "ENOENT")) return NONE;
  throw error;
}
