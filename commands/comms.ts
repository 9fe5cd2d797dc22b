/** `flux comms`: the broker's place among the others, and how to change it (cli.md §4.11). */

import type { Handle } from "../broker/handle/mod.ts";
import { FluxError, type Json, type JsonObject, NODEID_ANY } from "../broker/message/mod.ts";
import { within } from "./deadline.ts";
import { command, CommandError, type ParsedOptions, UsageError } from "./mod.ts";
import { RANK } from "./ranks.ts";
import { spaced } from "./render/json_c.ts";

const OPTIONS = {
  ...RANK,
  ring: { type: "flag", help: "Go around the ring, for a session whose tree is stuck (with --rank)" },
} as const;
type Options = ParsedOptions<typeof OPTIONS>;

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
    const get = async (name: string) => (await handle.rpc<{ value: string }>("attr.get", { name })).value;
    const [rank, size, topo] = await Promise.all([get("rank"), get("size"), get("tbon.topo")]);
    yield { rank: Number(rank), size: Number(size), arity: Number(topo.replace(/^kary:/, "")) };
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
  options: OPTIONS,
  async run({ opts, args, connect }) {
    const [uri, extra] = args;
    if (uri === undefined || extra !== undefined) throw new UsageError("reparent needs one URI");
    try {
      await ask(await connect(), opts, "cmb.reparent", { uri });
    } catch (error) {
      if (!(error instanceof FluxError)) throw error;
      const hint = "'flux getattr tbon.endpoint' on a rank tells where it listens";
      throw new CommandError(`${uri}: ${error.message}`, { cause: error, hint });
    }
  },
});

/** A command that asks a broker for one thing, and prints nothing. */
function order(name: string, summary: string, topic: string) {
  return command({
    name,
    summary,
    usage: ["[OPTIONS]"],
    options: OPTIONS,
    async run({ opts, args, connect }) {
      none(args);
      await ask(await connect(), opts, topic);
    },
  });
}

const failover = order("failover", "Go to the parent's parent", "live.failover");
const recover = order("recover", "Go back to the first parent", "live.recover");

const recoverAll = command({
  name: "recover-all",
  summary: "Make every broker go back to its first parent",
  usage: ["[OPTIONS]"],
  options: OPTIONS,
  async run({ opts, args, connect }) {
    none(args);
    if (opts.rank !== undefined || opts.ring) throw new UsageError("recover-all is for all: use it without --rank");
    const handle = await connect();
    await handle.rpc("event.publish", { topic: "live.recover", flags: 0 }, { rank: 0 });
  },
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

/** Asks the rank of `--rank`, over the ring with `--ring`. */
async function ask(handle: Handle, opts: Options, topic: string, payload: JsonObject = {}): Promise<JsonObject> {
  if (!opts.ring) return await handle.rpc(topic, payload, { rank: opts.rank ?? NODEID_ANY });
  return await handle.rpc("overlay.ring", { rank: opts.rank ?? await handle.rank(), topic, payload });
}
