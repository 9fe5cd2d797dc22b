/**
 * A value that only grows, as those who follow its appends see it: how long it is, and the bytes from any place on. Two
 * versions are compared by their blobs, and where those differ (appends are joined now and then) by what is in them.
 * Pure: blobs come from a function.
 */

import { FluxError } from "../../../broker/message/mod.ts";
import { concat } from "../tree/objects.ts";
import { type Val, valBytes, type Valref } from "../tree/treeobj.ts";

export type Load = (blobref: string) => Promise<Uint8Array>;

interface Segment {
  /** Undefined for a value within its directory. */
  readonly blobref: string | undefined;
  readonly length: number;
  /** At hand: always without a blobref, else between `update` and `release` when it is not much. */
  bytes: Uint8Array | undefined;
}

/** Blobs loaded at a time. */
const BATCH = 64;
/** What stays at hand after an update, bytes. */
const KEPT = 1 << 20;
/** Blobs are read together until they are this long, bytes. */
const PIECE = 64 << 10;

export class ValueLog {
  #segments: Segment[] = [];
  #length = 0;

  /** Bytes of the whole value. */
  get length(): number {
    return this.#length;
  }

  /**
   * Takes a newer version. Throws EINVAL when it is not the one before with bytes added, and what `load` throws; it stays
   * as it was then.
   */
  async update(object: Val | Valref, load: Load): Promise<void> {
    const before = this.#segments;
    const refs = object.type === "val" ? [] : object.data;
    let common = 0;
    while (common < refs.length && before[common]?.blobref === refs[common]) common++;
    const kept = before.slice(0, common);
    const added = object.type === "val" ? [inline(valBytes(object))] : await segments(refs.slice(common), load);
    const replaced = before.slice(common);
    if (replaced.length > 0) await assertContinues(replaced, added, load);
    this.#segments = [...kept, ...added];
    this.#length = lengthOf(this.#segments);
  }

  /** Bytes from a place on: all of a few blobs, or of one that is large; none at the end. */
  async read(from: number, load: Load): Promise<Uint8Array> {
    let index = this.#segments.length;
    let start = this.#length;
    while (index > 0 && start > from) start -= this.#segments[--index]!.length;
    const wanted: Segment[] = [];
    for (let size = start - from; index < this.#segments.length && size < PIECE; index++) {
      wanted.push(this.#segments[index]!);
      size += this.#segments[index]!.length;
    }
    const bytes = concat(await Promise.all(wanted.map((segment) => bytesOf(segment, load))));
    return start === from ? bytes : bytes.subarray(from - start);
  }

  /** Lets go of bytes that can be loaded again. */
  release(): void {
    for (let i = this.#segments.length - 1; i >= 0; i--) {
      const segment = this.#segments[i]!;
      if (!segment.bytes) return;
      if (segment.blobref !== undefined) segment.bytes = undefined;
    }
  }
}

function inline(bytes: Uint8Array): Segment {
  return { blobref: undefined, length: bytes.length, bytes };
}

/** Loads blobs for their length; the last ones stay at hand if all are together. */
async function segments(refs: readonly string[], load: Load): Promise<Segment[]> {
  const loaded: Segment[] = [];
  let length = 0;
  for (let i = 0; i < refs.length; i += BATCH) {
    const blobs = await Promise.all(refs.slice(i, i + BATCH).map(load));
    blobs.forEach((bytes, j) => {
      length += bytes.length;
      loaded.push({ blobref: refs[i + j]!, length: bytes.length, bytes });
    });
    if (length > KEPT) { for (const segment of loaded) segment.bytes = undefined; }
  }
  return loaded;
}

/** Throws EINVAL unless `added` begins with what `replaced` was; blobs that are gone are taken for equal. */
async function assertContinues(replaced: Segment[], added: Segment[], load: Load): Promise<void> {
  const length = lengthOf(replaced);
  if (lengthOf(added) < length) {
    throw new FluxError("EINVAL", "the value was truncated, which cannot be told as an append");
  }
  let old: Uint8Array[];
  try {
    old = await Promise.all(replaced.map((segment) => bytesOf(segment, load)));
  } catch {
    return;
  }
  const before = concat(old);
  const after = concat(await Promise.all(added.map((segment) => bytesOf(segment, load))));
  for (let i = 0; i < length; i++) {
    if (before[i] !== after[i]) {
      throw new FluxError("EINVAL", "the value was overwritten, which cannot be told as an append");
    }
  }
}

function bytesOf({ bytes, blobref }: Segment, load: Load): Uint8Array | Promise<Uint8Array> {
  return bytes ?? load(blobref!);
}

function lengthOf(segments: readonly Segment[]): number {
  return segments.reduce((length, segment) => length + segment.length, 0);
}
