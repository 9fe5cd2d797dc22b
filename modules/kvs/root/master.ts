/**
 * The one writer of all roots, at rank 0. Commits that arrive together, or while others are being stored, become one new
 * root; NO_MERGE commits get one of their own. All that is taken up at a time is stored in one step, all or nothing, and a
 * root moves, is announced and answers its commits only when it is durable.
 */

import { FluxError, type Hash } from "../../../broker/message/mod.ts";
import { type Announcement, created, type NewRoot, removed, setroot } from "../announcements.ts";
import { checkNamespace, checkOperations } from "../access.ts";
import { applyCommits } from "./apply.ts";
import { divide, outside, sizeOf } from "./batch.ts";
import type { Collector } from "./collector.ts";
import type { Commit, Committer } from "../committer.ts";
import type { Content, StoredRoot } from "../content.ts";
import { decodeNode } from "../tree/directory.ts";
import { type CommitReply, PRIMARY, type Root } from "../protocol.ts";
import type { Reader } from "../reader.ts";
import { ANYTHING, type Roots } from "../roots.ts";
import type { Blob } from "../tree/transaction.ts";
import { EMPTY_DIR, EMPTY_DIR_TEXT } from "../tree/treeobj.ts";
import type { Versions } from "./versions.ts";

/** What is taken up at a time: commits, and about how many bytes of values. */
const BATCH_COMMITS = 4096;
const BATCH_BYTES = 64 << 20;
/** Turns of the microtask queue that wait for company: what one turn of the event loop brought arrives within them. */
const HOPS = 4;

export interface MasterOptions {
  readonly content: Pick<Content, "commit">;
  readonly reader: Reader;
  readonly roots: Roots;
  readonly versions: Versions;
  /** Asked for at the first commit, since what computes digests takes 20 ms to load. */
  loadHash(): Promise<Hash>;
  /** Seconds since the epoch. */
  time(): number;
  /** Tells everyone of a change that is done. */
  publish(announcement: Announcement): void;
  /** Hears what each step stored. */
  stored(blobs: number, bytes: number): void;
  /** Hears how many commits became one version, and whether the tree is another. */
  merged(commits: number, isOther: boolean): void;
}

interface Waiting {
  readonly commit: Commit;
  readonly size: number;
  resolve(reply: CommitReply): void;
  reject(error: unknown): void;
}

/** Waits in the queue: a commit, or something that runs while no commit does. */
type Job = Waiting | (() => Promise<void>);

/** A new root that is not stored yet. */
interface Pending extends NewRoot {
  readonly accepted: readonly Waiting[];
}

export class Master implements Committer {
  readonly #options: MasterOptions;
  /** The newest root of each namespace; what this rank shows of them may be held back. */
  readonly #heads = new Map<string, Root>();
  readonly #queue: Job[] = [];
  #hash: Hash | undefined;
  #protect: Collector["protect"] = () => Promise.resolve();
  #working: Promise<void> | undefined;
  #closed = false;
  #last = 0;

  constructor(options: MasterOptions) {
    this.#options = options;
  }

  /** Commits that are not answered yet. */
  get pending(): number {
    return this.#queue.length;
  }

  /** From now on what operations bring from outside the tree is told before it is stored. */
  guard(protect: Collector["protect"]): void {
    this.#protect = protect;
  }

