/** What became of a step on many ranks, and the modules they have. Pure. */

import { errorText, FluxError, Idset, type JsonObject } from "../../broker/message/mod.ts";
import type { ListedModule, RankFailure } from "./protocol.ts";

/** The answer of one rank. */
export interface RankAnswer {
  readonly rank: number;
  readonly errnum: number;
  readonly bytes: Uint8Array | undefined;
}

/** Ranks that succeeded, and those that did not by equal reason, in the order of their first ranks. */
export class Outcomes {
  readonly done = new Idset();
  readonly #failures = new Map<string, { ranks: Idset; errnum: number; text: string }>();

  add({ rank, errnum, bytes }: RankAnswer): void {
    if (errnum === 0) this.done.add(rank);
    else this.fail(new Idset([rank]), new FluxError(errnum, errorText(bytes)));
  }

  fail(ranks: Idset, { errnum, message: text }: FluxError): void {
    const key = `${errnum} ${text}`;
    const group = this.#failures.get(key);
    this.#failures.set(key, { ranks: group ? group.ranks.union(ranks) : ranks, errnum, text });
  }

  get failures(): RankFailure[] {
    return [...this.#failures.values()]
      .sort((a, b) => a.ranks.first()! - b.ranks.first()!)
      .map(({ ranks, errnum, text }) => ({ ranks: `${ranks}`, errnum, text }));
  }
}

/** Modules of many ranks: those of one name and one code are one. */
export class ModuleTable {
  readonly #rows = new Map<string, { module: ListedModule; ranks: Idset }>();

  add(rank: number, mods: readonly JsonObject[]): void {
    for (const mod of mods) {
      const own = mod as unknown as ListedModule;
      const key = `${own.digest} ${own.name}`;
      const { module, ranks } = this.#rows.get(key) ?? { module: own, ranks: new Idset() };
      const idle = Math.min(module.idle, own.idle);
      this.#rows.set(key, { module: { ...module, idle }, ranks: ranks.add(rank) });
    }
  }

  /** In the order in which they were first seen. */
  get rows(): ListedModule[] {
    return [...this.#rows.values()].map(({ module, ranks }) => ({ ...module, ranks: `${ranks}` }));
  }
}
