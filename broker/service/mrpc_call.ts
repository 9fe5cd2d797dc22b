/**
 * The part that one broker has in a multicast RPC: it calls its own rank, passes the call to the neighbours that reach the
 * others, and hands on what they answer, in batches.
 *
 * Invariant: every rank of the call is answered for exactly once: by itself, or with the reason why it was not.
 */

import { decodeJson, encodeJson, FluxError, Idset, type JsonObject, NODEID_UPSTREAM } from "../message/mod.ts";
import {
  type Answers,
  type CallHeader,
  decodeAnswers,
  encodeCall,
  failure,
  Handle,
  mergeEqual,
  type Queue,
  Reducer,
  type ReductionRules,
  scaledTimeout,
} from "../handle/mod.ts";
import type { Timer } from "../ports/mod.ts";
import { endpointChannel } from "../router/mod.ts";
import { splitCall } from "./mrpc_split.ts";
import type { BrokerParts } from "./native.ts";
import type { Fold } from "./reductions.ts";

/** Answers wait for others at most this long at the caller's broker, ms; less further away. */
const WINDOW = 10;
/** Of a call's timeout, the part that the farthest broker is given less; and the most for one hop, ms. */
const MARGIN = 0.05;
const HOP_MARGIN = 20;

export interface CallOptions {
  readonly header: CallHeader & { hops: number; down: boolean };
  readonly payload: Uint8Array | undefined;
  readonly ranks: Idset;
  /** On whose behalf, without LOCAL. */
  readonly userid: number;
  readonly rolemask: number;
  readonly fold: Fold | undefined;
  /** Takes answers on their way to the caller. */
  answer(answers: Answers[]): void;
}

export class MrpcCall {
  readonly #broker: BrokerParts;
  readonly #options: CallOptions;
  readonly #missing: Idset;
  readonly #gathering: Reducer<Answers>;
  readonly #branches = new Set<Queue<unknown>>();
  readonly #done = Promise.withResolvers<void>();
  #local: Handle | undefined;
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
    if (own) void this.#callHere(new Idset([rank]));
    if (unreachable.size > 0) this.#fail(unreachable, new FluxError("EHOSTUNREACH"));
  }

  /** Ends the call here and on every rank it has reached; nothing more is answered. */
  stop(): void {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#end();
  }

  /** Reduced answers wait for all others; those that stream wait a little, less the farther from the caller. */
  #rules(): ReductionRules<Answers> {
    const { ranks, fold, header: { hops } } = this.#options;
    const rules = { count: ranks.size, weight: (answers: Answers) => answers.ranks.size };
    if (fold) return { ...rules, reduce: (answers) => reduceAnswers(answers, fold) };
    return { ...rules, timeout: scaledTimeout(WINDOW, hops, this.#hopLimit), reduce: mergeEqual };
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
    const stream = this.#broker.handle.streamRaw("mrpc.fan", request, { rank });
    this.#branches.add(stream);
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
    this.#branches.delete(stream);
    const left = ranks.intersection(this.#missing);
    if (left.size > 0) this.#fail(left, reason ?? new FluxError("EPROTO", "the call ended without an answer"));
  }

  /** Calls this rank as a client of its own, so that a service can tell calls apart and hears when one is over. */
  async #callHere(own: Idset): Promise<void> {
    const { router, ports: { clock, random }, options: { rank } } = this.#broker;
    const { header: { topic }, payload, userid, rolemask } = this.#options;
    const channel = endpointChannel(router, { id: random.uuid(), userid, rolemask });
    using handle = this.#local = new Handle(channel, { clock, rank });
    try {
      this.#take({ ranks: own, errnum: 0, payload: await handle.rpcRaw(topic, payload, { rank }) });
    } catch (error) {
      this.#fail(own, error);
    }
  }

  #take(answers: Answers): void {
    if (this.#stopped) return;
    const ranks = answers.ranks.intersection(this.#missing);
    if (ranks.size === 0) return;
    for (const rank of ranks) this.#missing.delete(rank);
    this.#gathering.add({ ...answers, ranks });
    if (this.#missing.size > 0) return;
    this.#gathering.flush();
    this.#end();
  }

  #fail(ranks: Idset, error: unknown): void {
    const known = error instanceof FluxError ? error : new FluxError("EPROTO", String(error));
    this.#take(failure(ranks, known));
  }

  #expire(): void {
    this.#fail(new Idset(this.#missing), new FluxError("ETIMEDOUT", "no answer in time"));
    this.stop();
  }

  #pass(answers: Answers[]): void {
    if (!this.#stopped) this.#options.answer(answers);
  }

  /** Branches that have answered for all their ranks end by themselves. */
  #end(): void {
    this.#deadline?.cancel();
    if (this.#stopped) {
      this.#local?.close();
      for (const branch of this.#branches) void branch.return();
    }
    this.#done.resolve();
  }
}

/** One answer of those that succeeded, and the failures, equal ones together. */
function reduceAnswers(all: Answers[], fold: Fold): Answers[] {
  const failed = all.filter(({ errnum }) => errnum !== 0);
  const ranks = new Idset();
  let value: JsonObject | undefined;
  for (const answers of all) {
    if (answers.errnum !== 0) continue;
    try {
      const own = decodeJson(answers.payload);
      value = value ? fold(value, own) : own;
      for (const rank of answers.ranks) ranks.add(rank);
    } catch (error) {
      if (!(error instanceof FluxError)) throw error;
      failed.push(failure(answers.ranks, error));
    }
  }
  return [...(value ? [{ ranks, errnum: 0, payload: encodeJson(value) }] : []), ...mergeEqual(failed)];
}
