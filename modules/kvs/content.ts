/** The content service as the key-value store uses it (wire.md §3.12), and what rank 0 alone may ask of it. */

import type { Handle } from "../../broker/handle/mod.ts";
import { digestOf, FluxError } from "../../broker/message/mod.ts";
import {
  encodeCommit,
  encodeMark,
  joinDigests,
  type RootChanges,
  type StoredRoot,
  type StoredRoots,
  type Swept,
} from "../content/protocol.ts";
import type { Blob } from "./tree/transaction.ts";

export type { RootChanges, StoredRoot, StoredRoots, Swept };

export interface Content {
  /** A blob, not to be changed. Throws ENOENT, EIO for one that is damaged. */
  load(blobref: string): Promise<Uint8Array>;
  /** Stores blobs and sets (or with null removes) roots, all or nothing, durably. Throws ENOSPC, EROFS, EIO, EFBIG. */
  commit(blobs: readonly Blob[], roots: RootChanges): Promise<void>;
  /** The roots as the last commits left them. */
  roots(): Promise<StoredRoots>;
  /** Begins a collection and returns its epoch: what is stored from now on is kept. */
  gcBegin(): Promise<number>;
  /** Keeps these blobs through the sweep of this epoch. */
  gcMark(epoch: number, blobrefs: readonly string[]): Promise<void>;
  /** Deletes up to `limit` blobs of older epochs. */
  gcSweep(epoch: number, limit: number): Promise<Swept>;
  /** Drops what this rank's cache need not keep. */
  dropCache(): Promise<void>;
}

const EMPTY = new Uint8Array();
const ROOT = { rank: 0 };

/** The service of this rank, over the module's handle. */
export function contentOf(handle: Handle): Content {
  return {
    load: async (blobref) => await handle.rpcRaw("content.load", digestOf(blobref)) ?? EMPTY,
    async commit(blobs, roots) {
      const refs = blobs.map(({ blobref }) => blobref);
      await handle.rpcRaw(
        "content.commit",
        encodeCommit({ refs, blobs: blobs.map(({ bytes }) => bytes), roots }),
        ROOT,
      );
    },
    async roots() {
      const { roots } = await handle.rpc<{ roots?: StoredRoots }>("content.roots", undefined, ROOT);
      if (typeof roots !== "object" || roots === null) {
        throw new FluxError("EPROTO", `content.roots: "roots" is missing`);
      }
      return roots;
    },
    gcBegin: async () => (await handle.rpc<{ epoch: number }>("content.gc-begin", undefined, ROOT)).epoch,
    async gcMark(epoch, blobrefs) {
      await handle.rpcRaw("content.gc-mark", encodeMark(epoch, joinDigests(blobrefs.map(digestOf))), ROOT);
    },
    gcSweep: (epoch, limit) => handle.rpc<Swept>("content.gc-sweep", { epoch, limit }, ROOT),
    dropCache: async () => void await handle.rpcRaw("content.dropcache"),
  };
}
