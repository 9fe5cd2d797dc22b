/**
 * A set of small non-negative integers (ranks), written as RFC 22 idset: `0-2,5`. Stored as a bitmap, so that
 * set operations over thousands of ranks cost a few words each.
 */

import { FluxError } from "./errno.ts";

/** Ids at or above this are refused: no session is that large, and one typed digit must not cost a gigabyte. */
const LIMIT = 1 << 24;

export class Idset implements Iterable<number> {
  #words: Uint32Array;
  #size = 0;

  constructor(ids: Iterable<number> = []) {
    this.#words = new Uint32Array(1);
    for (const id of ids) this.add(id);
  }

  /** All of 0 … n-1. */
  static upTo(n: number): Idset {
    const set = new Idset();
    for (let id = 0; id < n; id++) set.add(id);
    return set;
  }

  /** Reads `0-2,5`, with or without brackets; the empty string is the empty set. Throws EINVAL on anything else. */
  static parse(text: string): Idset {
    const set = new Idset();
    const body = text.startsWith("[") && text.endsWith("]") ? text.slice(1, -1) : text;
    if (body === "") return set;
    for (const part of body.split(",")) {
      const match = /^(\d+)(?:-(\d+))?$/.exec(part);
      const low = Number(match?.[1]);
      const high = match?.[2] === undefined ? low : Number(match[2]);
      if (!match || high < low || high >= LIMIT) throw new FluxError("EINVAL", `Cannot parse idset "${text}"`);
      for (let id = low; id <= high; id++) set.add(id);
    }
    return set;
  }

  get size(): number {
    return this.#size;
  }

  add(id: number): this {
    if (!Number.isInteger(id) || id < 0 || id >= LIMIT) throw new FluxError("EINVAL", `Cannot add ${id} to an idset`);
    const word = id >>> 5;
    if (word >= this.#words.length) {
      const grown = new Uint32Array(Math.max(word + 1, this.#words.length * 2));
      grown.set(this.#words);
      this.#words = grown;
    }
    const bit = 1 << (id & 31);
    if (!(this.#words[word]! & bit)) {
      this.#words[word]! |= bit;
      this.#size++;
    }
    return this;
  }

  delete(id: number): boolean {
    if (!this.has(id)) return false;
    this.#words[id >>> 5]! &= ~(1 << (id & 31));
    this.#size--;
    return true;
  }

  has(id: number): boolean {
    return id >>> 0 === id && ((this.#words[id >>> 5] ?? 0) & (1 << (id & 31))) !== 0;
  }

  *[Symbol.iterator](): Iterator<number> {
    for (let w = 0; w < this.#words.length; w++) {
      const word = this.#words[w]!;
      for (let b = 0; word >>> b !== 0 && b < 32; b++) if (word & (1 << b)) yield w * 32 + b;
    }
  }

  /** The smallest id, or undefined when empty. */
  first(): number | undefined {
    for (const id of this) return id;
    return undefined;
  }

  union(other: Iterable<number>): Idset {
    const set = new Idset(this);
    for (const id of other) set.add(id);
    return set;
  }

  intersection(other: Idset): Idset {
    const set = new Idset();
    for (const id of this) if (other.has(id)) set.add(id);
    return set;
  }

  difference(other: Idset): Idset {
    const set = new Idset();
    for (const id of this) if (!other.has(id)) set.add(id);
    return set;
  }

  /** They have an id in common. */
  intersects(other: Idset): boolean {
    const words = Math.min(this.#words.length, other.#words.length);
    for (let w = 0; w < words; w++) if (this.#words[w]! & other.#words[w]!) return true;
    return false;
  }

  equals(other: Idset): boolean {
    return this.#size === other.#size && this.difference(other).size === 0;
  }

  /** `0-2,5`; the empty set is `""`. */
  toString(): string {
    const parts: string[] = [];
    let low = -1;
    let high = -1;
    const flush = () => low >= 0 && parts.push(low === high ? `${low}` : `${low}-${high}`);
    for (const id of this) {
      if (id === high + 1 && low >= 0) {
        high = id;
        continue;
      }
      flush();
      low = high = id;
    }
    flush();
    return parts.join(",");
  }

  /** As the 0.1.0 tools print a node set: one rank bare, several in brackets (`[0-3]`), none as `""` (cli.md §0). */
  toNodeset(): string {
    return this.#size > 1 ? `[${this}]` : `${this}`;
  }
}
