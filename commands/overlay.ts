/** `flux overlay`: the tree of brokers, how they are, and taking one out of it (wire.md §3.9). */

import type { Handle } from "../broker/handle/mod.ts";
import { FluxError, Idset, isErrno, type JsonObject } from "../broker/message/mod.ts";
import { duration } from "./live_status.ts";
import { command, CommandError, UsageError } from "./mod.ts";
import { ofRank } from "./ranks.ts";
import {
  type Broker,
  brokers,
  type Health,
  hostnames,
  readHealth,
  readTree,
  type Standing,
  treeLines,
} from "./overlay_tree.ts";

const STATUSES = ["unknown", "full", "partial", "degraded", "lost", "offline"];
const RANK = {
  rank: { short: "r", type: "integer", arg: "N", min: 0, default: 0, help: "Begin at rank N (default: 0)" },
} as const;
const TIMEOUT = {
  timeout: {
    short: "t",
    type: "string",
    arg: "FSD",
    default: "0",
    help: "Wait no longer, for example 10s (default: for ever)",
  },
} as const;

const SINCE = { verbose: { short: "v", type: "flag", help: "Print how long each has been so" } } as const;
const HOST = { verbose: { short: "v", type: "flag", help: "Print each with its rank and its host" } } as const;

const status = command({
  name: "status",
  summary: "Print the tree, and how each broker is",
  usage: ["[OPTIONS]"],
  options: {
    ...RANK,
    ...TIMEOUT,
    summary: { short: "s", type: "flag", help: "Print the status of the whole only" },
    down: { short: "d", type: "flag", help: "Print only brokers that are not full" },
    ...SINCE,
    wait: {
      short: "w",
      type: "string",
      arg: "STATE",
      complete: STATUSES,
      help: "Wait until the whole has this status",
    },
  },
  async *run({ opts, args, connect, signal }) {
    none(args);
    const handle = await connect();
    if (opts.wait !== undefined) {
      await ofRank(opts.rank, waitFor(handle, opts.rank, opts.wait, seconds(opts.timeout), signal));
    }
    yield await ofRank(opts.rank, readTree(handle, opts.rank, await hostnames(handle)));
  },
  human(tree: Broker, opts) {
    if (opts.summary) return tree.status;
    const text = (one: Broker) => standing(one, opts.verbose);
    if (!opts.down) return treeLines(tree, text).join("\n");
    return [...brokers(tree)].filter((one) => one.status !== "full").map(text).join("\n") || null;
  },
});

const errors = command({
  name: "errors",
  summary: "Print why brokers are lost",
  usage: ["[OPTIONS]"],
  options: RANK,
  json: "array",
  async *run({ opts, args, connect }) {
    none(args);
    const handle = await connect();
    const tree = await ofRank(opts.rank, readTree(handle, opts.rank, await hostnames(handle)));
    for (const { rank, host, error } of brokers(tree)) {
      if (error !== undefined) yield { rank, host, error };
    }
  },
  human: ({ rank, host, error }) => `${rank} ${host}: ${error}`,
});

const health = command({
  name: "health",
  summary: "Print what one broker says of itself and its children",
  usage: ["[OPTIONS]"],
  options: { ...RANK, ...SINCE },
  async *run({ opts, args, connect }) {
    none(args);
    const handle = await connect();
    yield await ofRank(opts.rank, readHealth(handle, opts.rank, await hostnames(handle)));
  },
  human: (health: Health, { verbose }) => {
    const children = health.children.map((child) => `  ${standing(child, verbose)}`);
    return [standing(health, verbose), ...children].join("\n");
  },
});

