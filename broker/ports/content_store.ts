/** The door to the disk for blobs: where rank 0 keeps content by its address. */

export interface ContentStore {
  /** The blob, or undefined when it is not here. Throws EIO and what else the disk says. */
  load(blobref: string): Promise<Uint8Array | undefined>;
  /** Resolves when the blob would survive the death of this process. Throws ENOSPC, EROFS, EIO. */
  store(blobref: string, blob: Uint8Array): Promise<void>;
  close(): Promise<void>;
}

/** Keeps blobs in memory: the store of a session without a state directory. */
export function memoryStore(): ContentStore {
  const blobs = new Map<string, Uint8Array>();
  return {
    load: (blobref) => Promise.resolve(blobs.get(blobref)),
    store(blobref, blob) {
      blobs.set(blobref, blob);
      return Promise.resolve();
    },
    close: () => Promise.resolve(),
  };
}
