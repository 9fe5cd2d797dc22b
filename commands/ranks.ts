/** Asking one rank or many: what `-r, --rank` of a command stands for. */

import type { Handle } from "../broker/handle/mod.ts";
import { decodeJson, FluxError, Idset, isErrno, type JsonObject } from "../broker/message/mod.ts";
import { CommandError, type OptionSpec } from "./mod.ts";

/** The option, for commands that may ask many ranks. */
export const RANKS = {
  rank: {
    short: "r",
    type: "string",
    arg: "NS|all",
    complete: "rank",
    help: "Ask these ranks (default: the local one)",
  },
} as const satisfies Record<string, OptionSpec>;

/** The option, for commands that ask one. */
export const RANK = {
  rank: {
    short: "r",
    type: "integer",
    arg: "N",
    min: 0,
    complete: "rank",
    help: "Ask rank N (default: the local one)",
  },
} as const satisfies Record<string, OptionSpec>;

/** Waits for the answer of one rank. That it cannot be reached is told with its number. */
export async function ofRank<T>(rank: number | undefined, answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    if (rank === undefined || !isErrno(error, "EHOSTUNREACH") || error.hasText) throw error;
    const hint = "flux up -v tells which ranks are there";
    throw new CommandError(`rank ${rank}: ${error.message}`, { cause: error, hint });
  }
}

/** What one rank answered. */
export interface RankAnswer {
  readonly rank: number;
  readonly payload?: JsonObject;
  readonly error?: FluxError;
}

/**
 * Calls `topic` on the ranks of `text` (an idset, or `all`), or on the local one without it, and yields the answer of
 * each. Throws CommandError for a set that is none, or names a rank that the session does not have.
 */
export async function* askRanks(
  handle: Handle,
  topic: string,
  payload: object | undefined,
  text: string | undefined,
  signal?: AbortSignal,
): AsyncGenerator<RankAnswer, void> {
  if (text === undefined) {
    const rank = await handle.rank();
    yield await answer(rank, handle.rpc(topic, payload, signal ? { signal } : {}));
    return;
  }
  const ranks = readRanks(text);
  const first = ranks?.first();
  if (ranks?.size === 1 && first !== undefined) {
    yield await answer(first, handle.rpc(topic, payload, { rank: first, ...(signal && { signal }) }));
    return;
  }
  try {
    const answers = handle.mrpc(topic, payload, { ranks: ranks ?? "all", ...(signal && { signal }) });
    for await (const { rank, error, bytes } of answers) {
      yield error ? { rank, error } : { rank, payload: decodeJson(bytes) };
    }
  } catch (error) {
    if (isErrno(error, "EINVAL")) throw new CommandError(`--rank ${text}: ${error.message}`, { cause: error });
    throw error;
  }
}

/** The set as text when `--rank` names more than one rank; undefined for one, and without it. Throws CommandError. */
export function manyRanks(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  const ranks = readRanks(text);
  return ranks?.size === 1 ? undefined : `${ranks ?? "all"}`;
}

/** The set, or undefined for `all`. */
export function readRanks(text: string): Idset | undefined {
  if (text === "all") return undefined;
  try {
    const ranks = Idset.parse(text);
    if (ranks.size > 0) return ranks;
  } catch (error) {
    if (!(error instanceof FluxError)) throw error;
  }
  throw new CommandError(`--rank ${text}: not a set of ranks`, { hint: "for example 0-3,7, or all" });
}

async function answer(rank: number, call: Promise<JsonObject>): Promise<RankAnswer> {
  try {
    return { rank, payload: await call };
  } catch (error) {
    if (error instanceof FluxError) return { rank, error };
    throw error;
  }
}
