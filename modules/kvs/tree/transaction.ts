/**
 * Writing: transactions on one root give one new root (wire.md §3.13, 3.14). Pure: a walk that asks for the blobs it lacks and
 * returns the blobs to be stored. Each transaction is applied whole or not at all, in the order given.
 */

import { FluxError, type Hash } from "../../../broker/message/mod.ts";
import { Draft } from "./draft.ts";
import { components, normalize } from "./key.ts";
import { concat, type Objects, type Walk } from "./objects.ts";
import { KvsFlag, type Operation } from "../protocol.ts";
import { dirref, INLINE_LIMIT, type TreeObject, type Val, valBytes, valref } from "./treeobj.ts";

const LINK_LIMIT = 10;
/** Blobs of an appended value below this size are joined when this many of them follow each other. */
const SMALL = 64 << 10;
const JOIN = 64;

export interface Blob {
  readonly blobref: string;
  readonly bytes: Uint8Array;
}

export interface Applied {
  readonly rootref: string;
  /** What the new root needs and the old one had not. */
  readonly blobs: readonly Blob[];
  /** For each transaction: why it was refused (EINVAL, EISDIR, ENOTSUP, ELOOP, EPROTO …), or undefined. */
  readonly outcomes: readonly (FluxError | undefined)[];
  /** For each transaction: the keys it wrote, normalized, with and without links on the way; none when it was refused. */
  readonly keys: readonly (readonly string[])[];
  /** Bytes of all blobs. */
  readonly stored: number;
}

/** Applies transactions to the tree at `rootref`. Only for the one who writes, since nodes are changed in place. */
export function* applyTransactions(
  objects: Objects,
  rootref: string,
  transactions: readonly (readonly Operation[])[],
  hash: Hash,
): Walk<Applied> {
  const writer = new Writer(objects, hash, yield* Draft.open(objects, rootref));
  const outcomes: (FluxError | undefined)[] = [];
  const keys: string[][] = [];
  for (const operations of transactions) {
    try {
      keys.push(yield* writer.apply(operations));
      outcomes.push(undefined);
    } catch (error) {
      if (!(error instanceof FluxError)) throw error;
      writer.undo();
      keys.push([]);
      outcomes.push(error);
    }
  }
  const root = yield* writer.root.finish(writer);
  return { rootref: root, blobs: writer.blobs, outcomes, keys, stored: writer.stored };
}

class Writer {
  readonly objects: Objects;
  readonly root: Draft;
  readonly blobs: Blob[] = [];
  stored = 0;
  readonly #hash: Hash;
  /** Bytes of the blobs made here: nobody else has them yet. */
  readonly #made = new Map<string, Uint8Array>();
  /** Takes back what the present transaction did, last first. */
  #undo: (() => void)[] = [];

  constructor(objects: Objects, hash: Hash, root: Draft) {
    this.objects = objects;
    this.#hash = hash;
    this.root = root;
  }

