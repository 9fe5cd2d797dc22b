/**
 * Content at rank 0, where all of it is: in memory, until a backing store is attached, and then in that, with a cache in
 * front of it. What is answered is kept: in the store before the answer, where there is one.
 *
 * Invariant: while blobs move from memory to a store or back, each is found in one of the two; one move at a time.
 */

import { digestOf, FluxError, type Hash, type JsonObject } from "../../broker/message/mod.ts";
import type { LogLevel } from "../../broker/handle/mod.ts";
import { adoption } from "./adoption.ts";
import type { Backing } from "./backing.ts";
import { Cache, type CacheLimits } from "./cache.ts";
import { Collections } from "./collections.ts";
import { Flights } from "./flights.ts";
import { Hoard } from "./hoard.ts";
import type { ContentStats, Keeper } from "./keeper.ts";
import { copyFrom, copyTo } from "./move.ts";
import {
  type Commit,
  decodeCommit,
  encodeCommit,
  joinDigests,
  type StoredRoot,
  type StoredRoots,
  type Swept,
} from "./protocol.ts";
import { checkBlobs, checkRoots } from "./refusals.ts";
import { Uses } from "./uses.ts";

export interface OriginOptions {
  readonly limits: CacheLimits;
  /** Bytes a blob may have. */
  readonly blobLimit: () => number;
  /** Seconds that blobs of clients are kept after their last use. */
  readonly grace: () => number;
  /** Seconds since the epoch. */
  readonly now: () => number;
  /** This broker, as a store remembers who wrote to it. */
  readonly writer: string;
  loadHash(): Promise<Hash>;
  log(level: LogLevel, text: string): void;
  /** Lets others have a turn between the steps of a move. */
  pause(): Promise<void>;
  /** Roots of a store took the place of those that were known. */
  adopted(): Promise<void>;
}

export class Origin implements Keeper {
  readonly #options: OriginOptions;
  readonly #hoard = new Hoard();
  readonly #cache: Cache;
  readonly #collections = new Collections(this.#hoard);
  readonly #loads = new Flights<Uint8Array>();
  readonly #uses = new Uses((blobrefs) => this.#touch(blobrefs));
  #roots = new Map<string, StoredRoot>();
  #backing: Backing | undefined;
  /** New blobs go to the store: it is attached, and neither filled nor emptied. */
  #writesThrough = false;
  /** Writes to the store that are under way. */
  readonly #writes = new Set<Promise<void>>();
  /** The move under way; resolves when it is over, well or not. */
  #move: Promise<void> | undefined;
  /** The end of the move, for which writes wait. */
  #gate: Promise<void> | undefined;

  constructor(options: OriginOptions) {
    this.#options = options;
    this.#cache = new Cache(options.limits, (blobref) => this.#uses.add(blobref));
  }

