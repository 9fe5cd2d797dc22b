/** The wait for the children at the end: they leave before their parent does. */

import type { BrokerParts } from "./native.ts";

/** Those that are still there after this share of the grace time are named, so that people know whom they wait for. */
const NOTICE = 0.4;

/**
 * Resolves when there are no children any more, or the grace time has passed, and then names those that are still there.
 * `onChange` calls its argument at the next change of the children.
 */
export async function childrenLeft(broker: BrokerParts, onChange: (changed: () => void) => void): Promise<void> {
  const { tree, topology, ports: { clock }, options: { rank, grace } } = broker;
  // Who is further down gives up sooner, so that it is the one to blame that is named and not all above it.
  const below = Math.max(0, topology.maxLevel - topology.level(rank) - 1);
  const patience = grace * (1 + below / Math.max(1, topology.maxLevel));
  const expired = Promise.withResolvers<void>();
  let isLate = false;
  const names = () => tree.children.map((child) => `rank ${child.rank} (${child.hostname})`);
  const notice = clock.after(grace * NOTICE, () => {
    if (rank === 0 && tree.children.length > 0) broker.log("err", `not ended yet: ${names().join(", ")}`);
  });
  const timer = clock.after(patience, () => {
    isLate = true;
    expired.resolve();
  });
  while (tree.children.length > 0 && !isLate) await Promise.race([expired.promise, new Promise<void>(onChange)]);
  notice.cancel();
  timer.cancel();
  for (const name of names()) broker.log("err", `${name} did not leave in time`);
}
