/** Event subscriptions: topic prefixes, counted per subscriber (wire.md §1.7, 2.5). */

import { FluxError } from "../message/mod.ts";

export class Subscriptions {
  readonly #byPrefix = new Map<string, Map<string, number>>();

  add(prefix: string, id: string): void {
    let counts = this.#byPrefix.get(prefix);
    if (!counts) this.#byPrefix.set(prefix, counts = new Map());
    counts.set(id, (counts.get(id) ?? 0) + 1);
  }

  /** Takes one subscription back. Throws ENOENT when there is none. */
  remove(prefix: string, id: string): void {
    const counts = this.#byPrefix.get(prefix);
    const count = counts?.get(id);
    if (!counts || count === undefined) throw new FluxError("ENOENT");
    if (count > 1) counts.set(id, count - 1);
    else this.#drop(prefix, counts, id);
  }

  removeAll(id: string): void {
    for (const [prefix, counts] of [...this.#byPrefix]) this.#drop(prefix, counts, id);
  }

  /** Whether anyone has a subscription that `topic` begins with. */
  has(topic: string): boolean {
    return this.#byPrefix.keys().some((prefix) => topic.startsWith(prefix));
  }

  /** Everyone with a subscription that `topic` begins with, each once. */
  matching(topic: string): Iterable<string> {
    let one: Map<string, number> | undefined;
    let many: Set<string> | undefined;
    for (const [prefix, counts] of this.#byPrefix) {
      if (!topic.startsWith(prefix)) continue;
      if (!one) one = counts;
      else {
        many ??= new Set(one.keys());
        for (const id of counts.keys()) many.add(id);
      }
    }
    return many ?? one?.keys() ?? [];
  }

  /** Prefixes `id` is subscribed to, each as often as it is counted. */
  of(id: string): string[] {
    return [...this.#byPrefix].flatMap(([prefix, counts]) => Array<string>(counts.get(id) ?? 0).fill(prefix));
  }

  #drop(prefix: string, counts: Map<string, number>, id: string): void {
    counts.delete(id);
    if (counts.size === 0) this.#byPrefix.delete(prefix);
  }
}
