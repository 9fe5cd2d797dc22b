/** Picking one figure out of statistics and printing it: the options that `comms-stats` and `module stats` share. */

import type { Json } from "../broker/message/mod.ts";
import { CommandError, type OptionSpec, UsageError } from "./mod.ts";
import { pretty } from "./render/json_c.ts";

export const STATS_OPTIONS = {
  parse: { short: "p", type: "string", arg: "a.b", help: "Print only this member" },
  type: {
    short: "t",
    type: "string",
    arg: "int|double",
    complete: ["int", "double"],
    help: "Print it as a number of this type",
  },
  scale: { short: "s", type: "number", arg: "N", help: "Multiply it by N first (with --type)" },
  rusage: { short: "R", type: "flag", help: "Show what the broker's process used instead" },
  clear: { short: "c", type: "flag", help: "Clear the statistics of one broker" },
  "clear-all": { short: "C", type: "flag", help: "Clear them on all brokers, by an event" },
} as const satisfies Record<string, OptionSpec>;

interface Choice {
  readonly parse: string | undefined;
  readonly type: string | undefined;
  readonly scale: number | undefined;
}

/** Throws UsageError for options that make no sense together. */
export function checkStats({ type, scale }: Choice): void {
  if (type !== undefined && type !== "int" && type !== "double") throw new UsageError(`--type ${type}: int or double`);
  if (scale !== undefined && type === undefined) {
    throw new UsageError("Use --scale only with --type int or --type double");
  }
}

/** The member asked for, or all. Throws CommandError when it is not there. */
export function pickStats(stats: Json, { parse }: Choice): Json {
  if (parse === undefined) return stats;
  let value: Json | undefined = stats;
  for (const name of parse.split(".")) value = member(value, name);
  if (value === undefined) throw new CommandError(`\`${parse}' not found in response`);
  return value;
}

function member(value: Json | undefined, name: string): Json | undefined {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  return Object.hasOwn(value, name) ? value[name] : undefined;
}

/** As `--type` and `--scale` say, else as JSON with one member a line. */
export function showStats(value: Json, { parse, type, scale = 1 }: Choice): string {
  if (type === undefined) return pretty(value);
  if (typeof value !== "number") {
    throw new CommandError(`${parse === undefined ? "the response" : `\`${parse}'`} is not a number`, {
      hint: "choose a member with --parse",
    });
  }
  const scaled = value * scale;
  return type === "int" ? `${Math.trunc(scaled)}` : scaled.toFixed(6);
}
