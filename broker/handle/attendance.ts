/** Whom a rank may expect at a meeting, before it passes on what is there (see gathering.ts). Pure. */

import { Idset } from "../message/mod.ts";
import type { Terms } from "./rendezvous.ts";

/** Kinds of meetings of which it is remembered who came. */
const KINDS = 64;

/** Parties that came to a meeting at one rank: its own, and by child. */
export interface Attendance {
  own: number;
  readonly brought: Map<string, number>;
}

/** The place of a rank in its session. */
export interface Place {
  readonly rank: number;
  readonly size: number;
  /** Fan-out of the tree; 0 is flat. */
  readonly arity: number;
}

/** The least that a rank and those below it bring: parties of its own, and children that bring any. */
interface Prospect {
  readonly own: number;
  readonly children: number;
  readonly isSure: boolean;
}

/** What a rank knows of meetings: those who came to the last one of a kind may be expected at the next. */
export class Experience {
  readonly #place: Place;
  readonly #last = new Map<string, Attendance>();
  /** What a meeting without experience lets expect. */
  readonly #prospects = new WeakMap<Terms, Prospect>();

  constructor(place: Place) {
    this.#place = place;
  }

  /** A meeting went well. */
  learn(terms: Terms, attendance: Attendance): void {
    const kind = kindOf(terms);
    this.#last.delete(kind);
    this.#last.set(kind, attendance);
    if (this.#last.size > KINDS) this.#last.delete(this.#last.keys().next().value!);
  }

  /** All who may be expected are there. Without experience: this rank's share, and something of every child that has a part. */
  isWhole(terms: Terms, now: Attendance): boolean {
    const before = this.#last.get(kindOf(terms));
    if (!before) {
      const { own, children } = this.#prospect(terms);
      return now.own >= own && now.brought.size >= children;
    }
    if (now.own < before.own) return false;
    for (const [child, count] of before.brought) if ((now.brought.get(child) ?? 0) < count) return false;
    return true;
  }

  /**
   * Whoever is missing will come, and it can be waited for: so it was before, or it is said which ranks take part, each with one
   * party, or so many meet that all ranks do.
   */
  isSure(terms: Terms): boolean {
    return this.#last.has(kindOf(terms)) || this.#prospect(terms).isSure;
  }

  #prospect(terms: Terms): Prospect {
    let prospect = this.#prospects.get(terms);
    if (!prospect) this.#prospects.set(terms, prospect = prospectOf(terms, this.#place));
    return prospect;
  }
}

function prospectOf({ nprocs, ranks }: Terms, { rank, size, arity }: Place): Prospect {
  const k = arity === 0 ? Math.max(1, size - 1) : arity;
  const first = k * rank + 1;
  const share = Math.max(1, Math.floor(nprocs / size));
  const all = Math.max(0, Math.min(k, size - first));
  if (ranks === undefined) return { own: share, children: all, isSure: nprocs >= size };
  const members = Idset.parse(ranks);
  const children = new Set<number>();
  for (const member of members) {
    let at = member;
    while (at >= first + k) at = Math.floor((at - 1) / k);
    if (at >= first) children.add(at);
  }
  const own = members.has(rank) ? Math.max(1, Math.floor(nprocs / members.size)) : 0;
  return { own, children: children.size, isSure: nprocs === members.size };
}

/** Meetings of one kind differ in their names only. */
function kindOf({ scope, nprocs, ranks, agreed }: Terms): string {
  return JSON.stringify([scope, nprocs, ranks ?? null, agreed ?? null]);
}
