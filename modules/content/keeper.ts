/** What stands behind `content.*` on one rank: the parent elsewhere, memory or a backing store at rank 0. */

/** As `content.stats-get` tells it. */
export interface ContentStats {
  readonly count: number;
  readonly valid: number;
  /** Blobs that nobody else has. */
  readonly dirty: number;
  readonly size: number;
}

export interface Keeper {
  /** Throws ENOENT, EIO for a damaged one, EHOSTUNREACH. */
  load(blobref: string, digest: Uint8Array): Uint8Array | Promise<Uint8Array>;
  /** Done when rank 0 has it. Throws ENOSPC, EROFS, EIO, EHOSTUNREACH. */
  store(blobref: string, blob: Uint8Array): void | Promise<void>;
  /** Done when nothing is dirty. Throws ENOSYS where there is no place to bring it to. */
  flush(): void | Promise<void>;
  /** Drops what can be had again; how many blobs. */
  dropCache(): number;
  stats(): ContentStats;
  /** A heartbeat passed. */
  beat(): void;
}
