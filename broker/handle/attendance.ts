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
  /** Children that a rank in this place of the tree has. */
  readonly children: number;
}

/** What a rank knows of meetings: those who came to the last one of a kind may be expected at the next. */
export class Experience {
  readonly #place: Place;
  readonly #last = new Map<string, Attendance>();

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

  /** All who may be expected are there. Without experience: something of every child, and this rank's share. */
  isWhole(terms: Terms, now: Attendance): boolean {
    const before = this.#last.get(kindOf(terms));
    if (!before) return now.own >= this.#share(terms) && now.brought.size >= this.#place.children;
    if (now.own < before.own) return false;
    for (const [child, count] of before.brought) if ((now.brought.get(child) ?? 0) < count) return false;
    return true;
  }

  /** Whoever is missing will come, and it can be waited for: so it was before, or so many meet that all ranks take part. */
  isSure(terms: Terms): boolean {
    return this.#last.has(kindOf(terms)) || (terms.ranks === undefined && terms.nprocs >= this.#place.size);
  }

  #share({ nprocs, ranks }: Terms): number {
    const { rank, size } = this.#place;
    const members = ranks === undefined ? undefined : Idset.parse(ranks);
    if (members && !members.has(rank)) return 0;
    return Math.max(1, Math.floor(nprocs / (members?.size ?? size)));
  }
}

/** Meetings of one kind differ in their names only. */
function kindOf({ scope, nprocs, ranks, agreed }: Terms): string {
  return JSON.stringify([scope, nprocs, ranks ?? null, agreed ?? null]);
}
