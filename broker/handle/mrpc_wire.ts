/**
 * How a multicast RPC travels (own format): JSON, a NUL, then raw bytes. A call is its header and the payload for everybody;
 * answers are a list of who they are from, then their payloads one behind the other. Equal answers travel as one.
 */

import { encodeJson, errnum, FluxError, Idset } from "../message/mod.ts";

/** One multicast RPC, as the broker next to the caller is asked for it and as brokers pass it on. */
export interface CallHeader {
  /** The method to call on every rank. */
  readonly topic: string;
  /** Whom to call, an idset; `all` only from the caller. */
  readonly ranks: string;
  /** Milliseconds until ETIMEDOUT. */
  readonly timeout?: number | undefined;
  /** The name of the reduction that makes one answer of all. */
  readonly reduce?: string | undefined;
  /** Between brokers: hops from the caller's broker, whether it comes from the parent, and on whose behalf. */
  readonly hops?: number;
  readonly down?: boolean;
  readonly userid?: number;
  readonly rolemask?: number;
}

/** The same answer of some ranks. For an errnum other than 0 the payload is the error's text, if there is one. */
export interface Answers {
  ranks: Idset;
  errnum: number;
  payload: Uint8Array | undefined;
}

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

export function encodeCall(header: CallHeader, payload: Uint8Array | undefined): Uint8Array<ArrayBuffer> {
  return join(encodeJson(header), payload ? [payload] : []);
}

/** A call as it arrives: what only brokers say is there in any case. */
export interface ReceivedCall {
  readonly header: CallHeader & { hops: number; down: boolean; userid: number; rolemask: number };
  readonly payload: Uint8Array | undefined;
}

/** Throws EPROTO for anything malformed; `ranks` is not looked at. */
export function decodeCall(bytes: Uint8Array | undefined): ReceivedCall {
  const { head, rest } = cut(bytes);
  const { topic, ranks, timeout, reduce, hops, down, userid, rolemask } = head as Record<string, unknown>;
  if (typeof topic !== "string" || topic === "") throw malformed(`"topic" must be a string`);
  if (typeof ranks !== "string") throw malformed(`"ranks" must be an idset`);
  if (reduce !== undefined && typeof reduce !== "string") throw malformed(`"reduce" must be a string`);
  if (timeout !== undefined && !(typeof timeout === "number" && timeout >= 0)) {
    throw malformed(`"timeout" must be milliseconds`);
  }
  const own = { hops: whole(hops), down: down === true, userid: whole(userid), rolemask: whole(rolemask) };
  return { header: { topic, ranks, timeout, reduce, ...own }, payload: rest.length > 0 ? rest : undefined };
}

export function encodeAnswers(answers: readonly Answers[]): Uint8Array<ArrayBuffer> {
  const list = answers.map(({ ranks, errnum, payload }) => [`${ranks}`, errnum, payload?.length ?? 0]);
  return join(encodeJson({ answers: list }), answers.flatMap(({ payload }) => payload ? [payload] : []));
}

/** The payloads are views on `bytes`. Throws EPROTO. */
export function decodeAnswers(bytes: Uint8Array | undefined): Answers[] {
  const { head, rest } = cut(bytes);
  if (!Array.isArray(head.answers)) throw malformed(`"answers" must be an array`);
  let at = 0;
  const answers = (head.answers as unknown[]).map((entry): Answers => {
    const [ranks, errnum, length] = Array.isArray(entry) ? entry : [];
    if (typeof ranks !== "string" || !isWhole(errnum) || !isWhole(length) || at + length > rest.length) {
      throw malformed("answers do not fit their list");
    }
    const payload = length > 0 ? rest.subarray(at, at + length) : undefined;
    at += length;
    return { ranks: Idset.parse(ranks), errnum, payload };
  });
  if (at !== rest.length) throw malformed("answers do not fit their list");
  return answers;
}

/** Answers with equal ones made one; the order is that of the first of each. */
export function mergeEqual(answers: readonly Answers[]): Answers[] {
  const byKind = new Map<string, Answers[]>();
  const merged: Answers[] = [];
  for (const answer of answers) {
    const key = kindOf(answer);
    const alike = byKind.get(key);
    const equal = alike?.find((other) => sameBytes(other.payload, answer.payload));
    if (equal) {
      equal.ranks = equal.ranks.union(answer.ranks);
      continue;
    }
    const own = { ...answer };
    merged.push(own);
    if (alike) alike.push(own);
    else byKind.set(key, [own]);
  }
  return merged;
}

/** Error answers of these ranks with one text. */
export function failure(ranks: Idset, error: FluxError): Answers {
  const text = error.hasText ? new TextEncoder().encode(error.message) : undefined;
  return { ranks, errnum: error.errnum, payload: text };
}

/** Answers that differ in this are not equal: cheap to make, and few that are not equal share it. */
function kindOf({ errnum, payload }: Answers): string {
  const length = payload?.length ?? 0;
  let hash = 0;
  const step = Math.max(1, length >> 6);
  for (let i = 0; i < length; i += step) hash = (Math.imul(hash, 31) + payload![i]!) | 0;
  return `${errnum} ${length} ${hash}`;
}

function sameBytes(a: Uint8Array | undefined, b: Uint8Array | undefined): boolean {
  if (a === b) return true;
  if (!a || !b || a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** The JSON object up to the first NUL, and the bytes behind it. */
function cut(bytes: Uint8Array | undefined): { head: Record<string, unknown>; rest: Uint8Array } {
  const nul = bytes?.indexOf(0) ?? -1;
  if (!bytes || nul < 0) throw malformed("no header");
  try {
    const head: unknown = JSON.parse(decoder.decode(bytes.subarray(0, nul)));
    if (typeof head !== "object" || head === null) throw malformed("header is not an object");
    return { head: head as Record<string, unknown>, rest: bytes.subarray(nul + 1) };
  } catch (error) {
    throw error instanceof FluxError ? error : malformed("header is not JSON");
  }
}

function join(head: Uint8Array<ArrayBuffer>, parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, head.length));
  bytes.set(head);
  let at = head.length;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

function isWhole(value: unknown): value is number {
  return typeof value === "number" && Number.isInteger(value) && value >= 0;
}

function whole(value: unknown): number {
  return isWhole(value) ? value : 0;
}

function malformed(what: string): FluxError {
  return new FluxError(errnum("EPROTO"), `multicast RPC: ${what}`);
}
