/**
 * JSON payloads (wire.md §1.6): UTF-8 text and one NUL byte, always an object.
 * A field that C clients read as *real* must be sent as {@link real}, since they refuse `12` where `12.0` is meant.
 */

import { FluxError } from "./errno.ts";

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json | undefined };
export type JsonObject = { [key: string]: Json | undefined };

const utf8 = new TextEncoder();
const decoder = new TextDecoder();
const strict = new TextDecoder("utf-8", { fatal: true });

/** A number that is printed with a decimal point or an exponent: `real(12)` is `12.0`. */
export function real(value: number): number {
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
  const end = payload.indexOf(0);
  try {
    return strict.decode(payload.subarray(0, end));
  } catch {
    throw new FluxError("EPROTO", "payload is not UTF-8");
  }
}

/** The object in a JSON payload; `{}` when there is none. Throws EPROTO on anything else. */
export function decodeJson(payload: Uint8Array | undefined): JsonObject {
  if (!payload) return {};
  const text = decodeText(payload);
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
