/** Decoded directories by blobref, and walks over trees of which not everything is at hand. Pure. */

import { FluxError } from "../../../broker/message/mod.ts";
import { decodeNode, Directory, type Node } from "./directory.ts";
import { EMPTY_DIR } from "./treeobj.ts";

/**
 * A computation that asks for blobs: it yields the blobrefs that it lacks, is resumed with their bytes in that order, and
 * returns its result. Throws what is wrong with the tree, and what it is thrown when blobs cannot be had.
 */
export type Walk<T> = Generator<readonly string[], T, readonly Uint8Array[]>;

/** A decoded node takes about this many times the bytes of its blob, and this much besides. */
const FACTOR = 3;
const OVERHEAD = 200;
/** Sizes of value blobs that are remembered. */
const SIZES_LIMIT = 65_536;

/** Those least recently used go first when all together take more than the limit. */
export class Objects {
  readonly #limit: number;
  readonly #nodes = new Map<string, { node: Node; bytes: number }>();
  readonly #sizes = new Map<string, number>();
  #bytes = 0;

  /** `limit` in bytes. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** What all nodes take, about, in bytes. */
  get bytes(): number {
    return this.#bytes;
  }

  get count(): number {
    return this.#nodes.size;
  }

  /** What each node takes, about, in bytes. */
  get sizes(): Iterable<number> {
    return this.#nodes.values().map(({ bytes }) => bytes);
  }

  clear(): void {
    this.#nodes.clear();
    this.#sizes.clear();
    this.#bytes = 0;
  }

  /** A node to read; the empty directory is always there. */
  get(blobref: string): Node | undefined {
    const held = this.#nodes.get(blobref);
    if (!held) return blobref === EMPTY_DIR ? new Directory() : undefined;
    this.#nodes.delete(blobref);
    this.#nodes.set(blobref, held);
    return held.node;
  }

  /** A node to change: it is no longer known under its blobref. */
  take(blobref: string): Node | undefined {
    const node = this.get(blobref);
    this.#forget(blobref);
    return node;
  }

  /** `size` is that of its blob, in bytes. */
  put(blobref: string, node: Node, size: number): void {
    this.#forget(blobref);
    const bytes = size * FACTOR + OVERHEAD;
    this.#nodes.set(blobref, { node, bytes });
    this.#bytes += bytes;
    for (const oldest of this.#nodes.keys()) {
      if (this.#bytes <= this.#limit || oldest === blobref) break;
      this.#forget(oldest);
    }
  }

  /** Decodes a blob and keeps it. Throws EIO when it is no directory. */
  add(blobref: string, bytes: Uint8Array): Node {
    const node = decodeNode(blobref, bytes);
    this.put(blobref, node, bytes.length);
    return node;
  }

  /** The size of a value's blob, where it is remembered. */
  sizeOf(blobref: string): number | undefined {
    return this.#sizes.get(blobref);
  }

  remember(blobref: string, size: number): void {
    if (this.#sizes.size >= SIZES_LIMIT) this.#sizes.delete(this.#sizes.keys().next().value!);
    this.#sizes.set(blobref, size);
  }

  #forget(blobref: string): void {
    const held = this.#nodes.get(blobref);
    if (!held) return;
    this.#nodes.delete(blobref);
    this.#bytes -= held.bytes;
  }
}

/** A node to read, wherever it is. */
export function* readNode(objects: Objects, blobref: string): Walk<Node> {
  return objects.get(blobref) ?? objects.add(blobref, one(yield [blobref]));
}

/** The bytes of several blobs, one after the other. */
export function* readBlobs(blobrefs: readonly string[]): Walk<Uint8Array> {
  return concat(yield blobrefs);
}

export function concat(parts: readonly Uint8Array[]): Uint8Array {
  if (parts.length === 1) return parts[0]!;
  const whole = new Uint8Array(parts.reduce((size, { length }) => size + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** The only answer to a walk that asked for one blob. */
export function one(blobs: readonly Uint8Array[]): Uint8Array {
  const [blob] = blobs;
  if (!blob || blobs.length !== 1) throw new FluxError("EPROTO", "a walk was not given what it asked for");
  return blob;
}
