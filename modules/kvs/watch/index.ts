/**
 * Who is to be woken by a change of which keys. Pure. What a change costs depends on who is woken and on the length of its
 * keys, never on how many watch other keys.
 */

import { components, ROOT } from "../tree/key.ts";

/** A name on the way to keys that are watched. */
class Place<T> {
  readonly children = new Map<string, Place<T>>();
  /** Who depends on this key. */
  readonly here = new Set<T>();
  /** Who depends on everything below this key. */
  readonly below = new Set<T>();

  get isEmpty(): boolean {
    return this.children.size + this.here.size + this.below.size === 0;
  }
}

/** Where an item was put. */
type Spot = { readonly key: string } | { readonly trail: readonly string[]; readonly below: readonly string[] };

/** All keys are normalized. Each item is in one spot; putting it is true when that is another one than before. */
export class WatchIndex<T> {
  readonly #spots = new Map<T, Spot>();
  readonly #exact = new Map<string, Set<T>>();
  readonly #top = new Place<T>();

  get size(): number {
    return this.#spots.size;
  }

  get items(): Iterable<T> {
    return this.#spots.keys();
  }

  /** Wakes `item` when exactly this key is written. */
  putExact(item: T, key: string): boolean {
    const spot = this.#spots.get(item);
    if (spot && "key" in spot && spot.key === key) return false;
    this.remove(item);
    this.#spots.set(item, { key });
    const items = this.#exact.get(key);
    if (items) items.add(item);
    else this.#exact.set(key, new Set([item]));
    return true;
  }

  /**
   * Wakes `item` when a key of `trail` or one above it is written, or one below the first or the last of them: those lie
   * within what the item looks at, all others are links.
   */
  putTrail(item: T, trail: readonly string[]): boolean {
    const spot = this.#spots.get(item);
    if (spot && "trail" in spot && isSame(spot.trail, trail)) return false;
    this.remove(item);
    const below = [trail[0]!, trail.at(-1)!];
    this.#spots.set(item, { trail, below });
    for (const key of trail) this.#place(key).here.add(item);
    for (const key of below) this.#place(key).below.add(item);
    return true;
  }

  remove(item: T): void {
    const spot = this.#spots.get(item);
    if (!spot) return;
    this.#spots.delete(item);
    if ("key" in spot) {
      const items = this.#exact.get(spot.key)!;
      items.delete(item);
      if (items.size === 0) this.#exact.delete(spot.key);
      return;
    }
    for (const key of new Set([...spot.trail, ...spot.below])) this.#clear(key, item);
  }

  /** Whom a change of these keys concerns; that of {@link ROOT} concerns everyone. */
  affected(keys: Iterable<string>): Set<T> {
    const found = new Set<T>();
    for (const key of keys) {
      if (key === ROOT) return new Set(this.#spots.keys());
      for (const item of this.#exact.get(key) ?? []) found.add(item);
      if (!this.#top.isEmpty) this.#collect(key, found);
    }
    return found;
  }

  #collect(key: string, found: Set<T>): void {
    let place = this.#top;
    for (const name of components(key)) {
      for (const item of place.below) found.add(item);
      const next = place.children.get(name);
      if (!next) return;
      place = next;
    }
    const places = [place];
    for (let next = places.pop(); next; next = places.pop()) {
      for (const item of next.here) found.add(item);
      places.push(...next.children.values());
    }
  }

  #place(key: string): Place<T> {
    let place = this.#top;
    for (const name of components(key)) {
      let next = place.children.get(name);
      if (!next) place.children.set(name, next = new Place());
      place = next;
    }
    return place;
  }

  /** Takes an item out of a place, and the places that lead to nobody any more. */
  #clear(key: string, item: T): void {
    const names = components(key);
    const way = [this.#top];
    for (const name of names) way.push(way.at(-1)!.children.get(name)!);
    const last = way.at(-1)!;
    last.here.delete(item);
    last.below.delete(item);
    for (let depth = names.length; depth > 0 && way[depth]!.isEmpty; depth--) {
      way[depth - 1]!.children.delete(names[depth - 1]!);
    }
  }
}

function isSame(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((key, i) => key === b[i]);
}
