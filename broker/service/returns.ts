/**
 * Ranks that come back: a new process takes the place of one that has died, or is thought to have. All are told by an event,
 * `overlay.returning {"rank":i,"uuid":s,"host":s,"uri":[s,s,s],"pubkey":s?}`, who is that rank from now on; events come to
 * everyone once and in order, so all agree. The former process, should it be there still, hears it too, before it is taken in
 * anywhere again, and ends.
 */

import { type Card, cardFields, readCard } from "../message/mod.ts";
import { type Event, integerField, stringField } from "../handle/mod.ts";
import type { BrokerParts } from "./native.ts";

/** The event's topic. */
export const RETURNING = "overlay.returning";

export class Returns {
  readonly #broker: BrokerParts;
  /** The process that is a rank now, by rank: only of ranks that came back. */
  readonly #uuids = new Map<number, string>();

  constructor(broker: BrokerParts) {
    this.#broker = broker;
  }

  /** Tells all that the broker with this card and route id is `card.rank` from now on. */
  announce(card: Card, uuid: string): void {
    this.#broker.handle.publish(RETURNING, { rank: card.rank, uuid, ...cardFields(card) });
  }

  /** Why a broker that looks for a parent is not taken in; undefined when it may be. */
  refusal(rank: number, uuid: string): string | undefined {
    const now = this.#uuids.get(rank);
    return now === undefined || now === uuid ? undefined : replaced(rank);
  }

  /** A rank has come back. Throws EPROTO, and EPERM for another rank's key. */
  heard({ payload }: Event): void {
    const uuid = stringField(payload, "uuid");
    this.#take(readCard(integerField(payload, "rank"), payload), uuid);
  }

  #take(card: Card, uuid: string): void {
    const { keyring, options: { rank: own, size }, reparent, ring } = this.#broker;
    const { rank, publicKey } = card;
    if (rank === own) return uuid === this.#broker.uuid ? undefined : this.#end();
    this.#uuids.set(rank, uuid);
    if (publicKey !== undefined) keyring.admit(publicKey, rank);
    if (rank === (own + size - 1) % size) ring.aim(card);
    reparent.returned(card);
  }

  /** Another process is this rank. Those below must not take our end for the session's: they look for another parent. */
  #end(): void {
    const { tree, options: { rank } } = this.#broker;
    const reason = replaced(rank);
    this.#broker.log("crit", reason, "overlay");
    for (const child of tree.children) tree.disconnect(child.rank, reason);
    void this.#broker.shutdown(1, reason);
  }
}

function replaced(rank: number): string {
  return `rank ${rank} has been started anew: this process is not needed any more`;
}
