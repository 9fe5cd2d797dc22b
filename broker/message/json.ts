/**
 * JSON payloads (wire.md §1.6): UTF-8 text and one NUL byte, always an object.
 * A field that C clients read as *real* must be sent as {@link real}, since they refuse `12` where `12.0` is meant.
 */

import { FluxError } from "./errno.ts";

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json | undefined };
export type JsonObject = { [key: string]: Json | undefined };

const utf8 = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Objects and arrays nested deeper are refused, as the C library of the other side does (jansson's limit). */
const DEPTH_LIMIT = 2048;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
/** `[` and `]`; with 0x20 set, `{` and `}`. */
const OPEN = 0x5b;
const CLOSE = 0x5d;

/** A number that is printed with a decimal point or an exponent: `real(12)` is `12.0`. Throws EINVAL for NaN, ±Infinity. */
export function real(value: number): number {
  if (!Number.isFinite(value)) throw new FluxError("EINVAL", `JSON has no number ${value}`);
  const raw = JSON as unknown as { rawJSON(text: string): number };
  const text = String(value);
  return raw.rawJSON(/[.e]/.test(text) ? text : `${text}.0`);
}

/** `text` and a NUL. */
export function encodeText(text: string): Uint8Array<ArrayBuffer> {
  return utf8.encode(text + "\0");
}

/** `object` as compact JSON and a NUL. */
export function encodeJson(object: unknown): Uint8Array<ArrayBuffer> {
  return utf8.encode(JSON.stringify(object) + "\0");
}

/** The text of a payload that ends in NUL, up to its first NUL. Throws EPROTO without one, or when it is not UTF-8. */
export function decodeText(payload: Uint8Array | undefined): string {
  if (!payload || payload[payload.length - 1] !== 0) {
    throw new FluxError("EPROTO", "payload is not a NUL-terminated string");
  }
  const whole = decoder.decode(payload.subarray(0, -1));
  const nul = whole.indexOf("\0");
  const text = nul < 0 ? whole : whole.slice(0, nul);
  // The forgiving decoder is ten times as fast; what it put U+FFFD for is either that character or an error.
  if (text.includes("\ufffd")) {
    try {
      strict.decode(payload.subarray(0, payload.indexOf(0)));
    } catch {
      throw new FluxError("EPROTO", "payload is not UTF-8");
    }
  }
  return text;
}

/**
 * The object in a JSON payload; `{}` when there is none. Throws EPROTO on anything else. Integers beyond 2^53 become the
 * nearest number that JavaScript has: what must keep them (values, job ids) carries text, or works on the payload.
 */
export function decodeJson(payload: Uint8Array | undefined): JsonObject {
  if (!payload) return {};
  const text = decodeText(payload);
  if (nestsTooDeep(text)) throw new FluxError("EPROTO", `payload nests deeper than ${DEPTH_LIMIT}`);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new FluxError("EPROTO", "payload is not JSON");
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new FluxError("EPROTO", "payload is not a JSON object");
  }
  return value as JsonObject;
}

/** The text of an error response, without its NUL; `""` when it has none. */
export function errorText(payload: Uint8Array | undefined): string {
  if (!payload) return "";
  const nul = payload.indexOf(0);
  return decoder.decode(nul < 0 ? payload : payload.subarray(0, nul));
}

/** Whether JSON text opens more than {@link DEPTH_LIMIT} brackets at a time; those in strings do not count. */
function nestsTooDeep(text: string): boolean {
  if (text.length <= 2 * DEPTH_LIMIT || !hasMany(text, "[", "{")) return false;
  let depth = 0;
  let quoted = false;
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (c === QUOTE) quoted = !quoted;
    else if (quoted) i += c === BACKSLASH ? 1 : 0;
    else if ((c & ~0x20) === OPEN && ++depth > DEPTH_LIMIT) return true;
    else if ((c & ~0x20) === CLOSE) depth--;
  }
  return false;
}

/** Whether `words` occur more than {@link DEPTH_LIMIT} times together; a fast search that clears nearly every payload. */
function hasMany(text: string, ...words: string[]): boolean {
  let count = 0;
  for (const word of words) {
    for (let at = text.indexOf(word); at >= 0; at = text.indexOf(word, at + 1)) {
      if (++count > DEPTH_LIMIT) return true;
    }
  }
  return false;
}
