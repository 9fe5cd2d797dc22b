/**
 * Directories in memory, as they are decoded from blobs and changed by the one who writes. Pure.
 *
 * A directory of up to {@link PLAIN_LIMIT} entries is one blob as RFC 11 has it. A larger one is a trie: a {@link Fork}
 * names up to 32 shards, chosen by five bits of a hash of the entry's name, and a shard is a plain directory or, when it has
 * too many entries, a fork again by the next five bits. So one more entry rewrites two or three small blobs.
 */

import { FluxError, isBlobref, type Json } from "../../../broker/message/mod.ts";
import { checkTreeObject, type TreeObject } from "./treeobj.ts";

/** Entries above which a directory is stored as a trie. */
export const PLAIN_LIMIT = 1024;
/** Entries above which a shard is divided. */
export const SHARD_LIMIT = 128;
/** A trie with no more entries than this share of what made it one becomes a plain directory again. */
export const COLLAPSE = 0.5;
const BITS = 5;
const SLOTS = 1 << BITS;
/** Levels that the 32 bits of the hash can tell apart. */
const DEPTH_LIMIT = 6;

interface Entry {
  readonly object: TreeObject;
  /** `"name":{…}` as it is written, once it was. */
  text: string | undefined;
}

/** Entries by name. */
export class Directory {
  readonly #entries = new Map<string, Entry>();
  /** Names in the order they are written in; undefined when it has to be worked out. */
  #order: string[] | undefined = [];

  get size(): number {
    return this.#entries.size;
  }

  get(name: string): TreeObject | undefined {
    return this.#entries.get(name)?.object;
  }

  set(name: string, object: TreeObject): void {
    const isNew = !this.#entries.has(name);
    this.#entries.set(name, { object, text: undefined });
    if (isNew) this.#insert(name);
  }

  delete(name: string): void {
    const order = this.#order;
    if (this.#entries.delete(name) && order) order.splice(position(order, name), 1);
  }

  *[Symbol.iterator](): IterableIterator<[string, TreeObject]> {
    for (const [name, { object }] of this.#entries) yield [name, object];
  }

  /** The blob: compact JSON with sorted names. */
  encode(): Uint8Array<ArrayBuffer> {
    const parts = this.#sorted().map((name) => {
      const entry = this.#entries.get(name)!;
      return entry.text ??= `${JSON.stringify(name)}:${textOf(entry.object)}`;
    });
    return utf8.encode(`{"data":{${parts.join(",")}},"type":"dir","ver":1}`);
  }

  /** Keeps the order while entries come one at a time, as most do; gives it up for many at once. */
  #insert(name: string): void {
    const order = this.#order;
    if (!order) return;
    if (order.length === 0 || compareNames(order.at(-1)!, name) < 0) {
      order.push(name);
      return;
    }
    if (order.length > 4 * PLAIN_LIMIT) this.#order = undefined;
    else order.splice(position(order, name), 0, name);
  }

  #sorted(): string[] {
    return this.#order ??= [...this.#entries.keys()].sort(compareNames);
  }
}

/** An inner node of a large directory. */
export class Fork {
  /** Entries below all shards together. */
  count: number;
  /** Blobrefs of the shards; null where there are no entries. */
  readonly shards: (string | null)[];

  constructor(count = 0, shards: (string | null)[] = new Array(SLOTS).fill(null)) {
    this.count = count;
    this.shards = shards;
  }

  get size(): number {
    return this.count;
  }

  encode(): Uint8Array<ArrayBuffer> {
    const shards = this.shards.map((ref) => ref ? `"${ref}"` : "null").join(",");
    return utf8.encode(`{"data":{"count":${this.count},"shards":[${shards}]},"type":"hdir","ver":1}`);
  }
}

/** What the blob of a dirref, or of a shard, decodes to. */
export type Node = Directory | Fork;

const utf8 = new TextEncoder();
const text = new TextDecoder("utf-8", { fatal: true });

/** Reads the blob of a directory. Throws EIO, naming it, when it is none. */
export function decodeNode(blobref: string, bytes: Uint8Array): Node {
  let value: { type?: Json; ver?: Json; data?: Json };
  try {
    value = JSON.parse(text.decode(bytes)) ?? {};
  } catch {
    throw notDirectory(blobref);
  }
  const { type, ver, data } = value;
  if (ver !== 1 || typeof data !== "object" || data === null || Array.isArray(data)) throw notDirectory(blobref);
  if (type === "hdir") {
    const { count, shards } = data;
    const isFork = Number.isInteger(count) && Array.isArray(shards) && shards.length === SLOTS &&
      shards.every((shard) => shard === null || isBlobref(shard));
    if (!isFork) throw notDirectory(blobref);
    return new Fork(count as number, shards as (string | null)[]);
  }
  if (type !== "dir") throw notDirectory(blobref);
  const directory = new Directory();
  try {
    for (const [name, object] of Object.entries(data)) directory.set(name, checkTreeObject(object));
  } catch (error) {
    throw notDirectory(blobref, error instanceof Error ? error.message : undefined);
  }
  return directory;
}

function notDirectory(blobref: string, why?: string): FluxError {
  return new FluxError("EIO", `${blobref}: this blob is not a directory${why ? `: ${why}` : ""}`);
}

/** Where below a fork at `depth` (0 is the topmost) an entry belongs. */
export function slotOf(name: string, depth: number): number {
  return (hashName(name) >>> (depth * BITS)) & (SLOTS - 1);
}

/** How many entries a plain node at this depth may have. */
export function limitAt(depth: number): number {
  return depth === 0 ? PLAIN_LIMIT : depth < DEPTH_LIMIT ? SHARD_LIMIT : Infinity;
}

/** FNV-1a over the UTF-16 units, mixed so that all bits depend on all of the name. Part of the stored format. */
function hashName(name: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < name.length; i++) hash = Math.imul(hash ^ name.charCodeAt(i), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/** Where a name is, or would be, among sorted ones. */
function position(order: readonly string[], name: string): number {
  let low = 0, high = order.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (compareNames(order[middle]!, name) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Order of the names' UTF-8 bytes, which is what others sort by; UTF-16 has surrogates before U+E000. */
function compareNames(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i), y = b.charCodeAt(i);
    if (x !== y) return x >= 0xd800 && y >= 0xd800 ? lift(x) - lift(y) : x - y;
  }
  return a.length - b.length;
}

function lift(unit: number): number {
  return unit < 0xe000 ? unit + 0x2000 : unit - 0x800;
}

/** A tree object as it is written: compact, keys sorted. */
export function textOf(object: TreeObject): string {
  switch (object.type) {
    case "val":
      return `{"data":"${object.data}","type":"val","ver":1}`;
    case "valref":
    case "dirref":
      return `{"data":["${object.data.join('","')}"],"type":"${object.type}","ver":1}`;
    case "symlink": {
      const { namespace, target } = object.data;
      const first = namespace === undefined ? "" : `"namespace":${JSON.stringify(namespace)},`;
      return `{"data":{${first}"target":${JSON.stringify(target)}},"type":"symlink","ver":1}`;
    }
    case "dir": {
      const names = Object.keys(object.data).sort(compareNames);
      const parts = names.map((name) => `${JSON.stringify(name)}:${textOf(object.data[name]!)}`);
      return `{"data":{${parts.join(",")}},"type":"dir","ver":1}`;
    }
  }
}
