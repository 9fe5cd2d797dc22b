/** The brokers at the other ends of links, and which of them a rank is reached through. Pure. */

import type { Idset, Message } from "../message/mod.ts";
import { Counters } from "./counters.ts";
import { Pending } from "./pending.ts";

/** A broker at the other end of a link. */
export interface Peer {
  /** Its route id. */
  readonly id: string;
  /** `left` sends ring requests to us, `right` takes them from us. */
  readonly kind: "parent" | "child" | "left" | "right";
  send(message: Message): boolean;
}

export interface Linked {
  readonly peer: Peer;
  readonly counters: Counters;
  readonly pending: Pending;
  /** Ranks reached through it, for a child. */
  ranks: Idset | undefined;
  /** It has another parent already. */
  moving?: boolean;
  /** Nothing new goes over it: only what is pending is still waited for. */
  retired?: boolean;
}

export class Peers {
  readonly #byId = new Map<string, Linked>();
  /** Through whom a rank was reached last, once it no longer was. */
  readonly #former = new Map<number, string>();
  /** The link that requests go up. */
  parent: Linked | undefined;

  get(id: string): Linked | undefined {
    return this.#byId.get(id);
  }

  get all(): Linked[] {
    return [...this.#byId.values()];
  }

  /** The neighbour that takes ring requests. */
  get right(): Linked | undefined {
    return [...this.#byId.values()].find((linked) => linked.peer.kind === "right");
  }

  join(peer: Peer, ranks?: Idset): void {
    const linked = { peer, counters: new Counters(), pending: new Pending(), ranks };
    this.#byId.set(peer.id, linked);
    if (peer.kind === "parent") this.parent = linked;
  }

  leave(id: string): Linked | undefined {
    const linked = this.#byId.get(id);
    this.#byId.delete(id);
    if (this.parent === linked) this.parent = undefined;
    return linked;
  }

  /** Which ranks are reached through a child, from now on. */
  reach(id: string, ranks: Idset, moving: boolean): void {
    const linked = this.#byId.get(id);
    if (!linked) return;
    for (const rank of linked.ranks?.difference(ranks) ?? []) this.#former.set(rank, id);
    Object.assign(linked, { ranks, moving });
  }

  /**
   * The child behind which a rank lives. What comes from above was sent on its way by one who may not know yet that the
   * rank has moved: it follows the way that was right until lately, and is never sent up again.
   */
  childFor(rank: number, from: "local" | "parent" | "child"): string | undefined {
    for (const [id, { ranks, moving }] of this.#byId) {
      if (ranks?.has(rank) && (!moving || from === "parent")) return id;
    }
    const former = from === "parent" ? this.#former.get(rank) : undefined;
    return former !== undefined && this.#byId.has(former) ? former : undefined;
  }
}
