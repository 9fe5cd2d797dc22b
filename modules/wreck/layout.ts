/** Where the tasks of a job run (cli.md §4.22), and which they are. Pure. */

import { FluxError, Idset } from "../../broker/message/mod.ts";
import type { JobSpec, Layout } from "./protocol.ts";

/**
 * Spreads tasks over the first of `online`: to each node as many as `tasks-per-node`, or its even share, round robin; then on over
 * all other ranks, and over all of them again, until every task has its place. Throws EINVAL when more nodes are asked for than
 * there are.
 */
export function spread(spec: Pick<JobSpec, "ntasks" | "nnodes" | "tasks-per-node">, online: readonly number[]): Layout {
  const { ntasks, nnodes = Math.min(ntasks, online.length), "tasks-per-node": each } = spec;
  if (nnodes > online.length || nnodes < 1) {
    throw new FluxError("EINVAL", `Requested nodes (${nnodes}) exceeds available (${online.length})`);
  }
  const share = each ?? Math.ceil(ntasks / nnodes);
  const counts = new Map<number, number>();
  for (let left = ntasks, at = 0; left > 0; at = (at + 1) % online.length) {
    const rank = online[at]!;
    const count = Math.min(share, left);
    counts.set(rank, (counts.get(rank) ?? 0) + count);
    left -= count;
  }
  const ranks = [...counts.keys()].sort((a, b) => a - b);
  return { ranks, cores: ranks.map((rank) => counts.get(rank)!) };
}

/** The tasks of one rank. */
export interface Place {
  /** The index of the rank among those of the job. */
  readonly nodeid: number;
  /** Their global ids, ascending and without gaps. */
  readonly tasks: readonly number[];
}

/** Undefined for a rank that has no part in it. */
export function placeOf({ ranks, cores }: Layout, rank: number): Place | undefined {
  const nodeid = ranks.indexOf(rank);
  if (nodeid < 0) return undefined;
  const first = cores.slice(0, nodeid).reduce((sum, count) => sum + count, 0);
  return { nodeid, tasks: Array.from({ length: cores[nodeid]! }, (_, i) => first + i) };
}

/** The most tasks of one job. */
export const TASKS = 1 << 20;

/** A layout of somebody else's making. Throws EINVAL for one that cannot be. */
export function checkLayout(layout: Layout): Layout {
  const { ranks, cores, cpumask = {} } = layout;
  const isCount = (least: number) => (value: number) => Number.isInteger(value) && value >= least;
  if (ranks.length !== cores.length || !ranks.every(isCount(0)) || !cores.every(isCount(1))) {
    throw new FluxError("EINVAL", `a job needs ranks, and one task or more on each, not ${cores} on ${ranks}`);
  }
  const count = taskCount(layout);
  if (count > TASKS) throw new FluxError("EINVAL", `${count} is no number of tasks: there may be 1 to ${TASKS}`);
  for (const mask of Object.values(cpumask)) cpusOf(mask);
  return layout;
}

export function taskCount({ cores }: Layout): number {
  return cores.reduce((sum, count) => sum + count, 0);
}

/** The processors in a list such as `0-3,8`. Throws EINVAL. */
export function cpusOf(mask: string): number[] {
  try {
    return [...Idset.parse(mask)];
  } catch {
    throw new FluxError("EINVAL", `"${mask}" is no list of processors`);
  }
}