  /** Applies one transaction and returns its keys. Throws why it is refused, or what it is thrown when blobs cannot be had. */
  *apply(operations: readonly Operation[]): Walk<string[]> {
    this.#undo = [];
    const keys: string[] = [];
    for (const operation of operations) {
      const key = normalize(operation.key);
      if (key === ".") throw new FluxError("EINVAL", "the root cannot be written");
      const written = (yield* this.#operate(components(key), operation)).join(".");
      keys.push(key);
      if (written !== key) keys.push(written);
    }
    return keys;
  }

  undo(): void {
    for (const step of this.#undo.reverse()) step();
    this.#undo = [];
  }

  made(blobref: string): Uint8Array | undefined {
    return this.#made.get(blobref);
  }

  /** Takes a blob in and returns its blobref. */
  readonly add = (bytes: Uint8Array): string => {
    const blobref = this.#hash(bytes);
    if (this.#made.has(blobref)) return blobref;
    this.#made.set(blobref, bytes);
    this.blobs.push({ blobref, bytes });
    this.stored += bytes.length;
    return blobref;
  };

  /** Returns the names of what it wrote: others than those given when links led there. */
  *#operate(names: string[], { dirent, flags }: Operation): Walk<string[]> {
    let draft = this.root;
    for (let depth = 0, links = 0; depth < names.length - 1;) {
      const name = names[depth]!;
      const next = draft.children.get(name) ?? (yield* this.#descend(draft, name, dirent !== null));
      if (next === undefined) return names;
      if (next instanceof Draft) {
        draft = next;
        depth++;
        continue;
      }
      if (++links > LINK_LIMIT) throw new FluxError("ELOOP");
      names = [...next, ...names.slice(depth + 1)];
      draft = this.root;
      depth = 0;
    }
    const name = names.at(-1);
    if (name === undefined) throw new FluxError("EINVAL", "the root cannot be written");
    yield* this.#load(draft, name);
    if (dirent === null) this.#set(draft, name, undefined);
    else if (flags & KvsFlag.append) yield* this.#append(draft, name, dirent);
    else if (dirent.type === "dir") this.#setDirectory(draft, name, dirent.data);
    else this.#set(draft, name, dirent.type === "val" ? this.#stored(dirent) : dirent);
    return names;
  }

  /**
   * The directory `name` within `draft`, made if it is missing and `creates`, in the place of a value too; the names a link
   * leads to; undefined when there is nothing to delete below it.
   */
  *#descend(draft: Draft, name: string, creates: boolean): Walk<Draft | string[] | undefined> {
    yield* this.#load(draft, name);
    const entry = draft.get(name);
    if (entry?.type === "symlink") {
      if (entry.data.namespace !== undefined) {
        throw new FluxError("EINVAL", `${name}: a link into another namespace cannot be written through`);
      }
      return components(normalize(entry.data.target));
    }
    if (entry?.type === "dirref") {
      const child = yield* Draft.open(this.objects, entry.data[0]);
      draft.children.set(name, child);
      return child;
    }
    if (entry?.type === "dir") return this.#setDirectory(draft, name, entry.data);
    return creates ? this.#setDirectory(draft, name, {}) : undefined;
  }

  /** Puts a directory with these entries in the place of whatever was there. */
  #setDirectory(draft: Draft, name: string, entries: Readonly<Record<string, TreeObject>>): Draft {
    const child = Draft.empty(this.objects);
    for (const [name, object] of Object.entries(entries)) {
      if (object.type === "dir") this.#setDirectory(child, name, object.data);
      else child.set(name, object.type === "val" ? this.#stored(object) : object);
    }
    const { children } = draft;
    const before = children.get(name);
    this.#undo.push(() => before ? children.set(name, before) : children.delete(name));
    children.set(name, child);
    return child;
  }

  #set(draft: Draft, name: string, object: TreeObject | undefined): void {
    const { children } = draft;
    const child = children.get(name);
    const before = draft.get(name);
    if (!child && !before && !object) return;
    children.delete(name);
    draft.set(name, object);
    this.#undo.push(() => {
      if (child) children.set(name, child);
      draft.set(name, before);
    });
  }

  *#append(draft: Draft, name: string, dirent: TreeObject): Walk<void> {
    if (dirent.type !== "val") throw new FluxError("EINVAL", "only a val can be appended");
    const entry = draft.children.has(name) ? dirref("") : draft.get(name);
    switch (entry?.type) {
      case undefined:
        return this.#set(draft, name, this.#stored(dirent));
      case "val": {
        const parts = [valBytes(entry), valBytes(dirent)].filter(({ length }) => length > 0);
        return this.#set(draft, name, parts.length > 0 ? valref(parts.map((bytes) => this.#part(bytes))) : entry);
      }
      case "valref": {
        const bytes = valBytes(dirent);
        if (bytes.length === 0) return this.#set(draft, name, entry);
        return this.#set(draft, name, valref(yield* this.#joined([...entry.data, this.#part(bytes)])));
      }
      case "symlink":
        throw new FluxError("ENOTSUP");
      default:
        throw new FluxError("EISDIR");
    }
  }

  /** A blob of an appended value. */
  #part(bytes: Uint8Array): string {
    const blobref = this.add(bytes);
    this.objects.remember(blobref, bytes.length);
    return blobref;
  }

  /** Many small blobs at the end become one, so that a value of many appends stays short. */
  *#joined(blobrefs: string[]): Walk<string[]> {
    let start = blobrefs.length;
    while (start > 0 && (this.objects.sizeOf(blobrefs[start - 1]!) ?? SMALL) < SMALL) start--;
    const tail = blobrefs.slice(start);
    if (tail.length < JOIN) return blobrefs;
    const missing = [...new Set(tail.filter((blobref) => !this.#made.has(blobref)))];
    const loaded = missing.length > 0 ? yield missing : [];
    const parts = tail.map((blobref) => this.#made.get(blobref) ?? loaded[missing.indexOf(blobref)]!);
    return [...blobrefs.slice(0, start), this.#part(concat(parts))];
  }

  /** A value as it is kept: what is long is a blob. Throws EPROTO when it is not base64. */
  #stored(value: Val): TreeObject {
    return value.data.length > INLINE_LIMIT ? valref([this.add(valBytes(value))]) : value;
  }

  *#load(draft: Draft, name: string): Walk<void> {
    for (let missing = draft.missing(name); missing !== undefined; missing = draft.missing(name)) {
      const [bytes] = yield [missing];
      this.objects.add(missing, bytes!);
    }
  }
}
