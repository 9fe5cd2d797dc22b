/**
 * What this rank knows of each namespace: its newest root, and who waits for newer ones. Filled by setroot events, by the
 * answers to commits, and at rank 0 by the commits themselves.
 *
 * Invariants: the root of a namespace never goes back, except that it is removed and created again. What an event says
 * was written is told to followers once, in the order of the events, also when the root was known from elsewhere before.
 */

import { FluxError } from "../../broker/message/mod.ts";
import type { Root } from "./protocol.ts";

/** Among the keys of a change: what else was written is not known, look at everything. */
export const ANYTHING = ".";
/** Changes held back one by one; of more only the newest root is kept. */
const HELD_LIMIT = 1024;

/** Hears of new roots. */
export interface RootFollower {
  /**
   * `keys` is what was written to come to `root`, normalized; {@link ANYTHING} among them stands for every key. This rank
   * may know a newer root already, from an answer.
   */
  changed(root: Root, keys: readonly string[]): void;
  removed(namespace: string): void;
}

interface Waiter {
  resolve(root: Root): void;
  reject(error: unknown): void;
}

interface Change {
  readonly root: Root;
  readonly keys: readonly string[] | undefined;
}

/** One life of a namespace, from the moment this rank hears of it until it is removed. */
interface Life {
  root: Root;
  /** The last version whose keys were told, -1 before the first. */
  told: number;
  /** The version that the next event must not go beyond, or one was missed. */
  expected: number;
  /** What is held back, in order; undefined while nothing is to be. */
  held: Change[] | undefined;
  /** Who waits, by the version waited for. */
  readonly waiting: Map<number, Set<Waiter>>;
}

/** Both throw ENOTSUP when there is no such namespace. */
export interface RootsOptions {
  /** Asks whoever is next on the way to rank 0. */
  ask(namespace: string): Promise<Root>;
  /** Asks rank 0 for the newest, which stays readable there for a while. */
  renew(namespace: string): Promise<Root>;
}

export class Roots {
  readonly #options: RootsOptions;
  readonly #lives = new Map<string, Life>();
  readonly #followers = new Set<RootFollower>();
  /** Questions under way. One whose namespace is removed before the answer comes is taken out: its answer is of the past. */
  readonly #asking = new Map<string, Promise<Root>>();
  #removals = 0;

  constructor(options: RootsOptions) {
    this.#options = options;
  }

  get(namespace: string): Root | undefined {
    return this.#lives.get(namespace)?.root;
  }

  /** All that are known, in the order they became so. */
  get all(): Root[] {
    return [...this.#lives.values()].map(({ root }) => root);
  }

  /** The root this rank knows, or else what the rank above does. Throws ENOTSUP when there is no such namespace. */
  async find(namespace: string): Promise<Root> {
    return this.get(namespace) ?? await this.#question(namespace, "ask");
  }

  /** Asks rank 0; returns what it says or, if that is newer, what this rank knows by then. Throws ENOTSUP. */
  refresh(namespace: string): Promise<Root> {
    return this.#question(namespace, "renew");
  }

  #question(namespace: string, how: "ask" | "renew"): Promise<Root> {
    const asked = this.#asking.get(namespace);
    if (asked) return asked;
    const question: Promise<Root> = this.#options[how](namespace).then((root) => {
      if (this.#asking.get(namespace) !== question) return this.#question(namespace, how);
      this.#asking.delete(namespace);
      const life = this.#lives.get(namespace);
      if (!life) this.#begin(root);
      else this.#change(life, { root, keys: undefined });
      return this.get(namespace)!;
    });
    this.#asking.set(namespace, question);
    question.catch(() => this.#asking.get(namespace) === question && this.#asking.delete(namespace));
    return question;
  }

