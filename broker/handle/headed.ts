/** Raw bytes behind a JSON object that tells what they are: the object, a NUL, the bytes. For formats of our own. Pure. */

import { encodeJson, errnum, FluxError } from "../message/mod.ts";

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** The object, and `parts` one behind the other. */
export function join(head: object, parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const json = encodeJson(head);
  if (parts.length === 0) return json;
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, json.length));
  bytes.set(json);
  let at = json.length;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** The object up to the first NUL, and a view on the bytes behind it. Throws EPROTO, naming `what` it should be. */
export function cut(bytes: Uint8Array | undefined, what: string): { head: Record<string, unknown>; rest: Uint8Array } {
  const malformed = (why: string) => new FluxError(errnum("EPROTO"), `${what}: ${why}`);
  const nul = bytes?.indexOf(0) ?? -1;
  if (!bytes || nul < 0) throw malformed("no header");
  let head: unknown;
  try {
    head = JSON.parse(decoder.decode(bytes.subarray(0, nul)));
  } catch {
    throw malformed("header is not JSON");
  }
  if (typeof head !== "object" || head === null) throw malformed("header is not an object");
  return { head: head as Record<string, unknown>, rest: bytes.subarray(nul + 1) };
}
