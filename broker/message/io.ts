/** Bytes of a named stream as JSON carries them (RFC 24; wire.md §3.17): UTF-8 as text, anything else in base64. */

import { FluxError } from "./errno.ts";
import type { Json, JsonObject } from "./json.ts";

/** One piece of a stream. At least one of `data` and `eof` is there. */
export type Io = {
  stream: string;
  /** The rank it comes from, or goes to. */
  rank: string;
  data?: string;
  encoding?: "base64";
  eof?: true;
};

/** A piece as it is read: text where it was sent as text. */
export interface IoPiece {
  readonly stream: string;
  readonly data: string | Uint8Array | undefined;
  readonly eof: boolean;
}

const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const utf8 = new TextEncoder();

/** A piece of `stream` with these bytes; without any, its end. A NUL takes six bytes in JSON text, so it is no text. */
export function encodeIo(stream: string, rank: string, bytes: Uint8Array | undefined): Io {
  if (bytes === undefined) return { stream, rank, eof: true };
  const text = bytes.includes(0) ? undefined : textOf(bytes);
  return text === undefined
    ? { stream, rank, data: bytes.toBase64(), encoding: "base64" }
    : { stream, rank, data: text };
}

function textOf(bytes: Uint8Array): string | undefined {
  try {
    return strict.decode(bytes);
  } catch {
    return undefined;
  }
}

/** Throws EPROTO for what is no piece of a stream. */
export function decodeIo(io: Json | undefined): IoPiece {
  if (typeof io !== "object" || io === null || Array.isArray(io)) {
    throw new FluxError("EPROTO", '"io" must be an object');
  }
  const { stream, data, encoding, eof = false } = io as JsonObject;
  if (typeof stream !== "string") throw new FluxError("EPROTO", '"io.stream" must be a string');
  if (typeof eof !== "boolean") throw new FluxError("EPROTO", '"io.eof" must be true or false');
  if (data !== undefined && typeof data !== "string") throw new FluxError("EPROTO", '"io.data" must be a string');
  if (data === undefined && !eof) throw new FluxError("EPROTO", '"io" needs "data" or "eof"');
  if (data === undefined || encoding === undefined || encoding === "UTF-8") return { stream, data, eof };
  if (encoding !== "base64") throw new FluxError("EPROTO", '"io.encoding" must be UTF-8 or base64');
  return { stream, data: fromBase64(data, "io.data"), eof };
}

/** The bytes of text in base64. Throws EPROTO, naming the field. */
export function fromBase64(text: string, field: string): Uint8Array {
  try {
    return Uint8Array.fromBase64(text);
  } catch {
    throw new FluxError("EPROTO", `"${field}" must be base64`);
  }
}

/** The bytes of a piece's data. */
export function ioBytes(data: string | Uint8Array): Uint8Array {
  return typeof data === "string" ? utf8.encode(data) : data;
}
