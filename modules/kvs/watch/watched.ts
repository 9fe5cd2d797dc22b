/**
 * One key that is watched in one way, by any number of watchers. Looks are taken one after the other, in the order of the
 * roots, and each is shared by all whom it concerns.
 *
 * Invariant: a watcher misses no change, since this is in the index before the first look, and looks again when what it
 * depends on has changed its place while it looked.
 */

import { FluxError } from "../../../broker/message/mod.ts";
import { LookupError } from "../tree/lookup.ts";
import { KvsFlag, type Root } from "../protocol.ts";
import { MissingBlob, type Reader } from "../reader.ts";
import type { Roots } from "../roots.ts";
import { Answer, type Cause, type Growing, type Piece, piece, type Watcher } from "./watcher.ts";
import type { WatchIndex } from "./index.ts";
import { ValueLog } from "./log.ts";
import type { Val, Valref } from "../tree/treeobj.ts";

/** Whoever is to hear of changes of keys. */
export interface Waking {
  /** `root`: the one that brought the change. `isCertain`: a key was written that it depends on. */
  wake(root: Root, isCertain: boolean): void;
  /** The namespace is gone. */
  gone(): void;
  /** For how many. */
  readonly size: number;
}

/** What is watched, and how. Watchers who agree in all of it share a {@link Watched}. */
export interface WatchedKey {
  readonly namespace: string;
  /** Normalized. */
  readonly key: string;
  readonly full: boolean;
  readonly appends: boolean;
  readonly lookup: number;
  /** Throws EPERM for the root of a namespace that may not be read. */
  readonly allow: ((root: Root) => void) | undefined;
}

export interface WatchedOptions {
  readonly reader: Reader;
  readonly roots: Roots;
  readonly index: WatchIndex<Waking>;
  /** Nobody is left. */
  empty(): void;
}

interface Entry {
  readonly root: Root;
  cause: Cause;
}

/** What was found at a root. */
interface Outcome {
  readonly root: Root;
  readonly answer?: Answer;
  readonly error?: FluxError;
  /** What it depends on, where that could be told. */
  readonly trail?: readonly string[];
}

/** Roots that wait to be looked at; beyond it, older ones are left out. */
const LAG = 256;
/** Times that a look begins again at a newer root, since the one before was collected. */
const RETRIES = 5;

export class Watched implements Waking {
  readonly #what: WatchedKey;
  readonly #options: WatchedOptions;
  readonly #watchers = new Set<Watcher>();
  /** By rising number of the root. */
  readonly #pending: Entry[] = [];
  /** Of a growing value: what it was at the last root that was looked at, and the number of that. */
  #log = new ValueLog();
  #grown = -1;
  #isBusy = false;

  constructor(what: WatchedKey, options: WatchedOptions) {
    this.#what = what;
    this.#options = options;
    this.#place([what.key], false);
  }

  get size(): number {
    return this.#watchers.size;
  }

  /** Adds a watcher that begins at `root`. */
  join(watcher: Watcher, root: Root): void {
    this.#watchers.add(watcher);
    this.#enqueue(root, "owed");
  }