  commit(commit: Commit): Promise<CommitReply> {
    if (commit.ops.length === 0) return Promise.try(() => this.#nothing(commit));
    return new Promise((resolve, reject) => this.#add({ commit, size: sizeOf(commit.ops), resolve, reject }));
  }

  /** Runs something while no commit is under way. */
  exclusive<T>(run: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => this.#add(() => run().then(resolve, reject)));
  }

  /** Takes in a root that is stored: of the past, or of a store that was just attached. */
  adopt(root: Root): void {
    const { roots, versions, publish } = this.#options;
    const isKnown = this.#heads.has(root.namespace);
    this.#heads.set(root.namespace, root);
    versions.add(root.namespace, root.rootref);
    roots.created(root);
    if (!isKnown) return publish(created(root));
    roots.advance(root, [ANYTHING]);
    publish(setroot({ root, names: [], keys: [ANYTHING] }));
  }

  /** Makes a namespace whose tree is that of a root: a snapshot. Throws EEXIST, ENOENT when there is no such root. */
  create(root: Root): Promise<void> {
    return this.exclusive(async () => {
      const { reader, content } = this.#options;
      const { namespace, rootref } = root;
      if (this.#heads.has(namespace)) throw new FluxError("EEXIST");
      if (rootref !== EMPTY_DIR) decodeNode(rootref, await reader.load(rootref));
      await this.#protect({ directories: [rootref], values: [] });
      await content.commit(rootref === EMPTY_DIR ? [emptyDirectory()] : [], { [namespace]: this.#stored(root) });
      this.adopt(root);
    });
  }

  /** Removes a namespace. Throws ENOTSUP for the primary one, and for one that is not there. */
  remove(namespace: string): Promise<void> {
    return this.exclusive(async () => {
      const { roots, versions, content, publish } = this.#options;
      if (namespace === PRIMARY || !this.#heads.has(namespace)) throw new FluxError("ENOTSUP");
      await content.commit([], { [namespace]: null });
      this.#heads.delete(namespace);
      versions.remove(namespace);
      roots.removed(namespace);
      publish(removed(namespace));
    });
  }

  /** Answers what has been taken in, and takes nothing more. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#working;
  }

  /** The answer to a commit without operations. */
  #nothing(commit: Commit): CommitReply {
    const { rootref, rootseq } = this.#admit(commit);
    return { rootref, rootseq };
  }

  #add(job: Job): void {
    if (this.#closed) {
      const gone = new FluxError("ENOSYS", "service is gone");
      if (typeof job === "function") throw gone;
      return job.reject(gone);
    }
    this.#queue.push(job);
    this.#working ??= this.#work();
  }

  async #work(): Promise<void> {
    for (let i = 0; i < HOPS; i++) await undefined;
    while (this.#queue.length > 0) {
      const [first] = this.#queue;
      if (typeof first === "function") {
        this.#queue.shift();
        await first();
      } else {
        await this.#store(this.#take());
      }
    }
    // At once, not when the promise of this call is seen to be settled: a job that came between would lie there.
    this.#working = undefined;
  }

  /** The commits at the head of the queue that are taken up together. */
  #take(): Waiting[] {
    const batch: Waiting[] = [];
    let bytes = 0;
    for (const job of this.#queue) {
      if (typeof job === "function" || batch.length === BATCH_COMMITS) break;
      bytes += job.size;
      if (bytes > BATCH_BYTES && batch.length > 0) break;
      batch.push(job);
    }
    this.#queue.splice(0, batch.length);
    return batch;
  }

  async #store(batch: readonly Waiting[]): Promise<void> {
    const { content, stored, loadHash } = this.#options;
    const hash = this.#hash ??= await loadHash();
    const blobs = new Map<string, Blob>();
    const pending: Pending[] = [];
    for (const [namespace, groups] of divide(batch)) {
      let root = this.#heads.get(namespace);
      for (const group of groups) {
        const next = await this.#apply(root, group, blobs, hash);
        if (!next) continue;
        root = next.root;
        pending.push(next);
      }
    }
    if (pending.length === 0) return;
    const changes = Object.fromEntries(pending.map(({ root }) => [root.namespace, this.#stored(root)]));
    try {
      await this.#protect(outside(pending.flatMap(({ accepted }) => accepted.map(({ commit }) => commit))));
      await content.commit([...blobs.values()], changes);
    } catch (error) {
      for (const { accepted } of pending) for (const { reject } of accepted) reject(error);
      return;
    }
    let bytes = 0;
    for (const blob of blobs.values()) bytes += blob.bytes.length;
    stored(blobs.size, bytes);
    for (const next of pending) this.#publish(next);
  }

  #publish(next: Pending): void {
    const { roots, versions, publish, merged } = this.#options;
    const { root, keys, accepted } = next;
    merged(accepted.length, this.#heads.get(root.namespace)?.rootref !== root.rootref);
    this.#heads.set(root.namespace, root);
    versions.add(root.namespace, root.rootref);
    roots.advance(root, keys);
    publish(setroot(next));
    const reply = { rootref: root.rootref, rootseq: root.rootseq };
    for (const { resolve } of accepted) resolve(reply);
  }

  /** What a group of commits makes of a root; undefined when it refuses them all. */
  async #apply(
    root: Root | undefined,
    group: readonly Waiting[],
    blobs: Map<string, Blob>,
    hash: Hash,
  ): Promise<Pending | undefined> {
    const admitted = group.filter((waiting) => {
      try {
        root = this.#admit(waiting.commit, root);
        return true;
      } catch (error) {
        waiting.reject(error);
        return false;
      }
    });
    if (!root || admitted.length === 0) return undefined;
    const { reader } = this.#options;
    const commits = admitted.map(({ commit }) => commit);
    const outcome = await applyCommits(reader, hash, root.rootref, commits, blobs);
    const keys = new Set<string>();
    const accepted = admitted.filter((waiting, i) => {
      const refusal = outcome.refusals[i];
      if (refusal !== undefined) waiting.reject(refusal);
      else for (const key of outcome.keys[i]!) keys.add(key);
      return refusal === undefined;
    });
    if (accepted.length === 0) return undefined;
    const names = accepted.map(({ commit }) => commit.name ?? `transaction_req.0.${++this.#last}`);
    return { root: { ...root, rootref: outcome.rootref, rootseq: root.rootseq + 1 }, names, keys: [...keys], accepted };
  }

  /** The root a commit is to change. Throws ENOTSUP without such a namespace, EPERM. */
  #admit({ namespace, ops, ...caller }: Commit, root = this.#heads.get(namespace)): Root {
    if (!root) throw new FluxError("ENOTSUP");
    checkNamespace(caller, root);
    checkOperations(caller, ops);
    return root;
  }

  #stored({ rootref, rootseq, owner, flags }: Root): StoredRoot {
    return { rootref, rootseq, owner, flags, timestamp: this.#options.time() };
  }
}

/** The blob of a tree without entries. */
export function emptyDirectory(): Blob {
  return { blobref: EMPTY_DIR, bytes: new TextEncoder().encode(EMPTY_DIR_TEXT) };
}
