/** Reading a tree at one of its roots (wire.md §3.13, 3.14). Pure: a walk that asks for the blobs it lacks. */

import { type Errno, FluxError } from "../../../broker/message/mod.ts";
import { Directory, type Node, slotOf } from "./directory.ts";
import { components, normalize, ROOT } from "./key.ts";
import { type Objects, readBlobs, readNode, type Walk } from "./objects.ts";
import { KvsFlag } from "../protocol.ts";
import { dirref, EMPTY_DIR, type TreeObject, val } from "./treeobj.ts";

/** Links that may be gone through on the way. */
const LINK_LIMIT = 10;

export interface LookupRequest {
  /** The namespace the root belongs to; undefined when only the root is known. */
  readonly namespace: string | undefined;
  readonly rootref: string;
  /** Normalized. */
  readonly key: string;
  /** Of {@link KvsFlag}: readdir, readlink, treeobj; stream for a value as it is stored, none for one with its bytes. */
  readonly flags: number;
}

/** What was found, and what the answer depends on. */
export interface Found {
  readonly value: TreeObject;
  /** Normalized keys of the request's namespace: the key itself and, for each link gone through, the link and its target. */
  readonly trail: readonly string[];
}

/** Why nothing was found: ENOENT, EISDIR, ENOTDIR, EINVAL (no link), ELOOP, ENOTSUP (no such namespace). */
export class LookupError extends FluxError {
  readonly trail: readonly string[];
  constructor(errno: Errno, trail: readonly string[]) {
    super(errno);
    this.trail = trail;
  }
}

/** Looks a key up. `rootOf` knows the roots of other namespaces, where links lead. Throws {@link LookupError}. */
export function* lookup(
  objects: Objects,
  request: LookupRequest,
  rootOf: (namespace: string) => string | undefined,
): Walk<Found> {
  const { flags } = request;
  const trail = [request.key];
  const followsLast = (flags & (KvsFlag.readlink | KvsFlag.treeobj)) === 0;
  let { rootref } = request;
  let isHome = true;
  let names = components(request.key);
  for (let links = 0;;) {
    const found: Step = yield* descend(objects, rootref, names, followsLast, trail);
    if (!found.link) return { value: yield* answer(objects, found.object, flags, trail), trail };
    if (++links > LINK_LIMIT) throw new LookupError("ELOOP", trail);
    const { target, namespace } = found.link;
    if (isHome) trail.push(names.slice(0, found.depth + 1).join("."));
    if (namespace !== undefined && namespace !== request.namespace) {
      const other = rootOf(namespace);
      if (other === undefined) throw new LookupError("ENOTSUP", trail);
      rootref = other;
      isHome = false;
    }
    names = [...components(normalize(target)), ...names.slice(found.depth + 1)];
    if (isHome) trail.push(names.join(".") || ROOT);
  }
}

type Step =
  | { link?: undefined; object: TreeObject }
  | { link: { target: string; namespace?: string }; depth: number };

/** Goes down until the end of `names`, or a link. */
function* descend(
  objects: Objects,
  rootref: string,
  names: readonly string[],
  followsLast: boolean,
  trail: readonly string[],
): Walk<Step> {
  let object: TreeObject = dirref(rootref);
  for (let depth = 0; depth < names.length; depth++) {
    const name = names[depth]!;
    let entry: TreeObject | undefined;
    if (object.type === "dirref") {
      const node: Node = objects.get(object.data[0]) ?? (yield* readNode(objects, object.data[0]));
      entry = node instanceof Directory ? node.get(name) : yield* entryOf(objects, node, name);
    } else if (object.type === "dir") {
      entry = Object.hasOwn(object.data, name) ? object.data[name] : undefined;
    }
    if (!entry) throw new LookupError("ENOENT", trail);
    if (entry.type === "symlink" && (followsLast || depth < names.length - 1)) return { link: entry.data, depth };
    object = entry;
  }
  return { object };
}

/** An entry of a directory that may be stored as a trie. */
export function* entryOf(objects: Objects, node: Node, name: string): Walk<TreeObject | undefined> {
  for (let depth = 0; !(node instanceof Directory); depth++) {
    const shard: string | null = node.shards[slotOf(name, depth)]!;
    if (shard === null) return undefined;
    node = yield* readNode(objects, shard);
  }
  return node.get(name);
}

function* answer(objects: Objects, object: TreeObject, flags: number, trail: readonly string[]): Walk<TreeObject> {
  if (flags & KvsFlag.treeobj) return object;
  if (flags & KvsFlag.readlink) {
    if (object.type !== "symlink") throw new LookupError("EINVAL", trail);
    return object;
  }
  const isDirectory = object.type === "dirref" || object.type === "dir";
  if (flags & KvsFlag.readdir) {
    if (!isDirectory) throw new LookupError("ENOTDIR", trail);
    return object.type === "dirref" ? yield* readDirectory(objects, object.data[0]) : object;
  }
  if (isDirectory) throw new LookupError("EISDIR", trail);
  const isRead = object.type === "valref" && !(flags & KvsFlag.stream);
  return isRead ? val(yield* readBlobs(object.data)) : object;
}

/**
 * All entries of a directory as one dir object. A node is read as soon as it is seen: while others are waited for, the one
 * who writes may take it and change it.
 */
export function* readDirectory(objects: Objects, blobref: string): Walk<TreeObject> {
  const entries: [string, TreeObject][] = [];
  let shards: string[] = [];
  const read = (node: Node) => {
    if (node instanceof Directory) entries.push(...node);
    else shards.push(...node.shards.filter((shard) => shard !== null));
  };
  read(yield* readNode(objects, blobref));
  while (shards.length > 0) {
    const missing: string[] = [];
    const next = shards;
    shards = [];
    for (const shard of next) {
      const node = objects.get(shard);
      if (node) read(node);
      else missing.push(shard);
    }
    if (missing.length === 0) continue;
    const blobs = yield missing;
    missing.forEach((shard, i) => read(objects.add(shard, blobs[i]!)));
  }
  return { ver: 1, type: "dir", data: Object.fromEntries(entries) };
}

/** Blobrefs that a stored directory or shard leads to; none for the empty directory. Throws EIO. */
export function* references(objects: Objects, blobref: string): Walk<{ dirs: string[]; values: string[] }> {
  if (blobref === EMPTY_DIR) return { dirs: [], values: [] };
  const node = yield* readNode(objects, blobref);
  return referencesOf(node);
}

/** The same of a decoded node. */
export function referencesOf(node: Node): { dirs: string[]; values: string[] } {
  const dirs: string[] = [], values: string[] = [];
  const visit = (object: TreeObject) => {
    if (object.type === "dirref") dirs.push(object.data[0]);
    else if (object.type === "valref") values.push(...object.data);
    else if (object.type === "dir") Object.values(object.data).forEach(visit);
  };
  if (node instanceof Directory) { for (const [, object] of node) visit(object); }
  else dirs.push(...node.shards.filter((shard) => shard !== null));
  return { dirs, values };
}
