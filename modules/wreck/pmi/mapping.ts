/** Which tasks of a job are on one node, in the words of PMI (`PMI_process_mapping`, MPICH's PMI-1). Pure. */

import { PMI_LIMITS } from "../../../broker/pmi/mod.ts";
import type { Layout } from "../protocol.ts";

/**
 * The node of each task, numbered from 0 as they come. A node is a host: brokers that share one share its memory, and so may their
 * tasks. `hosts` has the host of each rank of the session.
 */
export function nodesOf({ ranks, cores }: Layout, hosts: readonly string[]): number[] {
  const numbers = new Map<string, number>();
  return ranks.flatMap((rank, i) => {
    const host = hosts[rank] ?? `rank ${rank}`;
    const node = numbers.get(host) ?? numbers.size;
    numbers.set(host, node);
    return Array<number>(cores[i]!).fill(node);
  });
}

/**
 * `(vector,(first,nodes,tasks),…)`: of each of `nodes` nodes from `first` on, the next `tasks` tasks. Undefined where that is longer
 * than a value may be: then every process has to find out by itself.
 */
export function processMapping(nodes: readonly number[]): string | undefined {
  const blocks: { first: number; nodes: number; tasks: number }[] = [];
  for (let at = 0; at < nodes.length;) {
    const node = nodes[at]!;
    let end = at;
    while (nodes[end] === node) end++;
    const tasks = end - at;
    const last = blocks.at(-1);
    if (last && last.first + last.nodes === node && last.tasks === tasks) last.nodes++;
    else blocks.push({ first: node, nodes: 1, tasks });
    at = end;
  }
  const text = `(vector,${blocks.map(({ first, nodes, tasks }) => `(${first},${nodes},${tasks})`).join(",")})`;
  return text.length > PMI_LIMITS.value ? undefined : text;
}
