/**
 * A directory that is being written: its nodes are taken out of the cache, changed in place, and encoded when all is done.
 * Pure. Used by one transaction walk at a time.
 */

import { COLLAPSE, Directory, Fork, limitAt, type Node, PLAIN_LIMIT, SHARD_LIMIT, slotOf } from "./directory.ts";
import { type Objects, one, type Walk } from "./objects.ts";
import { dirref, EMPTY_DIR, type TreeObject } from "./treeobj.ts";

/** Where encoded nodes go; returns their blobref. */
export interface Sink {
  readonly objects: Objects;
  add(bytes: Uint8Array): string;
  /** The bytes of a blob that was added here. */
  made(blobref: string): Uint8Array | undefined;
}

/** One node of a draft: the whole directory, or a shard of it. */
interface Part {
  /** The blobref it was taken from. */
  readonly from: string | undefined;
  readonly node: Node;
  readonly depth: number;
  /** Entries when it was taken. */
  readonly before: number;
  changed: boolean;
  /** Shards taken out, by slot. */
  readonly shards: Map<number, Part>;
}

export class Draft {
  readonly #objects: Objects;
  #top: Part;
  /** Subdirectories that are written too; their entries in this directory follow at the end. */
  readonly children = new Map<string, Draft>();

  private constructor(objects: Objects, top: Part) {
    this.#objects = objects;
    this.#top = top;
  }

  /** A new directory. */
  static empty(objects: Objects): Draft {
    return new Draft(objects, { ...part(undefined, new Directory(), 0), changed: true });
  }

  /** A directory that is at hand, or undefined. */
  static take(objects: Objects, blobref: string): Draft | undefined {
    const node = objects.take(blobref);
    return node && new Draft(objects, part(blobref, node, 0));
  }

  /** A directory wherever it is. */
  static *open(objects: Objects, blobref: string): Walk<Draft> {
    const taken = Draft.take(objects, blobref);
    if (taken) return taken;
    objects.add(blobref, one(yield [blobref]));
    return Draft.take(objects, blobref)!;
  }

  /** The blobref of a part that has to be loaded before `name` can be read or written, or undefined. */
  missing(name: string): string | undefined {
    for (let at = this.#top; at.node instanceof Fork;) {
      const slot = slotOf(name, at.depth);
      const shard = at.shards.get(slot) ?? this.#takeShard(at.node.shards[slot]!, at.depth + 1);
      if (!shard) return at.node.shards[slot]!;
      at.shards.set(slot, shard);
      at = shard;
    }
    return undefined;
  }

  /** An entry, not looking at `children`. Only when nothing is `missing`. */
  get(name: string): TreeObject | undefined {
    return this.#leaf(name).get(name);
  }

  /** Sets or, with undefined, deletes an entry. Only when nothing is `missing`. */
  set(name: string, object: TreeObject | undefined): void {
    const leaf = this.#leaf(name, true);
    if (object) leaf.set(name, object);
    else leaf.delete(name);
  }

  /** Encodes what changed, subdirectories first, and returns the blobref of the whole. */
  *finish(sink: Sink): Walk<string> {
    for (const [name, child] of this.children) {
      const blobref = yield* child.finish(sink);
      const entry = this.get(name);
      if (entry?.type !== "dirref" || entry.data[0] !== blobref) this.set(name, dirref(blobref));
    }
    const result = yield* finishPart(this.#top, sink);
    return result.blobref ?? sink.add(new Directory().encode());
  }

  #leaf(name: string, writes = false): Directory {
    let at = this.#top;
    at.changed ||= writes;
    while (at.node instanceof Fork) {
      at = at.shards.get(slotOf(name, at.depth))!;
      at.changed ||= writes;
    }
    return at.node;
  }

  #takeShard(blobref: string | null, depth: number): Part | undefined {
    if (blobref === null) return part(undefined, new Directory(), depth);
    const node = this.#objects.take(blobref);
    return node && part(blobref, node, depth);
  }
}

function part(from: string | undefined, node: Node, depth: number): Part {
  return { from, node, depth, before: node.size, changed: false, shards: new Map() };
}

/** The blobref of a part (null for one without entries), and how many entries it has. */
function* finishPart(part: Part, sink: Sink): Walk<{ blobref: string | null; size: number }> {
  const { node, from, depth, changed } = part;
  if (!changed && from !== undefined && [...part.shards.values()].every((shard) => !shard.changed)) {
    for (const shard of part.shards.values()) yield* finishPart(shard, sink);
    sink.objects.put(from, node, node instanceof Fork ? FORK_SIZE : node.size * ENTRY_SIZE);
    return { blobref: from, size: node.size };
  }
  if (node instanceof Fork) return yield* finishFork(part, node, sink);
  if (node.size > limitAt(depth)) return yield* finishFork(divided(part, node), new Fork(), sink);
  if (node.size === 0 && depth > 0) return { blobref: null, size: 0 };
  return { blobref: emit(node, sink), size: node.size };
}

/** What an unchanged node is reckoned at when it goes back into the cache: bytes. */
const FORK_SIZE = 1600;
const ENTRY_SIZE = 80;

function emit(node: Node, { objects, add }: Sink): string {
  const bytes = node.encode();
  const blobref = add(bytes);
  if (blobref !== EMPTY_DIR) objects.put(blobref, node, bytes.length);
  return blobref;
}

/** A plain node with too many entries, as a part whose shards have them. */
function divided({ depth, from, before }: Part, node: Directory): Part {
  const shards = new Map<number, Part>();
  for (const [name, object] of node) {
    const slot = slotOf(name, depth);
    let shard = shards.get(slot);
    if (!shard) shards.set(slot, shard = { ...part(undefined, new Directory(), depth + 1), changed: true });
    (shard.node as Directory).set(name, object);
  }
  return { from, before, depth, node, changed: true, shards };
}

function* finishFork(
  { depth, shards }: Part,
  node: Fork,
  sink: Sink,
): Walk<{ blobref: string | null; size: number }> {
  for (const [slot, shard] of shards) {
    const { blobref, size } = yield* finishPart(shard, sink);
    node.shards[slot] = blobref;
    node.count += size - shard.before;
  }
  if (node.count <= COLLAPSE * (depth === 0 ? PLAIN_LIMIT : SHARD_LIMIT)) {
    const whole = yield* merged(node, sink);
    if (whole.size === 0 && depth > 0) return { blobref: null, size: 0 };
    return { blobref: emit(whole, sink), size: whole.size };
  }
  return { blobref: emit(node, sink), size: node.count };
}

/** All entries below a fork in one plain node. */
function* merged(fork: Fork, sink: Sink): Walk<Directory> {
  const whole = new Directory();
  for (const blobref of fork.shards) {
    if (blobref === null) continue;
    const node: Node = sink.objects.get(blobref) ??
      sink.objects.add(blobref, sink.made(blobref) ?? one(yield [blobref]));
    for (const [name, object] of node instanceof Fork ? yield* merged(node, sink) : node) whole.set(name, object);
  }
  return whole;
}
