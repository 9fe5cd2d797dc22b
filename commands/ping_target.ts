/** Whom `flux ping` asks: `N!SERVICE`, `N`, or `SERVICE`, with or without `--rank` (cli.md §4.6). Pure. */

import { NODEID_ANY, NODEID_UPSTREAM } from "../broker/message/mod.ts";
import { UsageError } from "./mod.ts";

export interface Target {
  readonly topic: string;
  /** A rank, NODEID_ANY or NODEID_UPSTREAM. */
  readonly rank: number;
  /** The topic as it is printed, with the rank asked for in front: `1!kvs.ping`. */
  readonly label: string;
}

/** What a rank alone stands for. */
const DEFAULT_SERVICE = "broker";

/** Reads a target and the value of `--rank`. Throws UsageError. */
export function pingTarget(word: string, option: string | undefined): Target {
  const mark = word.indexOf("!");
  if (mark >= 0 && option !== undefined) throw new UsageError(`${word} names a rank, and so does --rank ${option}`);
  if (mark >= 0) return target(word.slice(0, mark), word.slice(mark + 1) || DEFAULT_SERVICE);
  if (option === undefined && /^\d+$/.test(word)) return target(word, DEFAULT_SERVICE);
  return target(option ?? "any", word);
}

function target(who: string, service: string): Target {
  if (service === "") throw new UsageError("the target is empty");
  const topic = `${service}.ping`;
  const rank = readRank(who);
  return { topic, rank, label: rank === NODEID_ANY ? topic : `${who}!${topic}` };
}

function readRank(text: string): number {
  if (text === "any") return NODEID_ANY;
  if (text === "upstream") return NODEID_UPSTREAM;
  const rank = /^\d{1,10}$/.test(text) ? Number(text) : NaN;
  if (!(rank < NODEID_UPSTREAM)) throw new UsageError(`'${text}' is not a rank: a number, any, or upstream`);
  return rank;
}
