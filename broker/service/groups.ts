/**
 * Groups of ranks, as one broker knows them: who joined what on this rank, and which ranks of its subtree are members of
 * what (wire.md §3.10). Pure. Every broker holds what lies behind it, so that a lost child's ranks can be taken out and
 * a new parent be told everything; rank 0 holds all.
 */

import { FluxError, Idset, type Json, type JsonObject } from "../message/mod.ts";

/** Ranks that became members of a group, or ceased to be. */
export interface Change {
  readonly name: string;
  readonly ranks: Idset;
  readonly set: boolean;
}

export class Groups {
  readonly #rank: number;
  readonly #members = new Map<string, Idset>();
  /** Who joined a group on this rank. */
  readonly #joined = new Map<string, string>();

  constructor(rank: number) {
    this.#rank = rank;
  }

  /** The members in this broker's subtree; empty for a group nobody has joined. */
  members(name: string): Idset {
    return new Idset(this.#members.get(name));
  }

  /** `who` makes this rank a member. Throws EEXIST. */
  join(name: string, who: string): Change[] {
    if (this.#joined.has(name)) {
      throw new FluxError("EEXIST", `rank ${this.#rank} is already a member of ${name}`);
    }
    this.#joined.set(name, who);
    return this.apply([{ name, ranks: new Idset([this.#rank]), set: true }]);
  }

  /** This rank is no longer a member. Throws ENOENT. */
  leave(name: string): Change[] {
    if (!this.#joined.delete(name)) {
      throw new FluxError("ENOENT", `rank ${this.#rank} is not a member of ${name}`);
    }
    return this.apply([{ name, ranks: new Idset([this.#rank]), set: false }]);
  }

  /** `who` is gone, and with it what it joined. */
  leaveAll(who: string): Change[] {
    const names = [...this.#joined].filter(([, by]) => by === who).map(([name]) => name);
    return names.flatMap((name) => this.leave(name));
  }

  /** These ranks are no longer behind this broker. */
  lost(ranks: Idset): Change[] {
    return this.apply([...this.#members.keys()].map((name) => ({ name, ranks, set: false })));
  }

  /** Takes changes in; returns what of them was not so before. */
  apply(changes: readonly Change[]): Change[] {
    const effective: Change[] = [];
    for (const { name, ranks, set } of changes) {
      let members = this.#members.get(name);
      if (!members) this.#members.set(name, members = new Idset());
      const changed = set ? ranks.difference(members) : members.intersection(ranks);
      for (const rank of changed) {
        if (set) members.add(rank);
        else members.delete(rank);
      }
      if (changed.size > 0) effective.push({ name, ranks: changed, set });
      if (members.size === 0) this.#members.delete(name);
    }
    return effective;
  }

  /** Everything, for a parent that knows nothing of this subtree. */
  snapshot(): Change[] {
    return [...this.#members].map(([name, members]) => ({ name, ranks: new Idset(members), set: true }));
  }
}

/** As few changes as say the same: the last word on each rank of each group. */
export function merged(changes: readonly Change[]): Change[] {
  const byName = new Map<string, { in: Idset; out: Idset }>();
  for (const { name, ranks, set } of changes) {
    let group = byName.get(name);
    if (!group) byName.set(name, group = { in: new Idset(), out: new Idset() });
    for (const rank of ranks) {
      (set ? group.in : group.out).add(rank);
      (set ? group.out : group.in).delete(rank);
    }
  }
  return [...byName].flatMap(([name, group]) => [
    ...(group.out.size > 0 ? [{ name, ranks: group.out, set: false }] : []),
    ...(group.in.size > 0 ? [{ name, ranks: group.in, set: true }] : []),
  ]);
}

/** Changes as a `groups.update` carries them: `{"name":[{"ranks":idset,"set":b}…]}`. */
export function encodeChanges(changes: readonly Change[]): JsonObject {
  // Without a prototype: a group may be called `constructor`.
  const update: Record<string, Json[]> = Object.create(null);
  for (const { name, ranks, set } of changes) (update[name] ??= []).push({ ranks: `${ranks}`, set });
  return update;
}

/** Reads them. Throws EPROTO. */
export function decodeChanges(update: JsonObject): Change[] {
  return Object.entries(update).flatMap(([name, list]) => {
    if (!Array.isArray(list)) throw new FluxError("EPROTO", `"update.${name}" must be an array`);
    return list.map((item) => {
      const { ranks, set } = (item ?? {}) as JsonObject;
      if (typeof ranks !== "string" || typeof set !== "boolean") {
        throw new FluxError("EPROTO", `"update.${name}" must hold objects of "ranks" and "set"`);
      }
      return { name, ranks: Idset.parse(ranks), set };
    });
  });
}