  get backing(): Backing | undefined {
    return this.#backing;
  }
  get roots(): StoredRoots {
    return Object.fromEntries(this.#roots);
  }

  load(blobref: string, digest: Uint8Array): Uint8Array | Promise<Uint8Array> {
    const here = this.#hoard.get(blobref, this.#options.now) ?? this.#cache.get(blobref);
    if (here) return here;
    const backing = this.#backing;
    if (!backing) throw new FluxError("ENOENT", "No such file or directory");
    return this.#loads.share(blobref, () => this.#fetch(backing, blobref, digest));
  }

  /** Throws ENOENT when the blob is not here, EIO when it is damaged. */
  async validate(blobref: string, digest: Uint8Array): Promise<void> {
    if (this.#hoard.has(blobref)) return;
    if (!this.#backing) throw new FluxError("ENOENT");
    await this.#backing.validate(digest);
  }

  store(blobref: string, blob: Uint8Array): void | Promise<void> {
    return this.#write({ refs: [blobref], blobs: [blob], roots: {}, used: this.#options.now() });
  }

  /** All of it in one step. Throws EFBIG, EINVAL for a root that does not follow the one known, ENOSPC, EROFS, EIO. */
  commit(payload: Uint8Array | undefined): void | Promise<void> {
    const commit = decodeCommit(payload);
    checkBlobs(commit, this.#options.blobLimit());
    checkRoots(commit.roots, this.#roots);
    return this.#write(commit, payload);
  }

  /** From now on what is stored or marked is kept by the sweep of this epoch. */
  async beginCollection(): Promise<number> {
    await this.#move;
    return await this.#collections.begin(this.#backing);
  }

  /** Keeps blobs, if they are here. Throws EAGAIN for an epoch that is over. */
  async mark(epoch: number, digests: readonly Uint8Array[]): Promise<void> {
    await this.#move;
    await this.#collections.mark(epoch, digests, this.#backing);
  }

  /** Deletes up to `limit` blobs that nobody keeps. Throws EAGAIN for an epoch that is over. */
  async sweep(epoch: number, limit: number): Promise<Swept> {
    await this.#move;
    this.#uses.flush();
    const backing = this.#backing;
    const grace = this.#options.grace() + (backing ? this.#period : 0);
    const gone = (blobref: string) => this.#cache.delete(blobref);
    return await this.#collections.sweep(epoch, limit, this.#options.now() - grace, backing, gone);
  }

  async flush(): Promise<void> {
    await this.#move;
    if (!this.#backing) throw new FluxError("ENOSYS", "nowhere to flush to: no backing store is loaded");
    await this.#backing.flush();
  }

  dropCache(): number {
    return this.#cache.clear();
  }

  stats(): ContentStats {
    const count = this.#hoard.count + this.#cache.count;
    return { count, valid: count, dirty: this.#hoard.count, size: this.#hoard.bytes + this.#cache.bytes };
  }

  beat(): void {
    this.#cache.beat();
    this.#uses.flush();
    if (this.#uses.isOver(this.#options.now(), this.#period)) this.#cache.nextPeriod();
  }

  /** Checkpoints, newest first. Throws ENOENT when there are none. */
  checkpoints(): Promise<JsonObject> {
    if (!this.#backing) throw new FluxError("ENOENT");
    return this.#backing.checkpoints();
  }

  putCheckpoint(payload: JsonObject): Promise<void> {
    if (!this.#backing) throw new FluxError("ENOSYS", "checkpoint put unavailable, no backing store");
    return this.#backing.putCheckpoint(payload);
  }

  /**
   * Attaches a store and moves everything into it. A store with content of its own is adopted when nothing was committed
   * here yet. Throws EBUSY when there is one already, EEXIST when both have content, and what the store throws: then
   * everything is as before.
   */
  async attach(backing: Backing): Promise<void> {
    if (this.#backing || this.#move) {
      throw new FluxError("EBUSY", `already backed by ${this.#backing?.name ?? "another"}`);
    }
    const adopted = await this.#moving(() => this.#moveIn(backing));
    this.#options.log("debug", `backed by ${backing.name}`);
    if (adopted) await this.#options.adopted();
  }

  /** Brings everything back into memory and lets go of the store. Throws EINVAL when there is none. */
  async detach(): Promise<void> {
    await this.#move;
    const backing = this.#backing;
    if (!backing) throw new FluxError("EINVAL", "no backing store is loaded");
    await this.#moving(() => this.#moveOut(backing));
    this.#options.log("debug", `no longer backed by ${backing.name}`);
  }

  async #moving<T>(move: () => Promise<T>): Promise<T> {
    const over = Promise.withResolvers<void>();
    this.#move = over.promise;
    try {
      return await move();
    } finally {
      this.#move = this.#gate = undefined;
      this.#collections.end();
      over.resolve();
    }
  }

  /** True when roots of the store were adopted. */
  async #moveIn(backing: Backing): Promise<boolean> {
    const { pause } = this.#options;
    const info = await backing.info();
    const before = this.#roots;
    const { roots, adopted } = adoption(info, before, this.#options.writer);
    await backing.claim(this.#options.writer);
    this.#backing = backing;
    this.#roots = roots;
    try {
      await copyTo(backing, this.#hoard.all(), pause);
      await copyTo(backing, this.#hoard.changes(), pause);
      this.#gate = this.#move;
      await copyTo(backing, this.#hoard.changes(), pause);
      const removed = Object.keys(info.roots).filter((namespace) => !roots.has(namespace));
      const nulls = Object.fromEntries(removed.map((namespace) => [namespace, null]));
      await backing.commit({ refs: [], blobs: [], roots: { ...nulls, ...this.roots } });
      this.#hoard.clear();
      this.#writesThrough = true;
      return adopted;
    } catch (error) {
      this.#backing = undefined;
      this.#hoard.forgetChanges();
      if (adopted) this.#roots = before;
      throw error;
    }
  }

  /** Ends without the store in any case: it is going away. */
  async #moveOut(backing: Backing): Promise<void> {
    this.#writesThrough = false;
    try {
      await Promise.allSettled(this.#writes);
      const hash = await this.#options.loadHash();
      await copyFrom(
        backing,
        this.#hoard,
        hash,
        (blobref) => this.#complain(`${blobref}: ${DAMAGED}`),
        this.#options.pause,
      );
    } finally {
      this.#backing = undefined;
      this.#cache.clear();
    }
  }

  #write(commit: Commit, payload?: Uint8Array): void | Promise<void> {
    if (this.#gate) return this.#gate.then(() => this.#write(commit, payload));
    if (this.#writesThrough) return this.#writeThrough(this.#backing!, commit, payload);
    commit.refs.forEach((blobref, i) => this.#hoard.put(blobref, commit.blobs[i]!, commit.used));
    this.#changeRoots(commit);
  }

  async #writeThrough(backing: Backing, commit: Commit, payload?: Uint8Array): Promise<void> {
    const writing = backing.commitRaw(payload ?? encodeCommit(commit));
    this.#writes.add(writing);
    try {
      await writing;
    } finally {
      this.#writes.delete(writing);
    }
    commit.refs.forEach((blobref, i) => this.#cache.put(blobref, commit.blobs[i]!));
    this.#changeRoots(commit);
  }

  #changeRoots({ roots }: Commit): void {
    for (const [namespace, root] of Object.entries(roots)) {
      if (root) this.#roots.set(namespace, root);
      else this.#roots.delete(namespace);
    }
  }

  async #fetch(backing: Backing, blobref: string, digest: Uint8Array): Promise<Uint8Array> {
    const blob = await backing.load(digest);
    const hash = await this.#options.loadHash();
    if (hash(blob) !== blobref) {
      this.#complain(`${blobref}: ${DAMAGED}`);
      throw new FluxError("EIO", `${blobref}: ${DAMAGED}`);
    }
    this.#cache.put(blobref, blob);
    this.#uses.add(blobref);
    return blob;
  }

  /** Seconds in which a use is told once. */
  get #period(): number {
    return this.#options.grace() >> 3;
  }

  #touch(blobrefs: readonly string[]): void {
    if (!this.#backing) return;
    const digests = joinDigests(blobrefs.map(digestOf));
    this.#backing.touch(this.#options.now(), digests).catch((error) =>
      this.#complain(`uses not kept: ${error.message}`)
    );
  }

  #complain(text: string): void {
    this.#options.log("err", text);
  }
}

const DAMAGED = "damaged in the backing store (its bytes do not match its address)";
