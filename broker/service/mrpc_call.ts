/**
 * The part that one broker has in a multicast RPC: it calls its own rank, passes the call to the neighbours that reach the
 * others, and hands on what they answer, in batches.
 *
 * Invariant: every rank of the call is answered for exactly once: by itself, or with the reason why it was not. Of a stream
 * that holds for the last answer of each rank.
 */

import { FluxError, Idset, NODEID_UPSTREAM } from "../message/mod.ts";
import {
  type Answers,
  decodeAnswers,
  encodeCall,
  encodeNotes,
  failure,
  mergeEqual,
  type Note,
  type ReceivedCall,
  Reducer,
  type ReductionRules,
  type ResponseStream,
  scaledTimeout,
} from "../handle/mod.ts";
import type { Timer } from "../ports/mod.ts";
import { reduceAnswers, Untaken } from "./mrpc_answers.ts";
import { callOnce, type Part, type StreamMethod } from "./mrpc_part.ts";
import { splitCall } from "./mrpc_split.ts";
import type { BrokerParts } from "./native.ts";
import type { Fold } from "./reductions.ts";

/** Answers wait for others at most this long at the caller's broker, ms; less further away. */
const WINDOW = 10;
/** Of a call's timeout, the part that the farthest broker is given less; and the most for one hop, ms. */
const MARGIN = 0.05;
const HOP_MARGIN = 20;
/** The same for a stream, which may have much to say; the first time longer, by what a short task takes, or many on one machine. */
const STREAM_WINDOW = 5;
const FIRST_WINDOW = 20, LONGEST_FIRST = 60;
/** The same for what can wait, which goes with other answers if there are any. */
const IDLE_WINDOW = 100;
/** They go on at once when they are this many bytes. */
const LIMIT = 1 << 15;

export interface CallOptions {
  readonly header: ReceivedCall["header"];
  readonly payload: Uint8Array | undefined;
  readonly ranks: Idset;
  /** On whose behalf, without LOCAL. */
  readonly userid: number;
  readonly rolemask: number;
  readonly fold: Fold | undefined;
  /** What the ranks of a stream do. */
  readonly method: StreamMethod | undefined;
  /** Takes answers on their way to the caller; behind the last ones nothing comes. */
  answer(answers: Answers[], areLast: boolean): void;
}

/** A neighbour that reaches some of the ranks. */
interface Branch {
  /** As requests to it are addressed. */
  readonly rank: number;
  readonly ranks: Idset;
  readonly stream: ResponseStream;
}

export class MrpcCall {
  readonly #broker: BrokerParts;
  readonly #options: CallOptions;
  readonly #missing: Idset;
  readonly #gathering: Reducer<Answers>;
  readonly #branches = new Set<Branch>();
  readonly #done = Promise.withResolvers<void>();
  /** That of this rank, if it is one of those called. */
  #part: Part | undefined;
  #deadline: Timer | undefined;
  #stopped = false;

  constructor(broker: BrokerParts, options: CallOptions) {
    this.#broker = broker;
    this.#options = options;
    this.#missing = new Idset(options.ranks);
    this.#gathering = new Reducer(broker.ports.clock, this.#rules(), (answers) => this.#pass(answers));
  }

  /** Resolves when every rank was answered for, or the call was stopped. */
  get done(): Promise<void> {
    return this.#done.promise;
  }

  start(): void {
    const { header, ranks } = this.#options;
    const { tree, options: { rank }, ports: { clock } } = this.#broker;
    const { timeout } = header;
    if (timeout !== undefined) this.#deadline = clock.after(timeout, () => this.#expire());
    const neighbours = { rank, children: tree.children, hasParent: tree.parent !== undefined };
    const { own, children, parent, unreachable } = splitCall(ranks, header.down, neighbours);
    for (const child of children) void this.#branch(child.rank, child.ranks, true);
    if (parent.size > 0) void this.#branch(NODEID_UPSTREAM, parent, false);
    if (own) this.#part = this.#playHere(new Idset([rank]));
    if (unreachable.size > 0) this.#fail(unreachable, new FluxError("EHOSTUNREACH"));
  }

