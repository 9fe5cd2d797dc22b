/**
 * How a multicast RPC travels (own format): JSON, a NUL, then raw bytes. A call is its header and the payload for everybody;
 * answers are a list of who they are from, then their payloads one behind the other. Equal answers travel as one. Notes are
 * what the caller of a stream says later to some of its ranks; they look as answers do.
 */

import { errnum, FluxError, Idset } from "../message/mod.ts";
import { cut, join } from "./headed.ts";

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
  /** Each rank answers any number of times; its last answer has an errnum, ENODATA when all went well. */
  readonly stream?: boolean | undefined;
  /** Between brokers: hops from the caller's broker, whether it comes from the parent, and on whose behalf. */
  readonly hops?: number;
  readonly down?: boolean;
  readonly userid?: number;
  readonly rolemask?: number;
  /** Between brokers: the request of the caller at its own broker. */
  readonly caller?: Caller;
}

/** Whose call it is: the caller's route id, and the matchtag of its request. */
export interface Caller {
  readonly sender: string;
  readonly matchtag: number;
}

/** The same answer of some ranks. For an errnum other than 0 the payload is the error's text, if there is one. */
export interface Answers {
  ranks: Idset;
  errnum: number;
  payload: Uint8Array | undefined;
  /** Of a stream: nobody minds when it comes a little later. */
  canWait?: boolean;
}

/** What the caller of a stream has to say to some of its ranks. */
export interface Note {
  readonly ranks: Idset;
  readonly payload: Uint8Array;
}

export function encodeCall(header: CallHeader, payload: Uint8Array | undefined): Uint8Array<ArrayBuffer> {
  return join(header, payload ? [payload] : []);
}

/** A call as it arrives: what only brokers say is there in any case. */
export interface ReceivedCall {
  readonly header: CallHeader & { hops: number; down: boolean; userid: number; rolemask: number; caller: Caller };
  readonly payload: Uint8Array | undefined;
}

/** Throws EPROTO for anything malformed; `ranks` is not looked at. */
export function decodeCall(bytes: Uint8Array | undefined): ReceivedCall {
  const { head, rest } = cut(bytes, WHAT);
  const { topic, ranks, timeout, reduce, stream, hops, down, userid, rolemask, caller } = head;
  if (typeof topic !== "string" || topic === "") throw malformed(`"topic" must be a string`);
  if (typeof ranks !== "string") throw malformed(`"ranks" must be an idset`);
  if (reduce !== undefined && typeof reduce !== "string") throw malformed(`"reduce" must be a string`);
  if (timeout !== undefined && !(typeof timeout === "number" && timeout >= 0)) {
    throw malformed(`"timeout" must be milliseconds`);
  }
  const credentials = { userid: whole(userid), rolemask: whole(rolemask), caller: callerOf(caller) };
  const own = { stream: stream === true, hops: whole(hops), down: down === true, ...credentials };
  return { header: { topic, ranks, timeout, reduce, ...own }, payload: rest.length > 0 ? rest : undefined };
}

export function encodeAnswers(answers: readonly Answers[]): Uint8Array<ArrayBuffer> {
  const list = answers.map(({ ranks, errnum, payload, canWait }) => {
    const entry = [`${ranks}`, errnum, payload?.length ?? 0];
    return canWait ? [...entry, 1] : entry;
  });
  return join({ answers: list }, answers.flatMap(({ payload }) => payload ? [payload] : []));
}

/** The payloads are views on `bytes`. Throws EPROTO. */
export function decodeAnswers(bytes: Uint8Array | undefined): Answers[] {
  const { head, rest } = cut(bytes, WHAT);
  return spread(head.answers, rest);
}

/** `matchtag` is that of the request which has begun the stream. */
export function encodeNotes(matchtag: number, notes: readonly Note[]): Uint8Array<ArrayBuffer> {
  const list = notes.map(({ ranks, payload }) => [`${ranks}`, 0, payload.length]);
  return join({ matchtag, notes: list }, notes.map(({ payload }) => payload));
}

/** The payloads are views on `bytes`. Throws EPROTO. */
export function decodeNotes(bytes: Uint8Array | undefined): { matchtag: number; notes: Note[] } {
  const { head, rest } = cut(bytes, WHAT);
  const notes = spread(head.notes, rest).map(({ ranks, payload = EMPTY }) => ({ ranks, payload }));
  return { matchtag: whole(head.matchtag), notes };
}

/**
 * Answers with equal ones made one; the order is that of the first of each. Several answers of one rank stay as many, and
 * in their order.
 */
export function mergeEqual(answers: readonly Answers[]): Answers[] {
  const byKind = new Map<string, number[]>();
  const merged: Answers[] = [];
  for (const answer of answers) {
    const key = kindOf(answer);
    const alike = byKind.get(key);
    const at = alike?.find((at) => sameBytes(merged[at]!.payload, answer.payload) && isLast(merged, at, answer.ranks));
    if (at !== undefined) {
      merged[at]!.ranks = merged[at]!.ranks.union(answer.ranks);
      continue;
    }
    if (alike) alike.push(merged.length);
    else byKind.set(key, [merged.length]);
    const { ranks, errnum, payload, canWait } = answer;
    merged.push({ ranks, errnum, payload, ...(canWait && { canWait }) });
  }
  return merged;
}

/** Nobody of `ranks` has said anything at `at` or behind it. */
function isLast(answers: readonly Answers[], at: number, ranks: Idset): boolean {
  for (let i = at; i < answers.length; i++) if (answers[i]!.ranks.intersects(ranks)) return false;
  return true;
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

/** Payloads of a list of `[ranks, errnum, length, canWait?]`, one behind the other. */
function spread(list: unknown, rest: Uint8Array): Answers[] {
  if (!Array.isArray(list)) throw malformed(`"answers" and "notes" must be arrays`);
  let at = 0;
  const answers = (list as unknown[]).map((entry): Answers => {
    const [ranks, errnum, length, canWait] = Array.isArray(entry) ? entry : [];
    if (typeof ranks !== "string" || !isWhole(errnum) || !isWhole(length) || at + length > rest.length) {
      throw malformed("answers do not fit their list");
    }
    const payload = length > 0 ? rest.subarray(at, at + length) : undefined;
    at += length;
    return { ranks: Idset.parse(ranks), errnum, payload, ...(canWait === 1 && { canWait: true }) };
  });
  if (at !== rest.length) throw malformed("answers do not fit their list");
  return answers;
}

function callerOf(caller: unknown): Caller {
  const { sender, matchtag } = (caller ?? {}) as Record<string, unknown>;
  return { sender: typeof sender === "string" ? sender : "", matchtag: whole(matchtag) };
}

function isWhole(value: unknown): value is number {
  return typeof value === "number" && Number.isInteger(value) && value >= 0;
}

function whole(value: unknown): number {
  return isWhole(value) ? value : 0;
}

const WHAT = "multicast RPC";
const EMPTY = new Uint8Array();

function malformed(what: string): FluxError {
  return new FluxError(errnum("EPROTO"), `${WHAT}: ${what}`);
}