  leave(watcher: Watcher): void {
    if (!this.#watchers.delete(watcher) || this.#watchers.size > 0) return;
    this.#options.index.remove(this);
    this.#options.empty();
  }

  /** Someone is owed an answer. */
  again(): void {
    const root = this.#options.roots.get(this.#what.namespace);
    if (root) this.#enqueue(root, "owed");
  }

  wake(root: Root, isCertain: boolean): void {
    this.#enqueue(root, isCertain ? "written" : "uncertain");
  }

  gone(): void {
    for (const watcher of [...this.#watchers]) watcher.fail(new FluxError("ENOTSUP"));
  }

  #enqueue(root: Root, cause: Cause): void {
    const pending = this.#pending;
    const at = pending.findLastIndex((entry) => entry.root.rootseq <= root.rootseq);
    const before = pending[at];
    if (before?.root.rootseq === root.rootseq) before.cause = stronger(before.cause, cause);
    else pending.splice(at + 1, 0, { root, cause });
    if (pending.length > 1 && (pending.length > LAG || this.#maySkip())) this.#skip();
    if (!this.#isBusy) void this.#run();
  }

  #maySkip(): boolean {
    for (const { maySkip } of this.#watchers) if (!maySkip) return false;
    return true;
  }

  /** Leaves all but the newest root out. */
  #skip(): void {
    const left = this.#pending.splice(0, this.#pending.length - 1);
    const newest = this.#pending[0]!;
    for (const { cause } of left) newest.cause = stronger(newest.cause, cause);
  }

  async #run(): Promise<void> {
    this.#isBusy = true;
    try {
      for (let entry = this.#pending.shift(); entry && this.#watchers.size > 0; entry = this.#pending.shift()) {
        await (this.#what.appends ? this.#serveGrowing(entry) : this.#serve(entry));
      }
    } finally {
      this.#isBusy = false;
    }
  }

  async #serve(entry: Entry): Promise<void> {
    const { root: { rootseq }, answer, error } = await this.#look(entry, async (root) => {
      const { value, trail } = await this.#lookup(root, this.#what.lookup);
      return { root, answer: new Answer(value), trail };
    });
    for (const watcher of [...this.#watchers]) {
      if (!watcher.wants(rootseq, entry.cause)) continue;
      if (answer) watcher.take(answer, rootseq, entry.cause);
      else refuse(watcher, error!, rootseq);
    }
  }

  async #serveGrowing(entry: Entry): Promise<void> {
    if (entry.root.rootseq > this.#grown) {
      const { root, error } = await this.#look(entry, async (root) => {
        const { value, trail } = await this.#lookup(root, KvsFlag.stream);
        await this.#grow(value as Val | Valref);
        return { root, trail };
      });
      if (error) return this.#refuseGrowing(error, root.rootseq);
      this.#grown = root.rootseq;
    }
    const rootseq = this.#grown;
    const value = shared(this.#log, this.#options.reader);
    for (const watcher of [...this.#watchers]) {
      if (!watcher.wants(rootseq, entry.cause)) continue;
      try {
        await watcher.follow(value, rootseq);
      } catch (error) {
        if (!(error instanceof FluxError)) throw error;
        watcher.fail(error);
      }
    }
    this.#log.release();
  }

  /** What comes after an error continues nothing: nobody goes on over it. */
  #refuseGrowing(error: FluxError, rootseq: number): void {
    this.#log = new ValueLog();
    this.#grown = -1;
    for (const watcher of [...this.#watchers]) {
      if (watcher.hasBegun || watcher.wants(rootseq, "written")) refuse(watcher, error, rootseq);
    }
  }

  /** Takes a value that should continue the one before. If it does not, who followed that is told so. */
  async #grow(value: Val | Valref): Promise<void> {
    const load = (blobref: string) => this.#options.reader.load(blobref);
    try {
      await this.#log.update(value, load);
    } catch (error) {
      if (!(error instanceof FluxError) || error instanceof MissingBlob) throw error;
      for (const watcher of [...this.#watchers]) if (watcher.hasBegun) watcher.fail(error);
      this.#log = new ValueLog();
      await this.#log.update(value, load);
    }
  }

  async #lookup({ rootref }: Root, flags: number) {
    const { namespace, key, allow } = this.#what;
    return await this.#options.reader.lookup({ namespace, rootref, key, flags }, allow);
  }

  /** Looks at a root, or at the newest one if that is gone, and remembers what the outcome depends on. */
  async #look(entry: Entry, look: (root: Root) => Promise<Outcome>): Promise<Outcome> {
    const outcome = await this.#tryLook(entry, look);
    if (this.#watchers.size === 0) return outcome;
    const { trail, root, error } = outcome;
    if (trail && this.#place(trail, error !== undefined)) {
      const newest = this.#options.roots.get(root.namespace);
      if (newest && newest.rootseq > root.rootseq) this.#enqueue(newest, "uncertain");
    }
    return outcome;
  }

  async #tryLook(entry: Entry, look: (root: Root) => Promise<Outcome>): Promise<Outcome> {
    let { root } = entry;
    for (let left = RETRIES;; left--) {
      try {
        return await look(root);
      } catch (error) {
        if (!(error instanceof FluxError)) throw error;
        const newer = error instanceof MissingBlob && left > 0 ? await this.#newer(root) : undefined;
        if (!newer) return error instanceof LookupError ? { root, error, trail: error.trail } : { root, error };
        root = newer;
        this.#overtake(entry, root);
      }
    }
  }

  async #newer(root: Root): Promise<Root | undefined> {
    const { roots } = this.#options;
    const known = roots.get(root.namespace);
    if (known && known.rootseq > root.rootseq) return known;
    const asked = await roots.refresh(root.namespace).catch(() => undefined);
    return asked && asked.rootseq > root.rootseq ? asked : undefined;
  }

  /** What waits to be looked at before this root is answered with it. */
  #overtake(entry: Entry, { rootseq }: Root): void {
    while (this.#pending[0] && this.#pending[0].root.rootseq <= rootseq) {
      entry.cause = stronger(entry.cause, this.#pending.shift()!.cause);
    }
  }

  /** Puts this where changes of what it depends on wake it. True when that is another place than before. */
  #place(trail: readonly string[], isMissing: boolean): boolean {
    const { index } = this.#options;
    const { full, key } = this.#what;
    return full || isMissing ? index.putTrail(this, trail) : index.putExact(this, key);
  }
}

const STRENGTH = { owed: 0, uncertain: 1, written: 2 } as const;

function stronger(a: Cause, b: Cause): Cause {
  return STRENGTH[a] >= STRENGTH[b] ? a : b;
}

function refuse(watcher: Watcher, error: FluxError, rootseq: number): void {
  const isMissing = error instanceof LookupError && error.code === "ENOENT";
  if (isMissing) watcher.miss(rootseq);
  else watcher.fail(error);
}

/** Followers that are at the same place share what is read for it. */
function shared(log: ValueLog, reader: Reader): Growing {
  const pieces = new Map<number, Promise<Piece>>();
  return {
    length: log.length,
    read(from) {
      let reading = pieces.get(from);
      if (!reading) {
        reading = log.read(from, (blobref) => reader.load(blobref)).then(piece);
        pieces.set(from, reading);
      }
      return reading;
    },
  };
}
