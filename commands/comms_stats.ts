/** `flux comms-stats`: what modules count (cli.md §4.12). */

import type { Handle } from "../broker/handle/mod.ts";
import type { Json, JsonObject } from "../broker/message/mod.ts";
import { command, type Context, type ParsedOptions, UsageError } from "./mod.ts";
import { RANK } from "./ranks.ts";
import { checkStats, pickStats, showStats, STATS_OPTIONS } from "./stats_value.ts";

const OPTIONS = { ...RANK, ...STATS_OPTIONS };
type Options = ParsedOptions<typeof OPTIONS>;

export default command({
  name: "comms-stats",
  summary: "Print or clear the statistics of a module",
  usage: ["[OPTIONS] NAME"],
  prog: "flux-stats",
  complete: "module",
  options: OPTIONS,
  run: (context) => statistics(context, { get: "stats.get", clear: "stats.clear" }),
  human: (value: Json, opts) => showStats(value, opts),
});

/** The statistics of the module in the command's one argument, by methods of these names. */
export async function* statistics(
  { opts, args, connect }: Pick<Context<typeof OPTIONS>, "args" | "connect"> & { readonly opts: Options },
  methods: { get: string; clear: string },
): AsyncGenerator<Json, void> {
  const [name, extra] = args;
  if (name === undefined || extra !== undefined) throw new UsageError("one NAME of a module is needed");
  if (opts["clear-all"] && opts.rank !== undefined) {
    throw new UsageError("Use --clear not --clear-all to clear a single node.");
  }
  checkStats(opts);
  const handle = await connect();
  const at = opts.rank === undefined ? {} : { rank: opts.rank };
  if (opts["clear-all"]) await publish(handle, `${name}.${methods.clear}`);
  else if (opts.clear) await handle.rpc(`${name}.${methods.clear}`, undefined, at);
  else {yield pickStats(
      await handle.rpc<JsonObject>(`${name}.${opts.rusage ? "rusage" : methods.get}`, undefined, at),
      opts,
    );}
}

/** Returns once the event is numbered: nobody misses it from then on. */
async function publish(handle: Handle, topic: string): Promise<void> {
  await handle.rpc("event.publish", { topic, flags: 0 }, { rank: 0 });
}
