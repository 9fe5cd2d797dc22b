/** `flux up`: which ranks of the session are there (cli.md §4.4). */

import { Idset, type JsonObject } from "../broker/message/mod.ts";
import { duration, type LiveStatus, liveStatus, ownStatus, STATES } from "./live_status.ts";
import { command, type ParsedOptions, UsageError } from "./mod.ts";

const OPTIONS = {
  comma: { short: "c", type: "flag", help: "Print every rank, without ranges" },
  newline: { short: "n", type: "flag", help: "Print one rank a line" },
  up: { short: "u", type: "flag", help: "Print the ranks that are ok or slow" },
  down: { short: "d", type: "flag", help: "Print the ranks that have failed" },
  verbose: { short: "v", type: "flag", help: "Print a line for each rank, with its host and the reason" },
} as const;
type Options = ParsedOptions<typeof OPTIONS>;

export default command({
  name: "up",
  summary: "Show which ranks of the session are up",
  usage: ["[OPTIONS]"],
  options: OPTIONS,
  async *run({ opts, args, connect }) {
    if (args.length > 0) throw new UsageError("no arguments are needed");
    if (opts.up && opts.down) throw new UsageError("--up and --down are two questions: use one of them");
    const handle = await connect();
    yield await liveStatus(handle) ?? await ownStatus(handle) as LiveStatus & JsonObject;
  },
  human(status, opts) {
    if (opts.up) return ranks(Idset.parse(status.ok).union(Idset.parse(status.slow)), opts);
    if (opts.down) return ranks(Idset.parse(status.fail), opts);
    if (opts.verbose && status.ranks.length > 0) return status.ranks.map(describe).join("\n");
    return STATES.map((state) => {
      const text = ranks(Idset.parse(status[state]), opts);
      return `${`${state}:`.padEnd(8)}${opts.newline && text !== "" ? "\n" : ""}${text}`;
    }).join("\n");
  },
});

function ranks(set: Idset, { comma, newline }: Options): string {
  if (newline) return [...set].join("\n");
  if (!comma) return set.toNodeset();
  return set.size > 1 ? `[${[...set].join(",")}]` : `${set}`;
}

function describe({ rank, host, state, duration: seconds, reason = "" }: LiveStatus["ranks"][number]): string {
  const since = host === "" ? "" : ` for ${duration(seconds)}`;
  return `${rank} ${host || "-"} ${state}${since}${reason && `: ${reason}`}`;
}
