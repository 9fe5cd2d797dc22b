/**
 * Eventlogs (RFC 18, wire.md §3.16): a key whose value is lines of JSON, one an event, and grows by appends only.
 * The text is handled by pure functions; `append`, `get`, `follow` and `wait` are a client's.
 */

import { FluxError, type Json, type JsonObject, real } from "../../broker/message/mod.ts";
import type { At, Kvs } from "./client.ts";
import type { CommitReply } from "./protocol.ts";

/** One event. */
export interface EventlogEntry {
  /** Seconds since 1970, more than 0. */
  readonly timestamp: number;
  readonly name: string;
  readonly context?: JsonObject;
}

/** An event that was read. */
export interface EventlogLine extends EventlogEntry {
  /** As it was written, without its newline. */
  readonly text: string;
}

/** What to follow, and how. */
export interface FollowOptions {
  namespace?: string;
  /** Wait for an eventlog that is missing; ENOENT otherwise. */
  waitcreate?: boolean;
  signal?: AbortSignal;
}

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const NEWLINE = 0x0a;

/** One line with its newline. Throws EINVAL for a name or a timestamp that cannot be. */
export function formatEntry({ timestamp, name, context }: EventlogEntry): string {
  const entry: JsonObject = context === undefined ? { timestamp, name } : { timestamp, name, context };
  const fault = faultOf(entry);
  if (fault) throw new FluxError("EINVAL", `not an event: ${fault}`);
  return JSON.stringify({ ...entry, timestamp: real(timestamp) }) + "\n";
}

/** Reads one line, without its newline. Throws EINVAL and says what is wrong with it. */
export function parseEntry(text: string): EventlogLine {
  let entry: Json;
  try {
    entry = JSON.parse(text);
  } catch {
    throw malformed(text, "not JSON");
  }
  const fault = faultOf(entry);
  if (fault) throw malformed(text, fault);
  return { ...entry as unknown as EventlogEntry, text };
}

/** Reads a whole eventlog. Throws EINVAL at the first line that is wrong, and when the last one has no end. */
export function parseEventlog(bytes: Uint8Array): EventlogLine[] {
  const reader = new EventlogReader();
  const lines = reader.push(bytes);
  reader.end();
  return lines;
}

/** Cuts what is appended to an eventlog into lines, wherever the appends begin and end. */
export class EventlogReader {
  #rest = new Uint8Array(0);

  /** The lines that `bytes` complete. Throws EINVAL as {@link parseEntry}. */
  push(bytes: Uint8Array): EventlogLine[] {
    const end = bytes.lastIndexOf(NEWLINE) + 1;
    const whole = concat(this.#rest, bytes.subarray(0, end));
    if (end === 0) {
      this.#rest = whole.length === 0 ? bytes.slice() : concat(whole, bytes);
      return [];
    }
    this.#rest = bytes.slice(end);
    return decode(whole).slice(0, -1).split("\n").map(parseEntry);
  }

  /** Throws EINVAL when a line was begun and not ended. */
  end(): void {
    if (this.#rest.length > 0) throw malformed(new TextDecoder().decode(this.#rest), "the last line has no end");
  }
}

/** Adds events, in one commit. */
export async function append(
  kvs: Kvs,
  key: string,
  entries: readonly EventlogEntry[],
  { signal }: Pick<At, "signal"> = {},
): Promise<CommitReply> {
  const text = entries.map(formatEntry).join("");
  return await kvs.transaction().append(key, text).commit(signal ? { signal } : {});
}

/** All events so far. Throws ENOENT without any, EINVAL for a value that is no eventlog. */
export async function get(kvs: Kvs, key: string, at?: At): Promise<EventlogLine[]> {
  return parseEventlog(await kvs.getBytes(key, at));
}

/** All events so far, then each new one as it is appended; leaving the loop ends it. EINVAL once it is overwritten. */
export async function* follow(kvs: Kvs, key: string, options: FollowOptions = {}): AsyncGenerator<EventlogLine, void> {
  const reader = new EventlogReader();
  for await (const bytes of kvs.watchBytes(key, { ...options, append: true })) yield* reader.push(bytes);
}

/**
 * Resolves with the first event that is wanted: one of this name, or one that a function accepts. Events that have been
 * count. Throws as {@link follow}.
 */
export async function wait(
  kvs: Kvs,
  key: string,
  wanted: string | ((entry: EventlogLine) => boolean),
  options: FollowOptions = {},
): Promise<EventlogLine> {
  const accepts = typeof wanted === "string" ? ({ name }: EventlogLine) => name === wanted : wanted;
  for await (const entry of follow(kvs, key, options)) if (accepts(entry)) return entry;
  throw new FluxError("ENODATA", `${key}: the eventlog ended`);
}

/** What is wrong with an entry, or undefined. */
function faultOf(entry: Json): string | undefined {
  if (typeof entry !== "object" || entry === null || Array.isArray(entry)) return "not an object";
  const { timestamp, name, context, ...rest } = entry;
  if (typeof timestamp !== "number" || !(timestamp > 0 && timestamp < Infinity)) {
    return `"timestamp" must be a number above 0`;
  }
  if (typeof name !== "string" || name === "") return `"name" must be a string`;
  if (context !== undefined && (typeof context !== "object" || context === null || Array.isArray(context))) {
    return `"context" must be an object`;
  }
  const other = Object.keys(rest)[0];
  return other === undefined ? undefined : `"${other}" is not allowed`;
}

function malformed(text: string, fault: string): FluxError {
  const shown = text.length > 80 ? `${text.slice(0, 77)}...` : text;
  return new FluxError("EINVAL", `not an eventlog: ${fault}: ${shown}`);
}

function decode(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes);
  } catch {
    throw new FluxError("EINVAL", "not an eventlog: not UTF-8");
  }
}

function concat(a: Uint8Array, b: Uint8Array): Uint8Array<ArrayBuffer> {
  const both = new Uint8Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}