  /** Passes on what the caller of a stream says to some of its ranks. One that is over hears nothing. */
  tell(notes: readonly Note[]): void {
    const { options: { rank }, handle } = this.#broker;
    for (const branch of this.#branches) {
      const theirs = notes.flatMap(({ ranks, payload }) => {
        const some = ranks.intersection(branch.ranks).intersection(this.#missing);
        return some.size > 0 ? [{ ranks: some, payload }] : [];
      });
      if (theirs.length === 0) continue;
      handle.post("mrpc.tell", encodeNotes(branch.stream.matchtag, theirs), { rank: branch.rank });
    }
    if (!this.#missing.has(rank)) return;
    for (const { ranks, payload } of notes) if (ranks.has(rank)) this.#part?.hear?.(payload);
  }

  /** Ends the call here and on every rank it has reached; nothing more is answered. */
  stop(): void {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#end();
  }

  /** Reduced answers wait for all others; those that stream wait a little, less the farther from the caller. */
  #rules(): ReductionRules<Answers> {
    const { ranks, fold, method, header: { hops } } = this.#options;
    const each = { count: ranks.size, weight: (answers: Answers) => answers.ranks.size };
    if (fold) return { ...each, reduce: (answers) => reduceAnswers(answers, fold) };
    if (!method) return { ...each, timeout: scaledTimeout(WINDOW, hops, this.#hopLimit), reduce: mergeEqual };
    const weight = (answers: Answers) => answers instanceof Untaken ? 0 : answers.payload?.length ?? 0;
    const scaled = (window: number) => scaledTimeout(window, hops, this.#hopLimit);
    const first = Math.min(FIRST_WINDOW + ranks.size, LONGEST_FIRST);
    const timeout = ({ canWait }: Answers, isFirst: boolean) =>
      canWait ? scaled(IDLE_WINDOW) : scaled(STREAM_WINDOW) + (isFirst ? first : 0);
    return { count: LIMIT, weight, timeout, reduce: mergeEqual };
  }

  /** One more than the hops between any two ranks. */
  get #hopLimit(): number {
    return 2 * this.#broker.topology.maxLevel + 1;
  }

  async #branch(rank: number, ranks: Idset, down: boolean): Promise<void> {
    const { header, payload, userid, rolemask } = this.#options;
    const { timeout } = header;
    const request = encodeCall({
      ...header,
      ranks: `${ranks}`,
      hops: header.hops + 1,
      down,
      userid,
      rolemask,
      timeout: timeout && timeout - Math.min(HOP_MARGIN, timeout * MARGIN / this.#hopLimit),
    }, payload);
    const stream = this.#broker.handle.streamRaw("mrpc.fan", request, { rank, lastWithEnd: true });
    const branch = { rank, ranks, stream };
    this.#branches.add(branch);
    let reason: unknown;
    try {
      for await (const batch of stream) {
        for (const answers of decodeAnswers(batch)) {
          this.#take({ ...answers, ranks: answers.ranks.intersection(ranks) });
        }
      }
    } catch (error) {
      reason = error;
    }
    this.#branches.delete(branch);
    const left = ranks.intersection(this.#missing);
    if (left.size > 0) this.#fail(left, reason ?? new FluxError("EPROTO", "the call ended without an answer"));
  }

  #playHere(own: Idset): Part | undefined {
    const { header: { topic, caller, hops }, payload, userid, rolemask, method } = this.#options;
    const fail = (error: unknown) => this.#fail(own, error);
    if (!method) {
      const answer = (payload: Uint8Array | undefined) => this.#take({ ranks: own, errnum: 0, payload });
      return callOnce(this.#broker, { topic, payload, userid, rolemask, answer, fail });
    }
    try {
      return method({
        payload,
        caller,
        isLocal: hops === 0,
        tell: (take, canWait) => !this.#stopped && this.#gathering.add(new Untaken(own, take, canWait)),
        hurry: () => this.#gathering.flush(),
        end: (error) => fail(error ?? new FluxError("ENODATA")),
      });
    } catch (error) {
      fail(error);
    }
  }

  #take(answers: Answers): void {
    if (this.#stopped) return;
    const ranks = answers.ranks.intersection(this.#missing);
    if (ranks.size === 0) return;
    if (!this.#options.method || answers.errnum !== 0) { for (const rank of ranks) this.#missing.delete(rank); }
    this.#gathering.add({ ...answers, ranks });
    if (this.#missing.size > 0) return;
    this.#gathering.flush();
    this.#end();
  }

  #fail(ranks: Idset, error: unknown): void {
    const known = error instanceof FluxError ? error : new FluxError("EPROTO", String(error));
    this.#take({ ...failure(ranks, known), canWait: true });
  }

  #expire(): void {
    this.#fail(new Idset(this.#missing), new FluxError("ETIMEDOUT", "no answer in time"));
    this.stop();
  }

  #pass(answers: Answers[]): void {
    if (!this.#stopped) this.#options.answer(answers, this.#missing.size === 0);
  }

  /** Branches that have answered for all their ranks end by themselves. */
  #end(): void {
    this.#deadline?.cancel();
    if (this.#stopped) {
      this.#part?.stop();
      for (const { stream } of this.#branches) void stream.return();
    }
    this.#done.resolve();
  }
}
