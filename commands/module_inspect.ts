/** `flux module stats`, `debug`, `trace`: looking into one module, as the 0.88 tools do. */

import type { Json } from "../broker/message/mod.ts";
import { statistics } from "./comms_stats.ts";
import { command, UsageError } from "./mod.ts";
import { RANK } from "./ranks.ts";
import { showStats, STATS_OPTIONS } from "./stats_value.ts";

export const stats = command({
  name: "stats",
  summary: "Print or clear the statistics of a module",
  usage: ["[OPTIONS] NAME"],
  complete: "module",
  options: { ...RANK, ...STATS_OPTIONS },
  run: (context) => statistics(context, { get: "stats-get", clear: "stats-clear" }),
  human: (value: Json, opts) => showStats(value, opts),
});

/** The options of `debug`, and the operation each stands for. */
const OPERATIONS = { set: "set", setbit: "setbit", clearbit: "clrbit" } as const;

export const debug = command({
  name: "debug",
  summary: "Print or change the debug flags of a module",
  usage: ["[OPTIONS] NAME"],
  complete: "module",
  options: {
    ...RANK,
    clear: { type: "flag", help: "Clear all flags" },
    set: { type: "string", arg: "MASK", help: "Set the flags to MASK" },
    setbit: { type: "string", arg: "MASK", help: "Set the flags of MASK as well" },
    clearbit: { type: "string", arg: "MASK", help: "Clear the flags of MASK" },
  },
  async *run({ opts, args, connect }) {
    const [name, extra] = args;
    if (name === undefined || extra !== undefined) throw new UsageError("debug needs one NAME of a module");
    const chosen = (["set", "setbit", "clearbit"] as const).filter((option) => opts[option] !== undefined);
    if (chosen.length + Number(opts.clear) > 1) throw new UsageError("only one change at a time");
    const [option] = chosen;
    const request = option !== undefined
      ? { op: OPERATIONS[option], flags: mask(opts[option]!) }
      : { op: opts.clear ? "clr" : "setbit", flags: 0 };
    const handle = await connect();
    const at = opts.rank === undefined ? {} : { rank: opts.rank };
    yield await handle.rpc<{ flags: number }>(`${name}.debug`, request, at);
  },
  human: ({ flags }) => `0x${flags.toString(16)}`,
});

interface Traced {
  readonly timestamp: number;
  readonly prefix: "rx" | "tx";
  readonly name: string | null;
  readonly type: number;
  readonly topic: string;
  readonly payload_size: number;
  readonly payload: Json;
  readonly errstr: string;
}

/** Message types by name, as `--type` takes them. */
const TYPES: Readonly<Record<string, number>> = { request: 1, response: 2, event: 4, control: 8 };
const ALL = 15;

export const trace = command({
  name: "trace",
  summary: "Watch the messages of modules",
  usage: ["[OPTIONS] NAME..."],
  complete: "module",
  signal: true,
  options: {
    ...RANK,
    full: { short: "f", type: "flag", help: "Show payloads" },
    topic: { short: "T", type: "string", arg: "GLOB", default: "*", help: "Only topics that match GLOB" },
    type: {
      short: "t",
      type: "string",
      arg: "TYPE,...",
      complete: Object.keys(TYPES),
      help: "Only messages of these types",
    },
  },
  async *run({ opts, args: names, signal, connect }) {
    if (names.length === 0) throw new UsageError("trace needs the NAME of a module");
    const request = { typemask: typemask(opts.type), topic_glob: opts.topic, names, full: opts.full };
    const handle = await connect();
    yield* handle.stream<Traced & { [key: string]: Json }>("module.trace", request, {
      signal,
      ...(opts.rank !== undefined && { rank: opts.rank }),
    });
  },
  human: ({ timestamp, prefix, name, type, topic, payload_size, payload, errstr }: Traced, { full }) => {
    const kind = Object.keys(TYPES).find((known) => TYPES[known] === type) ?? `${type}`;
    const line = `${timestamp.toFixed(6)} ${name} ${prefix} ${kind} ${topic} [${payload_size}]${
      errstr && ` ${errstr}`
    }`;
    return full && payload !== null ? `${line}\n  ${JSON.stringify(payload)}` : line;
  },
});

function typemask(names: string | undefined): number {
  if (names === undefined) return ALL;
  return names.split(",").reduce((mask, name) => {
    if (!Object.hasOwn(TYPES, name)) throw new UsageError(`--type ${name}: ${Object.keys(TYPES).join(", ")}`);
    return mask | TYPES[name]!;
  }, 0);
}

function mask(text: string): number {
  const value = /^(0[xX][0-9a-fA-F]+|\d+)$/.test(text) ? Number(text) : NaN;
  if (!Number.isSafeInteger(value) || value > 0x7fffffff) throw new UsageError(`${text}: not a mask such as 0x10`);
  return value;
}