  /** Tells `follower` of every change from now on. */
  follow(follower: RootFollower): Disposable {
    this.#followers.add(follower);
    return { [Symbol.dispose]: () => this.#followers.delete(follower) };
  }

  /**
   * Resolves when the root this rank knows is at least that version. Throws ENOTSUP when there is no such namespace or it
   * is removed, and the signal's reason.
   */
  async reached(namespace: string, rootseq: number, signal?: AbortSignal): Promise<Root> {
    const root = await this.find(namespace);
    if (root.rootseq >= rootseq) return root;
    const life = this.#lives.get(namespace);
    if (!life) throw new FluxError("ENOTSUP");
    return await this.#wait(life.waiting, rootseq, signal);
  }

  /**
   * A newer root is known: with what was written (an event, or a commit at rank 0), or without (an answer). An older one
   * changes nothing. An answer makes no namespace known: it may have been removed meanwhile.
   */
  advance(root: Root, keys?: readonly string[]): void {
    const life = this.#lives.get(root.namespace) ?? (keys && this.#begin({ ...root, rootseq: root.rootseq - 1 }));
    if (life) this.#change(life, { root, keys });
  }

  /** How often a namespace was removed: an answer that was asked for before the last time may be of the past. */
  get removals(): number {
    return this.#removals;
  }

  /** A namespace was created. What is known already is its newer root, since its removal would have come before. */
  created(root: Root): void {
    if (!this.#lives.has(root.namespace)) this.#begin(root);
  }

  /** A namespace was removed: who waits for it is told ENOTSUP. */
  removed(namespace: string): void {
    this.#asking.delete(namespace);
    this.#removals++;
    const life = this.#lives.get(namespace);
    if (!life) return;
    this.#lives.delete(namespace);
    for (const waiters of life.waiting.values()) for (const { reject } of waiters) reject(new FluxError("ENOTSUP"));
    for (const follower of [...this.#followers]) follower.removed(namespace);
  }

  /** Whether new roots of this namespace are held back. */
  isPaused(namespace: string): boolean {
    return this.#lives.get(namespace)?.held !== undefined;
  }

  /** Holds new roots of a namespace back until `resume`. Throws ENOTSUP. */
  async pause(namespace: string): Promise<void> {
    await this.find(namespace);
    const life = this.#lives.get(namespace);
    if (life) life.held ??= [];
  }

  /** Lets what was held back through. Throws ENOTSUP. */
  async resume(namespace: string): Promise<void> {
    await this.find(namespace);
    const life = this.#lives.get(namespace);
    if (!life?.held) return;
    const { held } = life;
    life.held = undefined;
    for (const change of held) this.#change(life, change);
  }

  #begin(root: Root): Life {
    const life = { root, told: -1, expected: root.rootseq + 1, held: undefined, waiting: new Map() };
    this.#lives.set(root.namespace, life);
    return life;
  }

  #change(life: Life, change: Change): void {
    const { held } = life;
    if (held) {
      if (held.push(change) >= HELD_LIMIT) {
        const newest = held.reduce((a, b) => b.root.rootseq >= a.root.rootseq ? b : a);
        held.splice(0, held.length, { root: newest.root, keys: [ANYTHING] });
      }
      return;
    }
    const { root, keys } = change;
    if (root.rootseq > life.root.rootseq) {
      life.root = root;
      this.#wake(life);
    }
    if (!keys || root.rootseq <= life.told) return;
    const all = root.rootseq > life.expected ? [...new Set([...keys, ANYTHING])] : keys;
    life.told = root.rootseq;
    life.expected = root.rootseq + 1;
    for (const follower of [...this.#followers]) follower.changed(root, all);
  }

  #wait(waiting: Map<number, Set<Waiter>>, rootseq: number, signal: AbortSignal | undefined): Promise<Root> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const waiter: Waiter = {
        resolve(root) {
          signal?.removeEventListener("abort", abort);
          resolve(root);
        },
        reject(error) {
          signal?.removeEventListener("abort", abort);
          reject(error);
        },
      };
      const waiters = waiting.get(rootseq) ?? new Set();
      const abort = () => {
        waiters.delete(waiter);
        if (waiters.size === 0 && waiting.get(rootseq) === waiters) waiting.delete(rootseq);
        reject(signal!.reason);
      };
      waiting.set(rootseq, waiters.add(waiter));
      signal?.addEventListener("abort", abort, { once: true });
    });
  }

  #wake({ root, waiting }: Life): void {
    for (const [rootseq, waiters] of waiting) {
      if (rootseq > root.rootseq) continue;
      waiting.delete(rootseq);
      for (const { resolve } of waiters) resolve(root);
    }
  }
}
