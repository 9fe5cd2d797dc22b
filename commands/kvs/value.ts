/** Values as people write and read them (rulings.md "KVS"). Pure. */

import type { Json } from "../../broker/message/mod.ts";
import type { TreeObject } from "../../modules/kvs/tree/treeobj.ts";

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** The JSON text to store for a word: the word itself if it is JSON, else the word as a JSON string. */
export function valueText(word: string): string {
  return parsed(word) === undefined ? JSON.stringify(word) : word.trim();
}

/**
 * A value for people: a JSON string without its quotes, any other text as it is stored, without its last newline; bytes
 * that are no text as they are, as is a value of no bytes.
 */
export function shown(bytes: Uint8Array): string | Uint8Array {
  if (bytes.length === 0) return bytes;
  const text = textOf(bytes);
  if (text === undefined) return bytes;
  const value = text.trimStart().startsWith('"') ? parsed(text) : undefined;
  if (typeof value === "string") return value;
  return text.endsWith("\n") ? text.slice(0, -1) : text;
}

/** What `flux kvs type` calls a value; `bytes` for one that is not JSON. */
export function typeOf(bytes: Uint8Array): string {
  const text = textOf(bytes);
  const value = text === undefined ? undefined : parsed(text);
  if (value === undefined) return "bytes";
  if (value === null) return "null";
  if (Array.isArray(value)) return "array";
  if (typeof value === "number") return /[.eE]/.test(text!) ? "double" : "int";
  return typeof value;
}

/** A value for `--json`: what it stands for if it is JSON, every number with the digits it has; else its bytes. */
export function valueRecord(bytes: Uint8Array): { value: Json } | { text: string } | { base64: string } {
  const text = textOf(bytes);
  if (text === undefined) return { base64: bytes.toBase64() };
  try {
    return { value: exact.parse(text, keepDigits) };
  } catch {
    return { text };
  }
}

/** A tree object as it is printed: compact, its members sorted, as in a stored directory. */
export function treeobjText(object: TreeObject): string {
  return JSON.stringify(object, (_name, value) => {
    if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
    return Object.fromEntries(Object.entries(value).sort(([a], [b]) => a < b ? -1 : 1));
  });
}

/** The parts of today's JSON that the compiler does not know. */
const exact = JSON as unknown as {
  parse(text: string, reviver: (name: string, value: Json, context: { source?: string }) => Json): Json;
  rawJSON(text: string): Json;
};

function keepDigits(_name: string, value: Json, { source }: { source?: string }): Json {
  return typeof value === "number" && source !== undefined && String(value) !== source ? exact.rawJSON(source) : value;
}

/** The value that JSON text stands for, undefined for text that is not JSON. */
function parsed(text: string): Json | undefined {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function textOf(bytes: Uint8Array): string | undefined {
  try {
    return utf8.decode(bytes);
  } catch {
    return undefined;
  }
}
