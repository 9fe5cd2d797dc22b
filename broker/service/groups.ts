/**
 * Groups of ranks, as one broker knows them (wire.md §3.10). Pure. It keeps what its own clients joined and, for each
 * child, what that child says of the ranks behind it; members are those of each child that are reached through that child,
 * and itself. So a rank that moves from one child to another is counted once, in whatever order the two tell of it.
 */

import { FluxError, Idset, type Json, type JsonObject } from "../message/mod.ts";

/** Ranks that became members of a group, or ceased to be. */
export interface Change {
  readonly name: string;
  readonly ranks: Idset;
  readonly set: boolean;
}

type Members = Map<string, Idset>;

export class Groups {
  readonly #rank: number;
  /** Who joined a group on this rank. */
  readonly #joined = new Map<string, string>();
  readonly #behind = new Map<string, Members>();
  #members: Members = new Map();
  #reported: Members = new Map();

  constructor(rank: number) {
    this.#rank = rank;
  }

  /** The members in this broker's subtree at the last `refresh`; empty for a group nobody has joined. */
  members(name: string): Idset {
    return new Idset(this.#members.get(name));
  }

  /** `who` makes this rank a member. Throws EEXIST. */
  join(name: string, who: string): void {
    if (this.#joined.has(name)) throw new FluxError("EEXIST", `rank ${this.#rank} is already a member of ${name}`);
    this.#joined.set(name, who);
  }

  /** This rank is no longer a member. Throws ENOENT. */
  leave(name: string): void {
    if (!this.#joined.delete(name)) throw new FluxError("ENOENT", `rank ${this.#rank} is not a member of ${name}`);
  }

  /** `who` is gone, and with it what it joined. */
  leaveAll(who: string): void {
    for (const [name, by] of this.#joined) if (by === who) this.#joined.delete(name);
  }

  /** What a child says has changed behind it. */
  update(child: string, changes: readonly Change[]): void {
    let table = this.#behind.get(child);
    if (!table) this.#behind.set(child, table = new Map());
    for (const { name, ranks, set } of changes) {
      const before = table.get(name) ?? new Idset();
      const after = set ? before.union(ranks) : before.difference(ranks);
      if (after.size > 0) table.set(name, after);
      else table.delete(name);
    }
  }

  /** The link to a child ended, and with it what it said. */
  forget(child: string): void {
    this.#behind.delete(child);
  }

  /** Works out who is a member of what; `reach` tells the ranks reached through a child. Returns the groups that changed. */
  refresh(reach: (child: string) => Idset | undefined): string[] {
    const before = this.#members;
    const after: Members = new Map();
    const add = (name: string, ranks: Iterable<number>) => {
      let members = after.get(name);
      if (!members) after.set(name, members = new Idset());
      for (const rank of ranks) members.add(rank);
    };
    for (const name of this.#joined.keys()) add(name, [this.#rank]);
    for (const [child, table] of this.#behind) {
      const reached = reach(child);
      if (reached) { for (const [name, ranks] of table) add(name, ranks.intersection(reached)); }
    }
    this.#members = after;
    return [...new Set(difference(before, after).map(({ name }) => name))];
  }

  /** What the parent has to be told: how members differ from what it was told before. */
  unreported(): Change[] {
    const changes = difference(this.#reported, this.#members);
    this.#reported = this.#members;
    return changes;
  }

  /** There is a new parent, who has been told nothing. */
  newParent(): void {
    this.#reported = new Map();
  }
}

/** As few changes as lead from one to the other. */
function difference(before: Members, after: Members): Change[] {
  const none = new Idset();
  return [...new Set([...before.keys(), ...after.keys()])].flatMap((name) => {
    const was = before.get(name) ?? none, is = after.get(name) ?? none;
    return [
      { name, ranks: was.difference(is), set: false },
      { name, ranks: is.difference(was), set: true },
    ].filter(({ ranks }) => ranks.size > 0);
  });
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
