/**
 * Rank 0's view of the whole session: which ranks are ok, slow, failed, or not known to be either. Pure. It combines what
 * parents say of their children with who is connected to rank 0 at all.
 *
 * A rank fails when its parent says so, or when it has been out of reach for `limit` ticks, since the way to it broke and it
 * has found no other. It is declared once: `ok` must lie between two declarations of failure.
 */

import { Idset } from "../../broker/message/mod.ts";
import { type LiveRecord, Register } from "./register.ts";
import { LiveState } from "./vigil.ts";

/** A rank that is declared to be in another state than before. */
export interface Declaration {
  readonly rank: number;
  readonly before: LiveState;
  readonly now: LiveState;
  readonly parent: number;
  readonly reason: string;
}

/** One rank as people are told of it. */
export interface Standing {
  readonly rank: number;
  readonly state: LiveState;
  readonly host: string;
  readonly parent: number;
  readonly reason: string;
  /** Since when it has been in its state, ms of the clock. */
  readonly since: number;
}

interface Entry {
  declared: LiveState;
  since: number;
  reason: string;
  /** Ticks for which it has been out of reach. */
  absent: number;
  /** When it was last within reach, ms of the clock. */
  reached: number;
}

export class Roll {
  readonly register = new Register();
  readonly #size: number;
  readonly #now: () => number;
  readonly #entries = new Map<number, Entry>();
  #online = new Idset();

  /** `now` is in milliseconds. */
  constructor(size: number, now: () => number) {
    this.#size = size;
    this.#now = now;
  }

  /** A parent has spoken of a child. If that is another process than before, the former has failed, though nobody saw it go. */
  apply(record: LiveRecord): Declaration[] {
    const { rank } = record;
    const known = this.register.get(rank);
    if (rank < 0 || rank >= this.#size || !this.register.merge(record)) return [];
    const isAnother = known !== undefined && record.version[0] > known.version[0];
    return [...(isAnother ? this.#replaced(known) : []), ...this.#settle(rank)];
  }

  /** These ranks are connected to rank 0. */
  reach(online: Idset): Declaration[] {
    const before = this.#online;
    this.#online = online;
    for (const rank of before) {
      const entry = online.has(rank) ? undefined : this.#entries.get(rank);
      if (entry) entry.reached = this.#now();
    }
    const changed = before.difference(online).union(online.difference(before));
    return [...changed].flatMap((rank) => this.#settle(rank));
  }

  /** A tick has passed. */
  tick(limit: number): Declaration[] {
    const declarations: Declaration[] = [];
    for (const [rank, entry] of this.#entries) {
      if (this.#online.has(rank) || entry.declared === LiveState.fail) continue;
      entry.absent++;
      if (entry.absent === limit) declarations.push(...this.#settle(rank, true));
    }
    return declarations;
  }

  /** Every rank of the session, in order. One that is out of reach and not declared to have failed is `unknown`. */
  get standings(): Standing[] {
    return Array.from({ length: this.#size }, (_, rank) => this.standing(rank));
  }

  standing(rank: number): Standing {
    const entry = this.#entries.get(rank), record = this.register.get(rank);
    const host = record?.host ?? "", parent = record?.parent ?? -1;
    if (!entry || !record) return { rank, state: LiveState.unknown, host, parent, reason: "", since: 0 };
    const isLost = entry.declared !== LiveState.fail && (!this.#online.has(rank) || this.#isBelowFailed(record));
    const state = isLost ? LiveState.unknown : entry.declared;
    const reason = isLost ? `out of reach since rank ${parent} or the link to it was lost` : entry.reason;
    return { rank, state, host, parent, reason, since: isLost ? Math.max(entry.since, entry.reached) : entry.since };
  }

  /** The ranks in one state. */
  ranks(state: LiveState): Idset {
    return new Idset(this.standings.filter((one) => one.state === state).map(({ rank }) => rank));
  }

  /** Before rank 0 has noticed that the ways through a rank that has failed are broken, nobody has come back over another. */
  #isBelowFailed({ rank, parent }: LiveRecord): boolean {
    const passed = new Set([rank]);
    for (let above: number | undefined = parent; above !== undefined && !passed.has(above);) {
      if (this.#entries.get(above)?.declared === LiveState.fail) return true;
      passed.add(above);
      above = this.register.get(above)?.parent;
    }
    return false;
  }

  #replaced({ rank, parent }: LiveRecord): Declaration[] {
    const entry = this.#entries.get(rank);
    if (!entry || entry.declared === LiveState.fail || entry.declared === LiveState.unknown) return [];
    const before = entry.declared, reason = "it was started anew";
    Object.assign(entry, { declared: LiveState.fail, since: this.#now(), reason, absent: 0 });
    return [{ rank, before, now: LiveState.fail, parent, reason }];
  }

  #settle(rank: number, isOverdue = false): Declaration[] {
    const record = this.register.get(rank);
    if (!record) return [];
    const isOnline = this.#online.has(rank);
    let entry = this.#entries.get(rank);
    if (!entry) {
      entry = { declared: LiveState.unknown, since: this.#now(), reason: "", absent: 0, reached: 0 };
      this.#entries.set(rank, entry);
    }
    if (isOnline || record.state !== LiveState.fail) entry.absent = isOnline ? 0 : entry.absent;
    const now = record.state === LiveState.fail || isOverdue
      ? LiveState.fail
      : isOnline
      ? record.state
      : entry.declared;
    if (now === entry.declared) return [];
    const reason = isOverdue ? `out of reach since rank ${record.parent} or the link to it was lost` : record.reason;
    const before = entry.declared;
    Object.assign(entry, { declared: now, since: this.#now(), reason, absent: 0 });
    return [{ rank, before, now, parent: record.parent, reason }];
  }
}
