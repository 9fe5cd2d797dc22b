/** The settings of a broker, read from the words of a command line. Pure. */

import { Idset } from "../broker/message/mod.ts";
import type { Security } from "../broker/ports/mod.ts";
import { parseLevel } from "../broker/handle/mod.ts";
import { builtinModules } from "../modules/mod.ts";
import { BROKER_OPTIONS } from "./broker_options.ts";
import { CommandError, UsageError } from "./command.ts";
import { type ParsedOptions, parseOptions } from "./options.ts";

export type BrokerOpts = ParsedOptions<typeof BROKER_OPTIONS>;

export interface BrokerSettings {
  readonly arity: number;
  readonly security: Security;
  readonly method: "single" | "pmi";
  /** Milliseconds between heartbeats. */
  readonly heartrate: number;
  readonly attributes: Readonly<Record<string, string>>;
  /** Where the session's data is kept. */
  readonly statedir: string | undefined;
  /** What to load on a rank, in order. */
  modules(rank: number): { name: string; args: readonly string[] }[];
}

/** The time the ranks below may take to leave at the end, by the size of the session: below this, seconds. */
const GRACE: readonly (readonly [number, number])[] = [[16, 0.5], [128, 1], [1024, 2], [Infinity, 5]];
/** The module that keeps content on disk. */
const STORE = "content-sqlite";
const RANKS = /\[[\d,-]+\]$/;

/** Reads options that were parsed. Throws UsageError and CommandError with the texts of cli.md §2. */
export function readSettings(opts: BrokerOpts): BrokerSettings {
  const method = opts["boot-method"].toLowerCase();
  if (method !== "pmi" && method !== "single") {
    throw new UsageError(`boot-method \`${opts["boot-method"]}': pmi or single`);
  }
  if (opts["enable-epgm"]) throw new CommandError("multicast events are not supported: events travel the tree");
  return {
    arity: opts["k-ary"],
    security: readSecurity(opts.security),
    method,
    heartrate: readHeartrate(opts.heartrate),
    attributes: readAttributes(opts),
    statedir: opts.statedir,
    modules: readModules(opts),
  };
}

/** Checks words for `flux broker` before there is one. Throws OptionError as well. */
export function checkBrokerWords(words: readonly string[]): BrokerSettings {
  const { opts, args } = parseOptions(BROKER_OPTIONS, words);
  if (args.length > 0) throw new UsageError(`--broker-opts: ${args[0]} is no option`);
  return readSettings(opts);
}

/** Seconds. */
export function shutdownGrace(size: number): number {
  return GRACE.find(([limit]) => size < limit)![1];
}

function readSecurity(mode: string): Security {
  if (mode === "none" || mode === "plain" || mode === "curve") return mode;
  throw new UsageError("--security argument must be none|plain|curve");
}

/** Milliseconds of `2`, `1.5s`, `100ms`: 10 ms to 30 s. */
function readHeartrate(text: string): number {
  const parts = /^(\d+\.?\d*|\.\d+)(s|ms)?$/.exec(text);
  const ms = Number(parts?.[1]) * (parts?.[2] === "ms" ? 1 : 1000);
  if (!(ms >= 10 && ms <= 30_000)) {
    throw new CommandError(`heartrate \`${text}': Invalid argument`, { hint: "10ms to 30s" });
  }
  return ms;
}

function readAttributes(opts: BrokerOpts): Record<string, string> {
  const attributes: Record<string, string> = {};
  const level = opts["log-level"] ?? (opts.verbose ? "debug" : undefined);
  if (level !== undefined) {
    if (parseLevel(level) === undefined) throw new UsageError(`--log-level ${level}: 0 to 7 or a level's name`);
    attributes["log-level"] = level;
  }
  if (opts.quorum !== undefined) attributes["broker.quorum"] = `${opts.quorum}`;
  if (opts.interface !== undefined) attributes["tbon.interface-hint"] = opts.interface;
  for (const word of opts.setattr) {
    const equals = word.indexOf("=");
    if (equals < 1) throw new UsageError(`--setattr ${word}: must be NAME=VALUE`);
    attributes[word.slice(0, equals)] = word.slice(equals + 1);
  }
  return attributes;
}

function readSync(mode: string): string {
  if (mode === "normal" || mode === "full") return mode;
  throw new UsageError(`--sync ${mode}: normal or full`);
}

function readModules(opts: BrokerOpts): BrokerSettings["modules"] {
  const { statedir } = opts;
  if (statedir === "") throw new UsageError("--statedir: no directory given");
  const sync = readSync(opts.sync);
  const wanted = (name: string) => builtinModules[name]!.byDefault || (name === STORE && statedir !== undefined);
  const defaults = Object.keys(builtinModules).filter(wanted);
  const asked = opts.module.map((word) => {
    const ranks = RANKS.exec(word)?.[0];
    return { name: word.replace(RANKS, ""), ranks: ranks === undefined ? undefined : Idset.parse(ranks) };
  });
  const known = new Set([...defaults, ...asked.map(({ name }) => name)]);
  const args = new Map<string, string[]>([[STORE, [`sync=${sync}`]]]);
  for (const word of opts.modopt) {
    const parts = /^([^:]+):([^=]+=.*)$/s.exec(word);
    if (!parts) throw new UsageError(`malformed module option: ${word}`);
    const [, name, option] = parts;
    if (!known.has(name!)) throw new UsageError(`module argument for unknown module: ${name}`);
    args.set(name!, [...args.get(name!) ?? [], option!]);
  }
  return (rank) => {
    const names = new Set(defaults.filter((name) => !opts.exclude.includes(name)));
    for (const { name, ranks } of asked) if (ranks === undefined || ranks.has(rank)) names.add(name);
    for (const name of names) if (rank > 0 && builtinModules[name]?.atRoot) names.delete(name);
    return [...names].map((name) => ({ name, args: args.get(name) ?? [] }));
  };
}
