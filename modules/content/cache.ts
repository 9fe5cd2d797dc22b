/**
 * Blobs at hand that somebody else keeps: upstream, or the backing store. The least recently used go first when there
 * are too many; what was not used for some heartbeats goes anyway, unless it is small. Pure.
 *
 * Invariant: `bytes` and `count` are what the entries sum up to, and never above the limits after a call.
 */

import { Chain, type Linked } from "./chain.ts";
import { owned } from "./owned.ts";

/** May change at any time; looked at when something is added, and at heartbeats. */
export interface CacheLimits {
  /** Bytes of blobs. */
  readonly bytes: number;
  readonly count: number;
  /** Heartbeats after which an unused blob is dropped. */
  readonly age: number;
  /** Blobs of up to this many bytes are not dropped for their age. */
  readonly large: number;
}

interface Entry extends Linked<Entry> {
  readonly blobref: string;
  readonly blob: Uint8Array;
  /** The heartbeat of the last use. */
  beat: number;
  /** The period in which its use was last told. */
  period: number;
}

export class Cache {
  readonly #limits: CacheLimits;
  readonly #entries = new Map<string, Entry>();
  readonly #chain = new Chain<Entry>();
  #bytes = 0;
  #beat = 0;
  #period = 0;
  readonly #told: ((blobref: string) => void) | undefined;

  /** `told` hears of the first use of each blob in a period. */
  constructor(limits: CacheLimits, told?: (blobref: string) => void) {
    this.#limits = limits;
    this.#told = told;
  }

  get count(): number {
    return this.#entries.size;
  }
  get bytes(): number {
    return this.#bytes;
  }

  /** The blob, which is now the most recently used; undefined when it is not here. */
  get(blobref: string): Uint8Array | undefined {
    const entry = this.#entries.get(blobref);
    if (!entry) return undefined;
    this.#use(entry);
    return entry.blob;
  }

  has(blobref: string): boolean {
    return this.#entries.has(blobref);
  }

  /** Adds a blob and makes room for it; one that alone is over the limit is not kept. */
  put(blobref: string, blob: Uint8Array): void {
    const known = this.#entries.get(blobref);
    if (known) return this.#use(known);
    if (blob.length > this.#limits.bytes) return;
    const entry: Entry = {
      blobref,
      blob: owned(blob),
      beat: this.#beat,
      period: -1,
      older: undefined,
      newer: undefined,
    };
    this.#entries.set(blobref, entry);
    this.#bytes += blob.length;
    this.#chain.append(entry);
    while (this.#chain.oldest && (this.#bytes > this.#limits.bytes || this.count > this.#limits.count)) {
      this.#drop(this.#chain.oldest);
    }
  }

  delete(blobref: string): void {
    const entry = this.#entries.get(blobref);
    if (entry) this.#drop(entry);
  }

  /** Drops everything; how many there were. */
  clear(): number {
    const { count } = this;
    this.#entries.clear();
    this.#chain.clear();
    this.#bytes = 0;
    return count;
  }

  /** A heartbeat passed: drops what is too old, what is over limits that were lowered; how many that were. */
  beat(): number {
    this.#beat++;
    const { count } = this;
    const { bytes, age, large } = this.#limits;
    let entry = this.#chain.oldest;
    while (entry) {
      const over = this.#bytes > bytes || this.count > this.#limits.count;
      if (!over && this.#beat - entry.beat <= age) break;
      const { newer }: Entry = entry;
      if (over || entry.blob.length > large) this.#drop(entry);
      entry = newer;
    }
    return count - this.count;
  }

  /** Begins a period: from now on uses are told again. */
  nextPeriod(): void {
    this.#period++;
  }

  #use(entry: Entry): void {
    entry.beat = this.#beat;
    if (entry.period !== this.#period) {
      entry.period = this.#period;
      this.#told?.(entry.blobref);
    }
    this.#chain.renew(entry);
  }

  #drop(entry: Entry): void {
    this.#entries.delete(entry.blobref);
    this.#bytes -= entry.blob.length;
    this.#chain.remove(entry);
  }
}
