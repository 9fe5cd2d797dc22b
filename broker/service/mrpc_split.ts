/** Which neighbour reaches which ranks of a multicast RPC. Pure. */

import { Idset } from "../message/mod.ts";

/** What the decision needs to know of one broker. */
export interface Neighbours {
  readonly rank: number;
  readonly children: readonly { readonly rank: number; readonly ranks: Idset }[];
  /** There is a link to a parent. */
  readonly hasParent: boolean;
}

export interface Split {
  /** This rank is called too. */
  own: boolean;
  /** The children to pass the call to, each with the ranks behind it. */
  children: { rank: number; ranks: Idset }[];
  /** Ranks that only the parent may reach. */
  parent: Idset;
  /** Ranks that nobody reaches from here. */
  unreachable: Idset;
}

/** What came from the parent (`down`) never goes back up, so a call visits each broker at most twice and ends. */
export function splitCall(ranks: Idset, down: boolean, { rank, children, hasParent }: Neighbours): Split {
  const split: Split = { own: ranks.has(rank), children: [], parent: new Idset(), unreachable: new Idset() };
  const rest = new Idset(ranks);
  rest.delete(rank);
  for (const child of children) {
    const behind = rest.intersection(child.ranks);
    if (behind.size === 0) continue;
    split.children.push({ rank: child.rank, ranks: behind });
    for (const one of behind) rest.delete(one);
  }
  if (down || !hasParent) split.unreachable = rest;
  else split.parent = rest;
  return split;
}
