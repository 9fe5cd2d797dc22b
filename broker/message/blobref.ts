/** How content is addressed: a digest of 20 bytes on the wire, a blobref `sha1-<40 hex digits>` as text (wire.md §3.12). Pure. */

import { FluxError } from "./errno.ts";

/** Bytes of a SHA-1 digest. */
export const DIGEST_SIZE = 20;

const PATTERN = /^sha1-[0-9a-f]{40}$/;

/** Computes the blobref of a blob. */
export type Hash = (blob: Uint8Array) => string;

/** True for a well-formed blobref. */
export function isBlobref(text: unknown): text is string {
  return typeof text === "string" && text.length === 45 && PATTERN.test(text);
}

/** The blobref of a digest. Throws EPROTO when it is not {@link DIGEST_SIZE} bytes long. */
export function blobrefOf(digest: Uint8Array): string {
  if (digest.length !== DIGEST_SIZE) {
    throw new FluxError("EPROTO", `a digest has ${DIGEST_SIZE} bytes, not ${digest.length}`);
  }
  return `sha1-${digest.toHex()}`;
}

/** The digest of a blobref. Throws EINVAL, naming it, when it is malformed. */
export function digestOf(blobref: string): Uint8Array<ArrayBuffer> {
  if (!isBlobref(blobref)) {
    throw new FluxError("EINVAL", `${blobref}: not a blobref (sha1- and 40 hexadecimal digits)`);
  }
  return Uint8Array.fromHex(blobref.slice(5));
}
