/**
 * The blocks of a stream in the key-value store (services.md §11): NAME.000000, NAME.000001 …, each a JSON object with
 * `data` (base64), `eof`, or both. Pure.
 */

import { FluxError, fromBase64 } from "../../broker/message/mod.ts";

/** A piece of a stream. At least one of the two is there. */
export interface Block {
  readonly data?: Uint8Array;
  /** Nothing comes after it. */
  readonly eof?: true;
}

/** The end of a stream, as a block of its own. */
export const END: Block = { eof: true };

/** The key of a stream's block by its number, from 0. */
export function blockKey(stream: string, index: number): string {
  return `${stream}.${String(index).padStart(6, "0")}`;
}

/** A block as JSON text. */
export function encodeBlock({ data, eof }: Block): string {
  const fields = [...data === undefined ? [] : [`"data":"${data.toBase64()}"`], ...eof ? [`"eof":true`] : []];
  return `{${fields.join(",")}}`;
}

/** Throws EPROTO, naming the key, for what is no block. */
export function decodeBlock(text: string, key: string): Block {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    value = undefined;
  }
  const fault = (what: string) => new FluxError("EPROTO", `${key}: not a block of a stream: ${what}`);
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw fault("not an object");
  const { data, eof } = value as Record<string, unknown>;
  if (data !== undefined && typeof data !== "string") throw fault(`"data" must be a string`);
  if (eof !== undefined && typeof eof !== "boolean") throw fault(`"eof" must be true or false`);
  if (data === undefined && !eof) throw fault(`it needs "data" or "eof"`);
  return { ...data !== undefined && { data: fromBase64(data, `${key}.data`) }, ...eof && END };
}
