/** The way to a new root: at rank 0 a queue that merges what arrives together (master.ts), elsewhere the way there (relay.ts). */

import type { CommitReply, Operation } from "./protocol.ts";

export interface Commit {
  readonly namespace: string;
  /** Of {@link CommitFlag}. */
  readonly flags: number;
  readonly ops: readonly Operation[];
  /** Who commits. */
  readonly userid: number;
  readonly rolemask: number;
  /** What the setroot event calls it, instead of a number of its own. */
  readonly name?: string;
}

export interface Committer {
  /**
   * Resolves when the transaction is durable and the root this rank knows has reached it. Throws what it was refused for
   * (EINVAL, EISDIR, ENOTSUP, EPERM …), or why nothing can be stored: ENOSPC, EROFS, EIO, EFBIG.
   */
  commit(commit: Commit): Promise<CommitReply>;
}
