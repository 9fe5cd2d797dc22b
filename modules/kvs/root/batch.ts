/** Commits that are taken up together: which of them become one root, and what they bring. Pure. */

import type { Commit } from "../committer.ts";
import { CommitFlag, type Operation } from "../protocol.ts";
import type { TreeObject } from "../tree/treeobj.ts";

/** By namespace, the groups that become one version each, in order: a NO_MERGE commit is alone in its own. */
export function divide<T extends { readonly commit: Commit }>(batch: readonly T[]): Map<string, T[][]> {
  const divided = new Map<string, T[][]>();
  for (const item of batch) {
    const { namespace } = item.commit;
    let groups = divided.get(namespace);
    if (!groups) divided.set(namespace, groups = []);
    const last = groups.at(-1);
    if (!last || isAlone(item.commit) || isAlone(last[0]!.commit)) groups.push([item]);
    else last.push(item);
  }
  return divided;
}

/** Directories and values that operations refer to instead of bringing them. */
export function outside(commits: readonly Commit[]): { directories: string[]; values: string[] } {
  const directories: string[] = [], values: string[] = [];
  const visit = (object: TreeObject | null) => {
    if (object?.type === "dirref") directories.push(object.data[0]);
    else if (object?.type === "valref") values.push(...object.data);
    else if (object?.type === "dir") Object.values(object.data).forEach(visit);
  };
  for (const { ops } of commits) for (const { dirent } of ops) visit(dirent);
  return { directories, values };
}

/** About the bytes of the values. */
export function sizeOf(ops: readonly Operation[]): number {
  let size = 0;
  for (const { dirent } of ops) if (dirent?.type === "val") size += dirent.data.length;
  return size;
}

function isAlone({ flags }: Commit): boolean {
  return (flags & CommitFlag.noMerge) !== 0;
}
