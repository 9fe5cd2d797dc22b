/** Which roots stay readable: the newest of each namespace, those before it, and what a rank asked for lately. Pure. */

/** A root that was asked for is kept this long, ms: whoever is far away has time to read at it. */
const HELD = 10_000;

export class Versions {
  readonly #limit: () => number;
  readonly #now: () => number;
  readonly #rootrefs = new Map<string, string[]>();
  /** Roots that were asked for, and when, oldest first. */
  readonly #held = new Map<string, number>();

  /** `limit`: how many versions of a namespace are kept, at least 1; `now` in ms. */
  constructor(limit: () => number, now: () => number) {
    this.#limit = limit;
    this.#now = now;
  }

  /** A new version. */
  add(namespace: string, rootref: string): void {
    let rootrefs = this.#rootrefs.get(namespace);
    if (!rootrefs) this.#rootrefs.set(namespace, rootrefs = []);
    rootrefs.push(rootref);
    const surplus = rootrefs.length - Math.max(1, this.#limit());
    if (surplus > 0) rootrefs.splice(0, surplus);
  }

  /** A root that is kept now is kept for a while, whatever comes after it. */
  hold(rootref: string): void {
    this.#held.delete(rootref);
    this.#held.set(rootref, this.#now());
  }

  /** Forgets a namespace. */
  remove(namespace: string): void {
    this.#rootrefs.delete(namespace);
  }

  /** All that are kept. */
  get all(): Set<string> {
    const now = this.#now();
    for (const [rootref, since] of this.#held) if (since + HELD < now) this.#held.delete(rootref);
    return new Set([...[...this.#rootrefs.values()].flat(), ...this.#held.keys()]);
  }

  /** The newest of each namespace. */
  get newest(): Set<string> {
    return new Set([...this.#rootrefs.values()].map((rootrefs) => rootrefs.at(-1)!));
  }
}
