/** Tree objects, what a key-value store is made of (RFC 11; wire.md §3.13). Pure. */

import { FluxError, isBlobref, type Json, type JsonObject } from "../../../broker/message/mod.ts";

/** A value that is stored in its directory, as base64. */
export interface Val {
  readonly ver: 1;
  readonly type: "val";
  readonly data: string;
}
/** A value that is the concatenation of blobs. */
export interface Valref {
  readonly ver: 1;
  readonly type: "valref";
  readonly data: readonly string[];
}
/** A directory with its entries. */
export interface Dir {
  readonly ver: 1;
  readonly type: "dir";
  readonly data: Readonly<Record<string, TreeObject>>;
}
/** A directory that is a blob of its own; exactly one blobref. */
export interface Dirref {
  readonly ver: 1;
  readonly type: "dirref";
  readonly data: readonly [string];
}
/** Another key in the place of this one, in this namespace or another. */
export interface Symlink {
  readonly ver: 1;
  readonly type: "symlink";
  readonly data: { readonly target: string; readonly namespace?: string };
}
export type TreeObject = Val | Valref | Dir | Dirref | Symlink;

/** Base64 text longer than this does not stay in its directory (wire.md §3.13). */
export const INLINE_LIMIT = 72;
/** The blob of a directory without entries, and its blobref: the root of an empty namespace. */
export const EMPTY_DIR_TEXT = '{"data":{},"type":"dir","ver":1}';
export const EMPTY_DIR = "sha1-c0a9faf907dda6216fd73bf81d0b3b21a1a8cb91";

export function val(bytes: Uint8Array): Val {
  return { ver: 1, type: "val", data: bytes.toBase64() };
}

export function dirref(blobref: string): Dirref {
  return { ver: 1, type: "dirref", data: [blobref] };
}

export function valref(blobrefs: readonly string[]): Valref {
  return { ver: 1, type: "valref", data: blobrefs };
}

export function emptyDir(): Dir {
  return { ver: 1, type: "dir", data: {} };
}

export function symlink(target: string, namespace?: string): Symlink {
  return { ver: 1, type: "symlink", data: namespace === undefined ? { target } : { target, namespace } };
}

/** The bytes of an inline value. Throws EPROTO when it is not base64. */
export function valBytes({ data }: Val): Uint8Array<ArrayBuffer> {
  try {
    return Uint8Array.fromBase64(data, { lastChunkHandling: "strict" });
  } catch {
    throw new FluxError("EPROTO", "a val's data is not base64");
  }
}

/** Checks what came from outside. Throws EPROTO and says what is wrong with it. */
export function checkTreeObject(value: Json | undefined): TreeObject {
  const fault = faultOf(value);
  if (fault) throw new FluxError("EPROTO", `malformed tree object: ${fault}`);
  return value as unknown as TreeObject;
}

/** What is wrong with a tree object, or undefined. */
function faultOf(value: Json | undefined): string | undefined {
  if (!isObject(value)) return "not an object";
  const { ver, type, data } = value;
  if (ver !== 1) return `"ver" must be 1`;
  if (Object.keys(value).length !== 3) return `only "ver", "type" and "data" are allowed`;
  switch (type) {
    case "val":
      return typeof data === "string" && isBase64(data) ? undefined : "a val's data must be base64";
    case "valref":
      return Array.isArray(data) && data.length > 0 && data.every(isBlobref)
        ? undefined
        : "a valref's data must be blobrefs";
    case "dirref":
      return Array.isArray(data) && data.length === 1 && isBlobref(data[0])
        ? undefined
        : "a dirref's data must be one blobref";
    case "symlink":
      return isObject(data) && isLink(data) ? undefined : `a symlink's data must be "target" and perhaps "namespace"`;
    case "dir":
      if (!isObject(data)) return "a dir's data must be an object";
      for (const entry of Object.values(data)) {
        const fault = faultOf(entry);
        if (fault) return fault;
      }
      return undefined;
    default:
      return `unknown type ${JSON.stringify(type)}`;
  }
}

function isLink({ target, namespace, ...rest }: JsonObject): boolean {
  return typeof target === "string" && (namespace === undefined || typeof namespace === "string") &&
    Object.keys(rest).length === 0;
}

/** A pattern is the fastest for short texts, decoding for long ones. */
function isBase64(text: string): boolean {
  if (text.length % 4 !== 0) return false;
  if (text.length <= 2 * INLINE_LIMIT) return /^[A-Za-z0-9+/]*={0,2}$/.test(text);
  try {
    Uint8Array.fromBase64(text, { lastChunkHandling: "strict" });
    return true;
  } catch {
    return false;
  }
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
