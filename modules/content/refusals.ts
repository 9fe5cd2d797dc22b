/** What a commit is refused for. Pure. */

import { FluxError } from "../../broker/message/mod.ts";
import type { Commit, RootChanges, StoredRoot } from "./protocol.ts";

/** Throws EFBIG for a blob over `limit` bytes. */
export function checkBlob(blobref: string, size: number, limit: number): void {
  if (size > limit) {
    throw new FluxError("EFBIG", `${blobref}: ${size} bytes, more than the ${limit} that a blob may have`);
  }
}

export function checkBlobs({ refs, blobs }: Commit, limit: number): void {
  blobs.forEach(({ length }, i) => checkBlob(refs[i]!, length, limit));
}

/** Throws EINVAL for a root that is older than the one known, or another of the same version. */
export function checkRoots(changes: RootChanges, known: ReadonlyMap<string, StoredRoot>): void {
  for (const [namespace, root] of Object.entries(changes)) {
    const last = root && known.get(namespace);
    if (!last || root.rootseq > last.rootseq) continue;
    if (root.rootseq === last.rootseq && root.rootref === last.rootref) continue;
    throw new FluxError(
      "EINVAL",
      `${namespace}: version ${root.rootseq} does not follow version ${last.rootseq}, which is kept`,
    );
  }
}
