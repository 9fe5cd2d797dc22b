/** The words of `kvs` and `kvs-watch` on the wire (wire.md §3.14, 3.15; rulings.md "fence"). */

import type { TreeObject } from "./tree/treeobj.ts";

/** Flags of lookups, watches and operations. */
export const KvsFlag = {
  readdir: 1,
  readlink: 2,
  watch: 4,
  waitcreate: 8,
  treeobj: 16,
  append: 32,
  watchFull: 64,
  watchUniq: 128,
  watchAppend: 256,
  stream: 512,
  watchInitialSentinel: 1024,
} as const;

/** Flags of commits. */
export const CommitFlag = { noMerge: 1, compact: 2, sync: 4 } as const;

/** One step of a transaction: null deletes; {@link KvsFlag.append} appends a val. */
export interface Operation {
  readonly key: string;
  readonly flags: number;
  readonly dirent: TreeObject | null;
}

/** `kvs.commit`; `kvs.fence` adds a name and how many there will be. */
export interface CommitRequest {
  readonly namespace: string;
  readonly flags: number;
  readonly ops: readonly Operation[];
}

/** What a commit or fence is answered with. */
export interface CommitReply {
  readonly rootref: string;
  readonly rootseq: number;
}

export interface FenceRequest extends CommitRequest {
  readonly name: string;
  /** Participants, each of which sends one request. */
  readonly nprocs: number;
  /** Ranks of the participants as an idset: then the death of one fails the fence by name. */
  readonly ranks?: string;
  /** Seconds from the first participant until ETIMEDOUT, whose text lists who had entered. */
  readonly timeout?: number;
}

/** The namespace of whoever names none. */
export const PRIMARY = "primary";

/** The version of one namespace: what `kvs.getroot` answers. */
export interface Root {
  readonly namespace: string;
  readonly rootref: string;
  /** 0 for a new namespace, then one more with each new root. */
  readonly rootseq: number;
  /** Userid of who may write, besides the owner of the instance. */
  readonly owner: number;
  readonly flags: number;
}

/** Payload of the event `kvs.namespace-<NS>-setroot`. */
export interface SetrootEvent {
  readonly namespace: string;
  readonly rootref: string;
  readonly rootseq: number;
  readonly owner: number;
  /** Ids of the transactions in this root. */
  readonly names: readonly string[];
  /** Normalized keys that they wrote. */
  readonly keys: Readonly<Record<string, null>>;
}
