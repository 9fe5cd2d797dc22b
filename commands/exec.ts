/** `flux exec`: a program run on many ranks at once (cli.md §4.18). */

import { Idset, type Json, parseHostlist } from "../broker/message/mod.ts";
import { command, CommandError, type Context, type OptionSpec } from "./mod.ts";
import { Execution } from "./exec/execution.ts";
import { Printer } from "./exec/printer.ts";
import { readRanks } from "./ranks.ts";
import { taskInput } from "./task_input.ts";

const OPTIONS = {
  rank: { short: "r", type: "string", arg: "RANKS", complete: "rank", help: "Run on these ranks (default: all)" },
  exclude: { short: "x", type: "string", arg: "RANKS", complete: "rank", help: "Leave these ranks out" },
  dir: { short: "d", type: "string", arg: "DIR", complete: "directory", help: "Run in directory DIR" },
  labelio: { short: "l", type: "flag", aliases: ["label-io"], help: "Put the rank in front of each line of output" },
  noinput: { short: "n", type: "flag", help: "Do not read standard input" },
  collapse: { type: "flag", help: "Print equal output of several ranks once, at the end" },
  verbose: { short: "v", type: "flag", help: "Tell what is going on" },
} as const satisfies Record<string, OptionSpec>;

export default command({
  name: "exec",
  summary: "Run a program on many ranks at once",
  usage: ["[OPTIONS] COMMAND [ARGS...]"],
  prog: "exec",
  signal: true,
  complete: "command",
  options: OPTIONS,
  async *run(context): AsyncGenerator<Json | Uint8Array, number> {
    const { opts, args, json, warn, onSignal, printError } = context;
    if (args.length === 0) throw new CommandError("Command to run required");
    const handle = await context.connect();
    const [ranks, hosts] = await Promise.all([
      chosenRanks(context),
      opts.collapse ? handle.rpc<{ value: string }>("attr.get", { name: "hostlist" }) : undefined,
    ]);
    if (ranks.size === 0) {
      throw new CommandError("no rank to run on", { hint: "--exclude leaves out all ranks that are chosen" });
    }
    const execution = new Execution({
      handle,
      ranks,
      argv: args,
      cwd: directory(opts.dir),
      env: Deno.env.toObject(),
      printer: new Printer({
        label: opts.labelio,
        json,
        ...(hosts && { hosts: parseHostlist(hosts.value) }),
        printError,
      }),
      ...(!opts.noinput && { read: taskInput(context) }),
      warn,
      verbose: opts.verbose,
    });
    onSignal((signal) => execution.signal(signal));
    return yield* execution.run();
  },
  human: (record) => record instanceof Uint8Array ? record : null,
});

async function chosenRanks({ opts, connect }: Context<typeof OPTIONS>): Promise<Idset> {
  const named = readRanks(opts.rank ?? "all");
  const excluded = opts.exclude === undefined ? new Idset() : readRanks(opts.exclude);
  if (!excluded) return new Idset();
  if (named) return named.difference(excluded);
  const { value } = await (await connect()).rpc<{ value: string }>("attr.get", { name: "size" });
  return Idset.upTo(Number(value)).difference(excluded);
}

function directory(dir: string | undefined): string {
  return dir === undefined || !dir.startsWith("/") ? [Deno.cwd(), dir].filter(Boolean).join("/") : dir;
}
