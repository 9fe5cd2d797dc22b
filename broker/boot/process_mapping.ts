/** Which ranks a launcher says are on which node: the `PMI_process_mapping` that MPICH reads (wire.md §6). */

import type { PmiClient } from "../pmi/mod.ts";

/** Number of nodes of a session of `size`; undefined when the server does not say. Throws ECONNRESET when it is gone. */
export async function nodeCount(pmi: PmiClient, size: number): Promise<number | undefined> {
  const mapping = await pmi.find("PMI_process_mapping");
  return mapping === undefined ? undefined : countNodes(mapping, size);
}

/**
 * Nodes in `(vector,(FIRST,NODES,EACH),…)`, which repeats until `size` is used up; undefined for what is none. Pure.
 */
export function countNodes(mapping: string, size: number): number | undefined {
  if (!/^\(vector(,\(\d+,\d+,\d+\))+\)$/.test(mapping)) return undefined;
  const blocks = [...mapping.matchAll(/\((\d+),(\d+),(\d+)\)/g)].map(([, ...numbers]) => numbers.map(Number));
  const nodes = new Set<number>();
  for (let left = size; left > 0;) {
    const before = left;
    for (const [first, count, each] of blocks as [number, number, number][]) {
      for (let node = first; node < first + count && left > 0; node++) {
        if (each === 0) break;
        nodes.add(node);
        left -= each;
      }
    }
    if (left === before) return undefined;
  }
  return nodes.size;
}
