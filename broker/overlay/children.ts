/**
 * The children of one broker, and which rank is reached through which of them. Pure.
 *
 * Invariant: a rank is behind at most one child: the one that announced it last and has not gone since.
 */

import { Idset } from "../message/mod.ts";
import type { Greeting } from "./hello.ts";

/** A child joined, said goodbye, said that it moves to another parent, was lost; it reports other ranks or another status. */
export type ChildChange = "joined" | "left" | "moved" | "lost" | "ranks" | "status";

export interface Child {
  readonly rank: number;
  readonly uuid: string;
  /** The route id of this link to it. */
  readonly id: string;
  readonly hostname: string;
  /** Ranks reached through it. */
  ranks: Idset;
  /** Ranks it says are behind it: more than `ranks` while one of them moves to another child. */
  announced: Idset;
  /** The status of its subtree as it reported it last (wire.md §3.9); 0 before. */
  status: number;
  /** It has another parent already, and goes as soon as what is on its way has arrived. */
  moving: boolean;
  /** `clock.now()` when it last sent anything. */
  lastSeen: number;
}

export class Children {
  readonly #own: number;
  /** By the name the transport knows them by. */
  readonly #byPeer = new Map<string, Child>();

  /** `own` is the rank of the broker whose children these are. */
  constructor(own: number) {
    this.#own = own;
  }

  /** In the order of their ranks. */
  get all(): Child[] {
    return [...this.#byPeer.values()].sort((a, b) => a.rank - b.rank);
  }

  /** The broker's own rank and every rank reached through a child. */
  get ranks(): Idset {
    const set = new Idset([this.#own]);
    for (const child of this.#byPeer.values()) for (const rank of child.ranks) set.add(rank);
    return set;
  }

  /** The same without what is behind a child that moves: it is announced by others. */
  get lasting(): Idset {
    const set = new Idset([this.#own]);
    for (const { ranks, moving } of this.#byPeer.values()) if (!moving) { for (const rank of ranks) set.add(rank); }
    return set;
  }

  get(peer: string): Child | undefined {
    return this.#byPeer.get(peer);
  }

  /** The peer names of those for which `test` holds. */
  peers(test: (child: Child) => boolean): string[] {
    return [...this.#byPeer].filter(([, child]) => test(child)).map(([peer]) => peer);
  }

  join(peer: string, { rank, uuid, hostname, ranks }: Greeting, id: string, now: number): Child {
    const sets = { ranks: new Idset(), announced: new Idset() };
    const child: Child = { rank, uuid, id, hostname, ...sets, status: 0, moving: false, lastSeen: now };
    this.#byPeer.set(peer, child);
    this.announce(child, Idset.parse(ranks));
    return child;
  }

  /** `child` says what is behind it from now on. It has those ranks, unless it moves and others have them. */
  announce(child: Child, ranks: Idset): void {
    child.announced = ranks;
    child.ranks = child.moving ? new Idset() : ranks.difference(new Idset([this.#own]));
    for (const other of this.#byPeer.values()) {
      if (other !== child) other.ranks = other.ranks.difference(child.ranks);
    }
    this.#spread();
  }

  /** `child` has another parent: who announces its ranks too has them from now on. */
  moves(child: Child): void {
    child.moving = true;
    this.announce(child, child.announced);
  }

  remove(peer: string): Child | undefined {
    const child = this.#byPeer.get(peer);
    if (this.#byPeer.delete(peer)) this.#spread();
    return child;
  }

  /** Ranks that nobody has any more go to whoever still announces them, since announcements of two children may cross. */
  #spread(): void {
    const taken = this.ranks;
    const last = [...this.#byPeer.values()].sort((a, b) => Number(a.moving) - Number(b.moving));
    for (const child of last) {
      for (const rank of child.announced) {
        if (taken.has(rank)) continue;
        child.ranks.add(rank);
        taken.add(rank);
      }
    }
  }
}
