/**
 * The door to the disk for content: where rank 0 keeps blobs by their digest, and the roots of the key-value store. A store
 * is one process's at a time. Everything here is done when a call returns; a call that throws has changed nothing.
 */

/** How much an answered write survives: the death of all processes, or a loss of power too. */
export type Sync = "normal" | "full";

export interface ContentStores {
  /**
   * Opens the store in a directory, which is made (0700) when it is missing. Throws EBUSY when somebody has it open, with
   * who that is, EACCES, EROFS, ENOSPC, EIO when it is damaged, EINVAL when it is of a version that is not known.
   */
  open(directory: string, options: { sync: Sync }): Promise<ContentStore>;
}

export interface StoredBlob {
  readonly digest: Uint8Array;
  readonly blob: Uint8Array;
}

/** A blob as a scan finds it. */
export interface ScannedBlob extends StoredBlob {
  /** When a client stored or used it last, seconds; null for what only the key-value store keeps. */
  readonly used: number | null;
}

export interface StoreChanges {
  readonly blobs: readonly StoredBlob[];
  /** JSON texts by namespace; null removes one. */
  readonly roots?: Readonly<Record<string, string | null>>;
  /** When a client used these blobs, seconds; without it their time stays what it was. */
  readonly used?: number | undefined;
}

/** One step of a sweep. */
export interface StoreSwept {
  readonly digests: readonly Uint8Array[];
  /** Bytes of the blobs deleted. */
  readonly bytes: number;
  readonly done: boolean;
  /** Bytes of the blobs that remain; complete once `done`. */
  readonly live: number;
}

export interface ContentStore {
  /** Where it is, for people. */
  readonly path: string;
  /** The blob, or undefined when it is not here. Its bytes are not checked. Throws EIO and what else the disk says. */
  load(digest: Uint8Array): Uint8Array | undefined;
  /** All or nothing. A blob that is here is kept in the current epoch. Throws ENOSPC, EROFS, EIO, EFBIG. */
  commit(changes: StoreChanges): void;
  /** Roots by namespace, as JSON texts. */
  roots(): Map<string, string>;
  /** Who writes to it, as `claim` said last; null for a store nobody has claimed. */
  writer(): string | null;
  claim(writer: string): void;
  /** Clients used these blobs, if they are clients': `used` in seconds. */
  touch(digests: readonly Uint8Array[], used: number): void;
  /** Begins an epoch, and says which it is. */
  begin(): number;
  /** Keeps these blobs, if they are here, in the current epoch, as long as the store is open. */
  mark(digests: readonly Uint8Array[]): void;
  /**
   * Goes on through the blobs and deletes up to `limit` that are of older epochs and that no client used at `spare`
   * (seconds) or later.
   */
  sweep(limit: number, spare: number): StoreSwept;
  /** The current epoch. */
  readonly epoch: number;
  /** Blobs in some order, about so many bytes of them, from where another scan ended (0: from the first); `next` is null at the end. */
  scan(from: number, bytes: number): { blobs: ScannedBlob[]; next: number | null };
  /** JSON texts, newest first. */
  checkpoints(): string[];
  putCheckpoint(value: string): void;
  /** Everything committed survives a loss of power when it returns. */
  flush(): void;
  close(): void;
}
