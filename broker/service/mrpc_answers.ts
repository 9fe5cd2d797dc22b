/** Answers of a multicast RPC on their way to the caller. Pure. */

import { type Answers, failure, mergeEqual } from "../handle/mod.ts";
import { decodeJson, encodeJson, FluxError, Idset, type JsonObject } from "../message/mod.ts";
import type { Fold } from "./reductions.ts";

/** What this rank has to say, and may still add to until it is passed on. */
export class Untaken implements Answers {
  ranks: Idset;
  readonly errnum = 0;
  readonly canWait: boolean;
  readonly #take: () => Uint8Array;
  #payload: Uint8Array | undefined;

  constructor(ranks: Idset, take: () => Uint8Array, canWait: boolean) {
    this.ranks = ranks;
    this.canWait = canWait;
    this.#take = take;
  }

  get payload(): Uint8Array {
    return this.#payload ??= this.#take();
  }
}

/** One answer of those that succeeded, and the failures, equal ones together. */
export function reduceAnswers(all: Answers[], fold: Fold): Answers[] {
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
