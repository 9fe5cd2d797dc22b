/**
 * What a task and its client tell each other when a program runs on many ranks (own format, of which `rexec.exec` called as
 * a stream is made; the request is that of wire.md §3.17). Nothing in it tells ranks apart, so that what is the same
 * on many of them can travel as one.
 */

import { errnum, FluxError, type JsonObject } from "../message/mod.ts";
import { cut, join } from "./headed.ts";
import type { TaskNews } from "./tasks.ts";

/** What happens to a task, without what only one rank has. */
export type RankNews = Exclude<TaskNews, { type: "started" }> | { readonly type: "started" };

/** What its client has to say. */
export type TaskNote =
  /** Without bytes it is the end of the stream. */
  | { readonly type: "write"; readonly stream: string; readonly bytes: Uint8Array | undefined }
  /** So many bytes of its output may come besides what may come already. */
  | { readonly type: "credit"; readonly stream: string; readonly bytes: number }
  | { readonly type: "signal"; readonly number: number };

/** Several news, in order. */
export function encodeTaskNews(news: readonly TaskNews[]): Uint8Array<ArrayBuffer> {
  const parts: Uint8Array[] = [];
  const list = news.map((one) => {
    if (one.type === "started") return { type: "started" };
    if (one.type !== "output") return one;
    const { type, stream, bytes } = one;
    if (!bytes) return { type, stream };
    parts.push(bytes);
    return { type, stream, length: bytes.length };
  });
  return join({ news: list }, parts);
}

/** Output is a view on `payload`. Throws EPROTO. */
export function decodeTaskNews(payload: Uint8Array | undefined): RankNews[] {
  const { head, rest } = cut(payload, "task news");
  if (!Array.isArray(head.news)) throw malformed("task news");
  let at = 0;
  return (head.news as JsonObject[]).map((one): RankNews => {
    if (one.type !== "output") return one as RankNews;
    const { type, stream, length } = one as { type: "output"; stream: string; length?: number };
    if (length === undefined) return { type, stream, bytes: undefined };
    if (at + length > rest.length) throw malformed("task news");
    const bytes = rest.subarray(at, at + length);
    at += length;
    return { type, stream, bytes };
  });
}

export function encodeTaskNote(note: TaskNote): Uint8Array<ArrayBuffer> {
  if (note.type !== "write") return join(note, []);
  const { type, stream, bytes } = note;
  return bytes ? join({ type, stream }, [bytes]) : join({ type, stream, end: true }, []);
}

/** Written bytes are a view on `payload`. Throws EPROTO. */
export function decodeTaskNote(payload: Uint8Array): TaskNote {
  const { head, rest } = cut(payload, "task note");
  const { type, stream, bytes, number, end } = head;
  if (type === "signal" && isCount(number)) return { type, number };
  if (typeof stream !== "string") throw malformed("task note");
  if (type === "write") return { type, stream, bytes: end === true ? undefined : rest };
  if (type === "credit" && isCount(bytes)) return { type, stream, bytes };
  throw malformed("task note");
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isInteger(value) && value >= 0;
}

function malformed(what: string): FluxError {
  return new FluxError(errnum("EPROTO"), `${what}: malformed`);
}
