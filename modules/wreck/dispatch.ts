/** Requests from rank 0 to the ranks of a job. */

import type { Handle } from "../../broker/handle/mod.ts";
import { FluxError, Idset, isErrno, type JsonObject } from "../../broker/message/mod.ts";
import { type Clock, sleep } from "../../broker/ports/mod.ts";

/** A rank that cannot be reached may be on its way to another parent: it is asked again, so often and after so many ms. */
const TRIES = 6, PAUSE = 500;
/** The longest wait for an answer, ms. */
export const ANSWER = 30_000;

export interface RankAnswer {
  readonly rank: number;
  readonly payload?: JsonObject;
  readonly error?: FluxError;
  /** It was asked again. */
  readonly isLate?: boolean;
}

/** Asks all `ranks` at once and yields what each answers, in the order they come, exactly once. */
export async function* ask(
  handle: Handle,
  ranks: readonly number[],
  topic: string,
  payload: object,
  timeout = ANSWER,
): AsyncGenerator<RankAnswer, void> {
  if (ranks.length === 1) return yield await askOne(handle, ranks[0]!, topic, payload, timeout);
  for await (const answer of handle.mrpc(topic, payload, { ranks: new Idset(ranks), timeout })) {
    const { rank, error } = answer;
    yield error ? { rank, error } : { rank, payload: answer.payload };
  }
}

export interface Patience {
  readonly clock: Clock;
  readonly timeout?: number;
  /** Whether there is any sense in asking a rank again. */
  again(rank: number): boolean;
}

/** The same, for what may be asked twice: those that cannot be reached are asked again before they count as lost. */
export async function* askPatiently(
  handle: Handle,
  ranks: readonly number[],
  topic: string,
  payload: object,
  { clock, timeout, again }: Patience,
): AsyncGenerator<RankAnswer, void> {
  let left = ranks;
  for (let tries = 1; left.length > 0; tries++) {
    const unreached: RankAnswer[] = [];
    const told = (answer: RankAnswer) => tries > 1 ? { ...answer, isLate: true } : answer;
    for await (const answer of ask(handle, left, topic, payload, timeout)) {
      if (tries < TRIES && isErrno(answer.error, "EHOSTUNREACH")) unreached.push(answer);
      else yield told(answer);
    }
    if (unreached.some(({ rank }) => again(rank))) await sleep(clock, PAUSE);
    left = [];
    for (const answer of unreached) {
      if (again(answer.rank)) left = [...left, answer.rank];
      else yield told(answer);
    }
  }
}

async function askOne(
  handle: Handle,
  rank: number,
  topic: string,
  payload: object,
  timeout: number,
): Promise<RankAnswer> {
  try {
    return { rank, payload: await handle.rpc(topic, payload, { rank, timeout }) };
  } catch (error) {
    if (!(error instanceof FluxError)) throw error;
    return { rank, error };
  }
}
