/** `flux comms`: the broker's place among the others, and how to change it (cli.md §4.11). */

import type { Handle } from "../broker/handle/mod.ts";
import { FluxError, type Json, type JsonObject, NODEID_ANY, parseHostlist } from "../broker/message/mod.ts";
import { within } from "./deadline.ts";
import { liveStatus } from "./live_status.ts";
import { command, CommandError, type ParsedOptions, UsageError } from "./mod.ts";
import { hostnames } from "./overlay_tree.ts";
import { ofRank, RANK } from "./ranks.ts";
import { spaced } from "./render/json_c.ts";

const OPTIONS = {
  ...RANK,
  ring: { type: "flag", help: "Go around the ring, for a session whose tree is stuck (with --rank)" },
} as const;
type Options = ParsedOptions<typeof OPTIONS>;
const MOVES = {
  ...OPTIONS,
  verbose: { short: "v", type: "flag", help: "Print which broker goes from which parent to which" },
} as const;

interface Place extends JsonObject {
  rank: number;
  host: string;
}

/** A broker that goes from one parent to another. */
interface Moved extends Place {
  from: Place;
  to: Place;
}

/** A broker that is told to die does so at once, ms. */
const DEATH = 5_000;

/** Errors that mean that the broker is gone. */
const GONE = ["ECONNRESET", "EHOSTUNREACH", "EPIPE", "ECONNREFUSED"];

const info = command({
  name: "info",
  summary: "Print rank, size and fan-out",
  usage: ["[OPTIONS]"],
  options: OPTIONS,
  async *run({ opts, args, connect }) {
    none(args);
    if (opts.rank !== undefined || opts.ring) {
      throw new UsageError("info tells of the local broker: use it without --rank");
    }
    const handle = await connect();
    const [rank, size, arity] = await Promise.all([handle.rank(), attribute(handle, "size"), readArity(handle)]);
    yield { rank, size: Number(size), arity };
  },
  human: (record) => Object.entries(record).map(([name, value]) => `${name}=${value}`).join("\n"),
});

const idle = command({
  name: "idle",
  summary: "Print for how many heartbeats each child has been silent",
  usage: ["[OPTIONS]"],
  options: OPTIONS,
  async *run({ opts, args, connect }) {
    none(args);
    yield await ask(await connect(), opts, "cmb.lspeer");
  },
  human: (children: JsonObject) => spaced(children as Json),
});

const reparent = command({
  name: "reparent",
  summary: "Make the broker that listens on URI the parent",
  usage: ["[OPTIONS] URI"],
  options: MOVES,
  async *run({ opts, args, connect }) {
    const [uri, extra] = args;
    if (uri === undefined || extra !== undefined) throw new UsageError("reparent needs one URI");
    const handle = await connect();
    try {
      yield await move(handle, opts, "cmb.reparent", { uri });
    } catch (error) {
      if (!(error instanceof FluxError)) throw error;
      const hint = "'flux getattr tbon.endpoint' on a rank tells where it listens";
      throw new CommandError(`${uri}: ${error.message}`, { cause: error, hint });
    }
  },
  human: describe,
});

/** A command that asks a broker to move. */
function order(name: string, summary: string, topic: string) {
  return command({
    name,
    summary,
    usage: ["[OPTIONS]"],
    options: MOVES,
    async *run({ opts, args, connect }) {
      none(args);
      yield await move(await connect(), opts, topic);
    },
    human: describe,
  });
}

/** Asks the rank of `--rank` to move; resolves to the move. */
async function move(handle: Handle, opts: Options, topic: string, payload: JsonObject = {}): Promise<Moved> {
  const { from, to } = await ask(handle, opts, topic, payload) as { from: number; to: number };
  const place = await placing(handle, opts);
  return { ...place(opts.rank ?? await handle.rank()), from: place(from), to: place(to) };
}

function describe({ rank, host, from, to }: Moved, { verbose }: { verbose: boolean }): string | null {
  if (!verbose) return null;
  if (from.rank === to.rank) return `${rank} ${host}: stays below ${to.rank} ${to.host}`;
  return `${rank} ${host}: from ${from.rank} ${from.host} to ${to.rank} ${to.host}`;
}

const failover = order("failover", "Go to the parent's parent", "live.failover");
const recover = order("recover", "Go back to the first parent", "live.recover");

const recoverAll = command({
  name: "recover-all",
  summary: "Make every broker go back to its first parent",
  usage: ["[OPTIONS]"],
  options: MOVES,
  json: "array",
  async *run({ opts, args, connect }) {
    none(args);
    if (opts.rank !== undefined || opts.ring) throw new UsageError("recover-all is for all: use it without --rank");
    const handle = await connect();
    const [status, arity, place] = await Promise.all([liveStatus(handle), readArity(handle), placing(handle, opts)]);
    await handle.rpc("event.publish", { topic: "live.recover", flags: 0 }, { rank: 0 });
    const ranks = status?.ranks ?? [];
    const isThere = (rank: number) => ranks[rank]?.state === "ok" || ranks[rank]?.state === "slow";
    for (const { rank, parent } of ranks) {
      const home = arity === 0 ? 0 : Math.floor((rank - 1) / arity);
      const goes = rank > 0 && parent !== home && isThere(rank) && isThere(home);
      if (goes) yield { ...place(rank), from: place(parent), to: place(home) } as Moved;
    }
  },
  human: describe,
});

const panic = command({
  name: "panic",
  summary: "Make a broker exit at once",
  usage: ["[OPTIONS] [MESSAGE...]"],
  options: OPTIONS,
  async run({ opts, args, connect }) {
    const handle = await connect();
    const payload = args.length > 0 ? { msg: args.join(" ") } : {};
    try {
      await within(DEATH, ask(handle, opts, "cmb.panic", payload));
    } catch (error) {
      // The answer to a panic is that the broker is gone.
      if (
        !(error instanceof FluxError) || !GONE.includes(error.code) || error.code === "EHOSTUNREACH" && !error.hasText
      ) {
        throw error;
      }
    }
  },
});

export default command({
  name: "comms",
  summary: "Show or change a broker's place in the session",
  usage: [],
  options: OPTIONS,
  subcommands: { info, idle, reparent, failover, recover, "recover-all": recoverAll, allrecover: recoverAll, panic },
});

function none(args: readonly string[]): void {
  if (args.length > 0) throw new UsageError("no arguments are needed");
}

async function attribute(handle: Handle, name: string): Promise<string> {
  return (await handle.rpc<{ value: string }>("attr.get", { name })).value;
}

async function readArity(handle: Handle): Promise<number> {
  return Number((await attribute(handle, "tbon.topo")).replace(/^kary:/, ""));
}

/** Gives ranks their hosts: by what rank 0 says, unless the way there is stuck. */
async function placing(handle: Handle, { ring }: { ring: boolean }): Promise<(rank: number) => Place> {
  const listed = ring ? parseHostlist(await attribute(handle, "hostlist")) : [];
  const host = ring ? (rank: number) => listed[rank] ?? "?" : await hostnames(handle);
  return (rank) => ({ rank, host: host(rank) });
}

/** Asks the rank of `--rank`, over the ring with `--ring`. */
async function ask(handle: Handle, opts: Options, topic: string, payload: JsonObject = {}): Promise<JsonObject> {
  if (!opts.ring) return await ofRank(opts.rank, handle.rpc(topic, payload, { rank: opts.rank ?? NODEID_ANY }));
  return await handle.rpc("overlay.ring", { rank: opts.rank ?? await handle.rank(), topic, payload });
}
