/**
 * Multicast RPC, the caller's side: one method called on many ranks over the tree (rulings "multicast RPC"). The answers
 * stream back in batches, each rank exactly once, or are reduced to one on the way; ranks that fail are named.
 */

import { decodeJson, encodeJson, errorText, FluxError, Idset, type JsonObject } from "../message/mod.ts";
import { type Answers, type CallHeader, decodeAnswers, encodeCall, encodeNotes, type Note } from "./mrpc_wire.ts";
import type { Queue } from "./queue.ts";

export interface MrpcOptions {
  /** Whom to call: an idset, its text (`0-3,7`), or every rank there is (default). */
  ranks?: Idset | string;
  /** Milliseconds until the ranks that have not answered fail with ETIMEDOUT; for ever unless given. */
  timeout?: number;
  /** Stops waiting, here and on every rank: the call throws its reason. */
  signal?: AbortSignal;
}

/** The answer of one rank. */
export class Answer {
  readonly rank: number;
  /** 0, or the error number the rank answered with, or EHOSTUNREACH, ETIMEDOUT for one that did not. */
  readonly errnum: number;
  /** The payload's bytes. */
  readonly bytes: Uint8Array | undefined;

  constructor(rank: number, { errnum, payload }: Answers) {
    this.rank = rank;
    this.errnum = errnum;
    this.bytes = payload;
  }

  /** What the rank failed with; undefined when it did not. */
  get error(): FluxError | undefined {
    return this.errnum === 0 ? undefined : new FluxError(this.errnum, errorText(this.bytes));
  }

  /** The JSON object of the answer, `{}` for an empty one. Throws `error`, or EPROTO when it is none. */
  get payload(): JsonObject {
    const { error } = this;
    if (error) throw error;
    return decodeJson(this.bytes);
  }
}

/** What a reduced call comes to. */
export interface Reduced<T = JsonObject> {
  /** The ranks that answered. */
  readonly ranks: Idset;
  /** What their answers were reduced to; undefined when there was none. */
  readonly value: T | undefined;
  /** Those that did not, by reason. */
  readonly failures: readonly { readonly ranks: Idset; readonly error: FluxError }[];
}

/** What is needed of a Handle. */
interface Streams {
  streamRaw(topic: string, payload: Uint8Array, options: { signal?: AbortSignal; lastWithEnd: true }): ResponseQueue;
  post(topic: string, payload: Uint8Array): void;
}

type ResponseQueue = Queue<Uint8Array | undefined> & { readonly matchtag: number };

/**
 * A streaming method called on many ranks. Yields what they answer as it comes, equal answers of several ranks together,
 * those of one rank in their order; the last of each rank has an errnum, ENODATA when all went well. Throws ENOSYS for a
 * method that cannot be called so, EINVAL for no rank at all. Leaving the loop early ends it on every rank.
 */
export class MrpcStream implements AsyncIterable<Answers> {
  readonly #handle: Streams;
  readonly #responses: ResponseQueue;

  /** Asks for it at once. */
  constructor(handle: Streams, topic: string, payload: Uint8Array, { ranks = "all" }: Pick<MrpcOptions, "ranks">) {
    this.#handle = handle;
    const call = encodeCall({ topic, ranks: `${ranks}`, stream: true }, payload);
    this.#responses = handle.streamRaw("mrpc.call", call, { lastWithEnd: true });
  }

  /** Says something to some of the ranks; what has ended does not hear it. */
  tell(notes: readonly Note[]): void {
    this.#handle.post("mrpc.tell", encodeNotes(this.#responses.matchtag, notes));
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Answers, void> {
    for await (const batch of this.#responses) yield* decodeAnswers(batch);
  }
}

/**
 * Calls `topic` on `ranks` and yields their answers as they come. Throws EINVAL for no rank at all, or one that the
 * session does not have; what single ranks fail with is in their answers. Leaving the loop early cancels the call.
 */
export async function* mrpc(
  handle: Streams,
  topic: string,
  payload: object | Uint8Array | undefined,
  options: MrpcOptions,
): AsyncGenerator<Answer, void> {
  for await (const answers of call(handle, topic, payload, options)) {
    for (const rank of answers.ranks) yield new Answer(rank, answers);
  }
}

/**
 * Calls `topic` on `ranks`; their answers, JSON objects, become one on the way by the reduction called `reduce` (`sum`,
 * `min`, `max`: field by field). Throws EINVAL as {@link mrpc} does, and for a reduction that does not exist.
 */
export async function mrpcReduced<T = JsonObject>(
  handle: Streams,
  topic: string,
  payload: object | Uint8Array | undefined,
  reduce: string,
  options: MrpcOptions,
): Promise<Reduced<T>> {
  const result = {
    ranks: new Idset(),
    value: undefined as T | undefined,
    failures: [] as { ranks: Idset; error: FluxError }[],
  };
  for await (const answers of call(handle, topic, payload, options, reduce)) {
    const { ranks, errnum, payload } = answers;
    if (errnum !== 0) {
      result.failures.push({ ranks, error: new FluxError(errnum, errorText(payload)) });
      continue;
    }
    result.ranks = ranks;
    result.value = decodeJson(payload) as T;
  }
  return result;
}

async function* call(
  handle: Streams,
  topic: string,
  payload: object | Uint8Array | undefined,
  { ranks = "all", timeout, signal }: MrpcOptions,
  reduce?: string,
): AsyncGenerator<Answers, void> {
  const header: CallHeader = { topic, ranks: `${ranks}`, timeout, reduce };
  const body = payload instanceof Uint8Array ? payload : payload && encodeJson(payload);
  const how = { lastWithEnd: true, ...(signal && { signal }) } as const;
  for await (const batch of handle.streamRaw("mrpc.call", encodeCall(header, body), how)) {
    yield* decodeAnswers(batch);
  }
}
