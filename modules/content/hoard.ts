/**
 * The blobs rank 0 has while no backing store keeps them. Unneeded blobs are collected in
 * epochs: whatever is stored or marked in the current one stays, the rest can be swept. Pure.
 *
 * Invariant: blobs are in a list in the order of their epochs, the oldest first, so a sweep looks only at what it may
 * delete; blobs that clients stored and still use are moved to its end when it meets them.
 */

import { Chain, type Linked } from "./chain.ts";
import { owned } from "./owned.ts";
import type { Swept } from "./protocol.ts";

/** A blob and, if a client stored it, when it was last stored or loaded, seconds. */
export interface Hoarded {
  readonly blobref: string;
  readonly blob: Uint8Array;
  readonly used: number | undefined;
}

interface Entry extends Hoarded, Linked<Entry> {
  used: number | undefined;
  epoch: number;
}

export class Hoard {
  readonly #entries = new Map<string, Entry>();
  readonly #chain = new Chain<Entry>();
  #bytes = 0;
  #epoch = 0;
  /** What came or was used by a client since the last call of `changes`; undefined while nobody wants to know. */
  #changes: Entry[] | undefined;

  get count(): number {
    return this.#entries.size;
  }
  get bytes(): number {
    return this.#bytes;
  }

  has(blobref: string): boolean {
    return this.#entries.has(blobref);
  }

  /** The blob; undefined when it is not here. `now` in seconds: when a client uses it. */
  get(blobref: string, now: () => number): Uint8Array | undefined {
    const entry = this.#entries.get(blobref);
    if (entry?.used !== undefined) entry.used = now();
    return entry?.blob;
  }

  /** Keeps a blob in this epoch; `used` (seconds) when a client stores it. True when it was not here. */
  put(blobref: string, blob: Uint8Array, used?: number): boolean {
    const known = this.#entries.get(blobref);
    if (known) {
      if (used !== undefined) {
        known.used = used;
        this.#changes?.push(known);
      }
      this.#keep(known);
      return false;
    }
    const entry: Entry = { blobref, blob: owned(blob), used, epoch: this.#epoch, older: undefined, newer: undefined };
    this.#entries.set(blobref, entry);
    this.#bytes += blob.length;
    this.#chain.append(entry);
    this.#changes?.push(entry);
    return true;
  }

  /** Begins an epoch. */
  begin(): number {
    return ++this.#epoch;
  }

  /** Keeps these blobs, if they are here. */
  mark(blobrefs: readonly string[]): void {
    for (const blobref of blobrefs) {
      const entry = this.#entries.get(blobref);
      if (entry) this.#keep(entry);
    }
  }

  /**
   * Looks at up to `limit` blobs of older epochs and deletes them, but for those a client used at `spare` (seconds) or
   * later.
   */
  sweep(limit: number, spare: number): Swept {
    const before = { count: this.count, bytes: this.#bytes };
    for (let i = 0; i < limit && this.#chain.oldest && this.#chain.oldest.epoch < this.#epoch; i++) {
      const entry = this.#chain.oldest;
      if (entry.used !== undefined && entry.used >= spare) this.#keep(entry);
      else this.delete(entry.blobref);
    }
    return {
      deleted: before.count - this.count,
      bytes: before.bytes - this.#bytes,
      done: !this.#chain.oldest || this.#chain.oldest.epoch === this.#epoch,
      live: this.#bytes,
    };
  }

  /** Everything; from now on `changes` tells what comes. */
  all(): Hoarded[] {
    this.#changes = [];
    return [...this.#entries.values()];
  }

  /** What came, or was stored again by a client, since the last call of this or of `all`. */
  changes(): Hoarded[] {
    const changes = this.#changes ?? [];
    this.#changes = [];
    return changes;
  }

  /** Nobody wants to know of changes any more. */
  forgetChanges(): void {
    this.#changes = undefined;
  }

  clear(): void {
    this.#entries.clear();
    this.#chain.clear();
    this.#bytes = 0;
    this.#changes = undefined;
  }

  delete(blobref: string): void {
    const entry = this.#entries.get(blobref);
    if (!entry) return;
    this.#entries.delete(blobref);
    this.#bytes -= entry.blob.length;
    this.#chain.remove(entry);
  }

  #keep(entry: Entry): void {
    if (entry.epoch === this.#epoch) return;
    entry.epoch = this.#epoch;
    this.#chain.renew(entry);
  }
}
