/** Walking through directories of one version of the store, in the order of their names. */

import { type At, type Kvs } from "../../modules/kvs/client.ts";
import { join } from "../../modules/kvs/tree/key.ts";
import type { TreeObject } from "../../modules/kvs/tree/treeobj.ts";

/** An entry of a directory. */
export interface Entry {
  /** The whole key. */
  readonly key: string;
  readonly name: string;
  readonly object: TreeObject;
}

/** The version that a walk goes through, though the store changes meanwhile: its newest one unless `at` names it. */
export async function pinned(kvs: Kvs, at: At): Promise<At & { readonly rootref: string }> {
  return { ...at, rootref: at.rootref ?? (await kvs.root()).rootref };
}

/** The entries of a directory, sorted by name. */
export async function entriesOf(kvs: Kvs, directory: string, at: At): Promise<Entry[]> {
  return sortedEntries(directory, await kvs.dir(directory, at));
}

/** The same from what a watch yields. */
export function sortedEntries(directory: string, entries: Iterable<readonly [string, TreeObject]>): Entry[] {
  const list = Array.from(entries, ([name, object]) => ({ key: join(directory, name), name, object }));
  return list.sort((a, b) => a.name < b.name ? -1 : 1);
}

export function isDirectory({ object }: { readonly object: TreeObject }): boolean {
  return object.type === "dirref" || object.type === "dir";
}
