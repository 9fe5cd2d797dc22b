/** The k-ary tree of ranks, rooted at 0 (wire.md §7.6). Pure; `k` 0 means flat: everyone's parent is rank 0. */

import { Idset } from "../message/mod.ts";

export class Topology {
  readonly size: number;
  readonly k: number;

  constructor(size: number, k: number) {
    this.size = size;
    this.k = k === 0 ? Math.max(1, size - 1) : k;
  }

  /** The parent's rank; null for rank 0. */
  parent(rank: number): number | null {
    return rank === 0 ? null : Math.floor((rank - 1) / this.k);
  }

  children(rank: number): number[] {
    const first = this.k * rank + 1;
    const count = Math.max(0, Math.min(this.k, this.size - first));
    return Array.from({ length: count }, (_, i) => first + i);
  }

  /** The rank and everything below it. */
  subtree(rank: number): Idset {
    const set = new Idset();
    const walk = [rank];
    for (let next = walk.pop(); next !== undefined; next = walk.pop()) {
      set.add(next);
      walk.push(...this.children(next));
    }
    return set;
  }

  /** Hops from rank 0. */
  level(rank: number): number {
    let level = 0;
    for (let at = this.parent(rank); at !== null; at = this.parent(at)) level++;
    return level;
  }

  /** The deepest level there is. */
  get maxLevel(): number {
    return this.level(this.size - 1);
  }
}
