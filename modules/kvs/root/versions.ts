/** Which roots stay readable: the newest of each namespace, and those before it. Pure. */

export class Versions {
  readonly #limit: () => number;
  readonly #rootrefs = new Map<string, string[]>();

  /** `limit`: how many versions of a namespace are kept, at least 1. */
  constructor(limit: () => number) {
    this.#limit = limit;
  }

  /** A new version. */
  add(namespace: string, rootref: string): void {
    let rootrefs = this.#rootrefs.get(namespace);
    if (!rootrefs) this.#rootrefs.set(namespace, rootrefs = []);
    rootrefs.push(rootref);
    const surplus = rootrefs.length - Math.max(1, this.#limit());
    if (surplus > 0) rootrefs.splice(0, surplus);
  }

  /** Forgets a namespace. */
  remove(namespace: string): void {
    this.#rootrefs.delete(namespace);
  }

  /** All that are kept. */
  get all(): Set<string> {
    return new Set([...this.#rootrefs.values()].flat());
  }

  /** The newest of each namespace. */
  get newest(): Set<string> {
    return new Set([...this.#rootrefs.values()].map((rootrefs) => rootrefs.at(-1)!));
  }
}
