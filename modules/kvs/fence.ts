/**
 * `kvs.fence`: the operations of N parties in one transaction, once all are there (rulings "fence"). They are counted up
 * the tree, each rank passing on what its clients and children bring, by `kvs.fence-merge` between ranks.
 */

import {
  type Handle,
  MeetingPlace,
  type Methods,
  readParty,
  type Request,
  type Terms,
  user,
  userOf,
} from "../../broker/handle/mod.ts";
import { decodeJson, FluxError, type JsonObject } from "../../broker/message/mod.ts";
import type { Clock, Random } from "../../broker/ports/mod.ts";
import { catchUp } from "./catch_up.ts";
import { readRoot } from "./client_replies.ts";
import { TRANSACTION_LIMIT } from "./client_transaction.ts";
import type { Committer } from "./committer.ts";
import type { CommitReply, Operation } from "./protocol.ts";
import { checkSize, readCommitFields, readOperations } from "./requests.ts";
import type { Roots } from "./roots.ts";

export interface FenceOptions {
  readonly committer: Committer;
  readonly roots: Roots;
  readonly handle: Handle;
  readonly clock: Clock;
  readonly random: Random;
  readonly rank: number;
  readonly size: number;
  /** Fan-out of the tree; 0 is flat. */
  readonly arity: number;
  /** Hears how long each fence took, seconds. */
  took(seconds: number): void;
}

/** What the parties of a fence have to say alike. */
interface Agreed extends JsonObject {
  readonly namespace: string;
  readonly flags: number;
}

export class Fences {
  readonly #options: FenceOptions;
  readonly #place: MeetingPlace;
  /** The operations in payloads that were read here. */
  readonly #read = new WeakMap<Uint8Array, readonly Operation[]>();

  constructor(options: FenceOptions) {
    this.#options = options;
    this.#place = new MeetingPlace({
      ...options,
      label: "fence",
      topic: "kvs.fence-merge",
      met: ({ terms, bodies }) => this.#commit(terms, bodies),
    });
  }

  get methods(): Methods {
    return { ...this.#place.methods, "kvs.fence": user((request) => this.#enter(request)) };
  }

  /** Fences that wait for more parties (at rank 0), or participants that wait here. */
  get pending(): number {
    const { parties, meetings } = this.#place.waiting;
    return this.#options.rank === 0 ? meetings : parties;
  }

  /** Tells the other ranks that the parties of this one will not wait. */
  stop(): void {
    this.#place.stop();
  }

  async #enter(request: Request): Promise<CommitReply> {
    const { roots, clock, size, took } = this.#options;
    const start = clock.now();
    const body = request.message.payload;
    checkSize(body);
    const { namespace, flags, ops } = readCommitFields(request.payload);
    const party = readParty(request, size, { namespace, flags });
    // A namespace that is not there is told before others wait for it in vain.
    if (!roots.get(namespace)) await roots.find(namespace);
    const { removals } = roots;
    this.#read.set(body!, ops);
    const root = readRoot(await this.#place.enter(request, { ...party, body: body! }) ?? {});
    await catchUp(roots, root, removals);
    took((clock.now() - start) / 1000);
    return { rootref: root.rootref, rootseq: root.rootseq };
  }

  /** At rank 0, when all are there. */
  async #commit(terms: Terms, bodies: readonly Uint8Array[]): Promise<JsonObject> {
    const { committer, roots } = this.#options;
    const { name } = terms;
    const { namespace, flags } = terms.agreed as Agreed;
    const size = bodies.reduce((sum, { length }) => sum + length, 0);
    if (size > TRANSACTION_LIMIT) {
      throw new FluxError("EFBIG", `fence ${name}: ${size} bytes are over the limit of ${TRANSACTION_LIMIT}`);
    }
    const ops = bodies.flatMap((body) => this.#read.get(body) ?? readOperations(decodeJson(body).ops));
    const reply = await committer.commit({ namespace, flags, ops, ...userOf(terms), name });
    return { ...roots.get(namespace)!, ...reply };
  }
}