const lookup = command({
  name: "lookup",
  summary: "Translate ranks to hosts, or hosts to ranks",
  usage: ["[OPTIONS] RANKS|HOST[,HOST...]"],
  options: HOST,
  async *run({ args, connect }) {
    const [target, extra] = args;
    if (target === undefined || extra !== undefined) throw new UsageError("lookup needs one target");
    const handle = await connect();
    const host = await hostnames(handle);
    const size = Number((await handle.rpc<{ value: string }>("attr.get", { name: "size" })).value);
    if (/^[[\d]/.test(target)) {
      const ranks = [...Idset.parse(target)];
      for (const rank of ranks) {
        if (rank >= size) throw new CommandError(`${target}: the session has ranks 0 to ${size - 1}`);
      }
      yield { asked: "ranks", found: ranks.map((rank) => ({ rank, host: host(rank) })) };
      return;
    }
    const found = new Idset();
    for (const name of target.split(",")) {
      const ranks = Array.from({ length: size }, (_, rank) => rank).filter((rank) => host(rank) === name);
      if (ranks.length === 0) throw new CommandError(`${name}: no broker of this session runs there`);
      for (const rank of ranks) found.add(rank);
    }
    yield { asked: "hosts", found: [...found].map((rank) => ({ rank, host: host(rank) })) };
  },
  human({ asked, found }, { verbose }) {
    if (verbose) return found.map(({ rank, host }) => `${rank} ${host}`).join("\n");
    return asked === "ranks" ? found.map(({ host }) => host).join(",") : `${new Idset(found.map(({ rank }) => rank))}`;
  },
});

const parentof = command({
  name: "parentof",
  summary: "Print the rank of the parent of a rank",
  usage: ["[OPTIONS] RANK"],
  options: HOST,
  async *run({ args, connect }) {
    const [word, extra] = args;
    if (word === undefined || extra !== undefined || !/^\d+$/.test(word)) {
      throw new UsageError("parentof needs one rank");
    }
    const handle = await connect();
    const rank = parentIn(await handle.rpc<Topology>("overlay.topology", { rank: 0 }, { rank: 0 }), Number(word));
    if (rank === undefined) throw new CommandError(`${word}: there is no such rank in the tree`);
    if (rank === null) throw new CommandError("rank 0 has no parent");
    yield { rank, host: (await hostnames(handle))(rank) };
  },
  human: ({ rank, host }, { verbose }) => verbose ? `${rank} ${host}` : `${rank}`,
});

const disconnect = command({
  name: "disconnect",
  summary: "End a broker and all below it",
  usage: ["[OPTIONS] RANK"],
  options: {
    parent: { short: "p", type: "integer", arg: "N", min: 0, help: "Its parent is rank N (default: as the tree says)" },
    verbose: { short: "v", type: "flag", help: "Print what was disconnected from what" },
  },
  async *run({ opts, args, connect }) {
    const [word, extra] = args;
    if (word === undefined || extra !== undefined || !/^\d+$/.test(word)) {
      throw new UsageError("disconnect needs one rank");
    }
    const handle = await connect(), rank = Number(word);
    const tree = await handle.rpc<Topology>("overlay.topology", { rank: 0 }, { rank: 0 });
    const parent = opts.parent ?? parentIn(tree, rank);
    if (parent === undefined) throw new CommandError(`${word}: there is no such rank in the tree`);
    if (parent === null) {
      throw new CommandError("rank 0 cannot be disconnected", { hint: "flux shutdown ends the session" });
    }
    const host = await hostnames(handle);
    await ofRank(parent, handle.rpc("overlay.disconnect-subtree", { rank }, { rank: parent }));
    yield { rank, host: host(rank), parent: { rank: parent, host: host(parent) } };
  },
  human: ({ rank, host, parent }, { verbose }) =>
    verbose ? `${rank} ${host}: disconnected from ${parent.rank} ${parent.host}` : null,
});

const restart = command({
  name: "restart",
  summary: "Start brokers anew that have died",
  usage: ["[OPTIONS] RANKS"],
  options: {
    force: { short: "f", type: "flag", help: "Kill a broker that is there first" },
  },
  async run({ opts, args, connect }) {
    const [word, extra] = args;
    if (word === undefined || extra !== undefined) throw new UsageError("restart needs one set of ranks");
    const ranks = Idset.parse(word), handle = await connect();
    // In order, so that a parent is there before its children.
    for (const rank of ranks) {
      try {
        await handle.rpc("overlay.restart", { rank, force: opts.force }, { rank: 0 });
      } catch (error) {
        throw explained(error);
      }
    }
  },
});

/** With what can be done about it, where that is known. */
function explained(error: unknown): unknown {
  const hint = isErrno(error, "EEXIST")
    ? "--force kills it first"
    : isErrno(error, "ENOTSUP")
    ? "flux start can, for brokers on its own machine; elsewhere start the broker again as it was started first"
    : undefined;
  return hint && error instanceof FluxError ? new CommandError(error.message, { cause: error, hint }) : error;
}

export default command({
  name: "overlay",
  summary: "Show the tree of brokers and how they are",
  usage: [],
  options: {},
  subcommands: { status, errors, health, lookup, parentof, disconnect, restart },
});

interface Topology extends JsonObject {
  rank: number;
  children: Topology[];
}

/** The parent of a rank: null for the top of the tree, undefined when it is not in it. */
function parentIn(tree: Topology, rank: number, above: number | null = null): number | null | undefined {
  if (tree.rank === rank) return above;
  for (const child of tree.children) {
    const found = parentIn(child, rank, tree.rank);
    if (found !== undefined) return found;
  }
  return undefined;
}

async function waitFor(handle: Handle, rank: number, state: string, limit: number, signal: AbortSignal): Promise<void> {
  if (!STATUSES.includes(state)) throw new UsageError(`"${state}" is none of ${STATUSES.join(", ")}`);
  const late = limit > 0 ? AbortSignal.timeout(limit * 1000) : undefined;
  const over = late ? AbortSignal.any([signal, late]) : signal;
  let last = "unknown";
  try {
    for await (
      const { status } of handle.stream<{ status: string }>("overlay.health", undefined, { rank, signal: over })
    ) {
      if (status === state) return;
      last = status;
    }
  } catch (error) {
    if (!late?.aborted) throw error;
    throw new CommandError(`the status is ${last}, and not ${state}, after ${limit} s`, {
      hint: "flux overlay errors tells why",
    });
  }
  throw new FluxError("ECONNRESET");
}

/** A duration as people write it: `10`, `10s`, `2m`, `500ms`. */
function seconds(text: string): number {
  const [, value, unit = "s"] = /^(\d+(?:\.\d*)?)(ms|s|m|h|d)?$/.exec(text) ?? [];
  if (value === undefined) throw new UsageError(`"${text}" is no duration: for example 10s`);
  return Number(value) * { ms: 0.001, s: 1, m: 60, h: 3600, d: 86400 }[unit as "s"];
}

/** `1 node1: lost for 2.0s: connection lost`. */
function standing({ rank, host, status, duration: since, error }: Standing & { error?: string }, verbose: boolean) {
  return `${rank} ${host}: ${status}${verbose ? ` for ${duration(since)}` : ""}${error ? `: ${error}` : ""}`;
}

function none(args: readonly string[]): void {
  if (args.length > 0) throw new UsageError("no arguments are needed");
}
