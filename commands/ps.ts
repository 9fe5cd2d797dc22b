/** `flux ps`: the processes that brokers run (cli.md §4.19). */

import { type JsonObject, parseHostlist } from "../broker/message/mod.ts";
import { command, CommandError, UsageError } from "./mod.ts";
import { askRanks } from "./ranks.ts";

const OWNER_CHARS = 5;

interface Row {
  readonly rank: number;
  readonly host: string;
  readonly pid: number;
  /** Route id of the client it belongs to; null for what the broker runs by itself, such as the initial program. */
  readonly owner: string | null;
  readonly command: readonly string[];
  readonly cwd: string;
}

export default command({
  name: "ps",
  summary: "List the processes that brokers run",
  usage: ["[OPTIONS]"],
  prog: "ps",
  json: "array",
  options: {
    rank: { short: "r", type: "string", arg: "RANKS", complete: "rank", help: "List these ranks (default: all)" },
    verbose: { short: "v", type: "flag", help: "Print whole command lines, and the host" },
  },
  async *run({ opts, args, json, connect, warn }): AsyncGenerator<Row | "title", number> {
    if (args.length > 0) throw new UsageError("ps takes no arguments");
    const handle = await connect();
    const hosts = opts.verbose || json
      ? parseHostlist((await handle.rpc<{ value: string }>("attr.get", { name: "hostlist" })).value)
      : [];
    const rows: Row[] = [];
    const failures: string[] = [];
    for await (const { rank, payload, error } of askRanks(handle, "cmb.processes", {}, opts.rank ?? "all")) {
      if (error) failures.push(`Error: ${error.message}${error.hasText ? "" : ` (rank ${rank})`}`);
      else for (const process of payload!.procs as JsonObject[]) rows.push(row(rank, hosts[rank] ?? "", process));
    }
    if (rows.length === 0 && failures.length > 0) throw new CommandError(failures.join("\nps: "));
    if (!json) yield "title";
    yield* rows.sort((a, b) => a.rank - b.rank);
    for (const failure of failures) warn(failure);
    return failures.length > 0 ? 1 : 0;
  },
  human(record, { verbose }) {
    const host = (name: string) => verbose ? ` ${name.padEnd(12)}` : "";
    if (record === "title") return `OWNER     RANK       PID${host("HOST")}  COMMAND`;
    const { rank, pid, owner, command } = record;
    const who = (owner ?? "none").slice(0, OWNER_CHARS).padEnd(OWNER_CHARS);
    const words = verbose ? command.join(" ") : command[0] ?? "";
    return `${who} ${`${rank}`.padStart(8)} ${`${pid}`.padStart(9)}${host(record.host)}  ${words}`;
  },
});

function row(rank: number, host: string, { pid, cmdline, cwd, sender }: JsonObject): Row {
  return {
    rank,
    host,
    pid: Number(pid),
    owner: typeof sender === "string" ? sender : null,
    command: cmdline as string[],
    cwd: String(cwd),
  };
}
