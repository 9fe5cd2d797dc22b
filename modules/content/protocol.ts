/** The words of `content` beyond wire.md §3.12: what `kvs` commits and collects, and what the backing module serves. Pure. */

import {
  decodeJson,
  DIGEST_SIZE,
  encodeJson,
  FluxError,
  isBlobref,
  type JsonObject,
  pack,
  unpack,
} from "../../broker/message/mod.ts";
import { objectField, optionalInteger, stringsField } from "../../broker/handle/mod.ts";

/** A namespace as it was last committed. Content keeps it for `kvs`, and looks at `rootref` and `rootseq` only. */
export interface StoredRoot {
  readonly rootref: string;
  readonly rootseq: number;
  readonly owner: number;
  readonly flags: number;
  /** Seconds since the epoch. */
  readonly timestamp: number;
}

/** Roots by namespace; null for one that is removed. */
export type RootChanges = Readonly<Record<string, StoredRoot | null>>;
export type StoredRoots = Readonly<Record<string, StoredRoot>>;

export interface Commit {
  readonly refs: readonly string[];
  /** One for each of `refs`. */
  readonly blobs: readonly Uint8Array[];
  readonly roots: RootChanges;
  /** When a client stored or loaded these last, seconds since the epoch; undefined for what `kvs` keeps alive. */
  readonly used?: number | undefined;
}

/** The payload of `content.commit` and `content-backing.commit`. */
export function encodeCommit({ refs, blobs, roots, used }: Commit): Uint8Array<ArrayBuffer> {
  return pack([encodeJson({ refs, roots, used }), ...blobs]);
}

/** Throws EPROTO, naming what is wrong. The blobs are views on the payload. */
export function decodeCommit(payload: Uint8Array | undefined): Commit {
  const [head, ...blobs] = unpack(payload ?? new Uint8Array(0));
  if (!head) throw new FluxError("EPROTO", "a commit without its head");
  const fields = decodeJson(head);
  const refs = stringsField(fields, "refs");
  const wrong = refs.find((ref) => !isBlobref(ref));
  if (wrong !== undefined) throw new FluxError("EPROTO", `"refs" holds ${wrong}, which is not a blobref`);
  if (refs.length !== blobs.length) throw new FluxError("EPROTO", `${refs.length} refs, but ${blobs.length} blobs`);
  const roots = objectField(fields, "roots");
  for (const [namespace, root] of Object.entries(roots)) checkRoot(namespace, root);
  return { refs, blobs, roots: roots as unknown as RootChanges, used: optionalInteger(fields, "used") };
}

function checkRoot(namespace: string, root: unknown): void {
  if (root === null) return;
  const { rootref, rootseq } = (root ?? {}) as Partial<StoredRoot>;
  if (!isBlobref(rootref) || !Number.isInteger(rootseq)) {
    throw new FluxError("EPROTO", `the root of "${namespace}" needs "rootref" and "rootseq"`);
  }
}

/** The payload of `gc-mark`: an epoch and digests. */
export function encodeMark(epoch: number, digests: Uint8Array): Uint8Array<ArrayBuffer> {
  return pack([encodeJson({ epoch }), digests]);
}

/** The epoch and the digests, views on the payload. Throws EPROTO. */
export function decodeMark(payload: Uint8Array | undefined): { epoch: number; digests: Uint8Array[] } {
  const [head, bytes, ...more] = unpack(payload ?? new Uint8Array(0));
  const epoch = optionalInteger(decodeJson(head), "epoch");
  if (epoch === undefined || !bytes || more.length > 0) throw new FluxError("EPROTO", "needs an epoch and digests");
  return { epoch, digests: splitDigests(bytes) };
}

/** Digests laid end to end. Throws EPROTO when the last one is not whole. */
export function splitDigests(bytes: Uint8Array): Uint8Array[] {
  if (bytes.length % DIGEST_SIZE !== 0) {
    throw new FluxError("EPROTO", `${bytes.length} bytes are no row of digests of ${DIGEST_SIZE}`);
  }
  return Array.from(
    { length: bytes.length / DIGEST_SIZE },
    (_, i) => bytes.subarray(i * DIGEST_SIZE, (i + 1) * DIGEST_SIZE),
  );
}

export function joinDigests(digests: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(digests.length * DIGEST_SIZE);
  digests.forEach((digest, i) => bytes.set(digest, i * DIGEST_SIZE));
  return bytes;
}

/** One step of a sweep. */
export interface Swept {
  readonly deleted: number;
  readonly bytes: number;
  readonly done: boolean;
  /** Bytes that remain, once done. */
  readonly live: number;
}

export type Checkpoint = JsonObject;
