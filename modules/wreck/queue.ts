/**
 * Jobs that wait for their turn: first come, first served, one core for each task, cores counted by rank. Pure.
 *
 * Invariants: a job gets its place only when all before it have theirs; the cores in use on a rank never exceed those it has, unless the
 * rank has lost some meanwhile; what a job holds is free again once, at `release`.
 */

import { FluxError, type Idset } from "../../broker/message/mod.ts";
import type { JobSpec, Layout } from "./protocol.ts";

export type Wish = Pick<JobSpec, "ntasks" | "nnodes" | "tasks-per-node">;

export interface Placed {
  readonly jobid: number;
  readonly layout: Layout;
}

export class JobQueue {
  /** Cores of each rank that is online, in ascending order of rank. */
  readonly #cores = new Map<number, number>();
  readonly #used = new Map<number, number>();
  /** By job, in the order they came. */
  readonly #waiting = new Map<number, Wish>();
  readonly #held = new Map<number, Layout>();

  /** Jobs that wait. */
  get length(): number {
    return this.#waiting.size;
  }

  /** Cores of all ranks that are online, and those of them in use. */
  get cores(): { all: number; used: number } {
    let all = 0, used = 0;
    for (const [rank, cores] of this.#cores) {
      all += cores;
      used += Math.min(cores, this.#used.get(rank) ?? 0);
    }
    return { all, used };
  }

  /** A rank is online, with so many cores. */
  join(rank: number, cores: number): void {
    const ranks = [...this.#cores.keys()];
    this.#cores.set(rank, cores);
    if (ranks.length === 0 || ranks.at(-1)! < rank) return;
    const sorted = [...this.#cores].sort(([a], [b]) => a - b);
    this.#cores.clear();
    for (const [each, count] of sorted) this.#cores.set(each, count);
  }

  /** Only these are online. */
  keep(online: Idset): void {
    for (const rank of [...this.#cores.keys()]) if (!online.has(rank)) this.#cores.delete(rank);
  }

  /** Throws EINVAL for what the session could not run if it had nothing else to do. */
  check(wish: Wish): void {
    const { nnodes } = wish;
    if (nnodes !== undefined && nnodes > this.#cores.size) {
      throw new FluxError("EINVAL", `Requested nodes (${nnodes}) exceeds available (${this.#cores.size})`);
    }
    if (this.#place(wish, () => 0)) return;
    const where = nnodes === undefined && wish["tasks-per-node"] === undefined ? "" : " in this arrangement";
    throw new FluxError(
      "EINVAL",
      `Requested tasks (${wish.ntasks}) exceed available cores (${this.cores.all})${where}`,
    );
  }

  add(jobid: number, wish: Wish): void {
    this.#waiting.set(jobid, wish);
  }

  /** A job waits no more. */
  remove(jobid: number): void {
    this.#waiting.delete(jobid);
  }

  /** What a job held is free again; nothing for one that held nothing. */
  release(jobid: number): void {
    const layout = this.#held.get(jobid);
    if (!layout) return;
    this.#held.delete(jobid);
    this.#count(layout, -1);
  }

  /** The jobs whose turn it is, with their places, in order. */
  next(): Placed[] {
    const placed: Placed[] = [];
    for (const [jobid, wish] of this.#waiting) {
      const layout = this.#place(wish, (rank) => this.#used.get(rank) ?? 0);
      if (!layout) break;
      this.#waiting.delete(jobid);
      this.#held.set(jobid, layout);
      this.#count(layout, 1);
      placed.push({ jobid, layout });
    }
    return placed;
  }

  #count({ ranks, cores }: Layout, sign: 1 | -1): void {
    for (const [i, rank] of ranks.entries()) {
      const used = (this.#used.get(rank) ?? 0) + sign * cores[i]!;
      if (used === 0) this.#used.delete(rank);
      else this.#used.set(rank, used);
    }
  }

  /** The first ranks that have room; undefined when there is not enough. */
  #place({ ntasks, nnodes, "tasks-per-node": each }: Wish, used: (rank: number) => number): Layout | undefined {
    const share = each ?? (nnodes === undefined ? undefined : Math.ceil(ntasks / nnodes));
    const nodes = share === undefined ? Infinity : nnodes ?? Math.ceil(ntasks / share);
    const ranks: number[] = [], cores: number[] = [];
    let left = ntasks;
    for (const [rank, all] of this.#cores) {
      if (left === 0 || ranks.length === nodes) break;
      const free = all - used(rank);
      const count = share === undefined ? Math.min(left, free) : Math.min(left, share);
      if (count < 1 || free < count) continue;
      ranks.push(rank);
      cores.push(count);
      left -= count;
    }
    return left === 0 ? { ranks, cores } : undefined;
  }
}
