/** `flux snoop`: watches what goes through a broker (cli.md §4.9). */

import { decode, encode, encodeJson, FluxError, type Message } from "../broker/message/mod.ts";
import { command, CommandError } from "./mod.ts";
import { RANK } from "./ranks.ts";
import { dumpMessage, messageRecord } from "./render/message_dump.ts";

/** Left out without `--all`: what would drown the rest, and the events that are seen themselves. */
const QUIET = ["cmb.log", "cmb.pub", "log.append", "log.forward", "event.publish"];

export default command({
  name: "snoop",
  summary: "Watch the messages that go through a broker",
  usage: ["[OPTIONS] [TOPIC...]"],
  signal: true,
  options: {
    all: { short: "a", type: "flag", help: "Show log messages and publications too" },
    count: { short: "c", type: "integer", arg: "N", min: 1, help: "Stop after N messages, those not shown included" },
    long: { short: "l", type: "flag", help: "Show whole payloads" },
    "no-security": { short: "n", type: "flag", help: "Accepted for older scripts; has no effect" },
    ...RANK,
    "session-name": { short: "N", type: "string", arg: "NAME", help: "Accepted for older scripts; has no effect" },
    verbose: { short: "v", type: "flag", help: "Say when watching begins and ends" },
  },
  async *run({ opts, args, signal, json, connect, warn }) {
    const handle = await connect();
    // With --count everything is counted, so that it is sorted out here.
    const hide = opts.all || opts.count !== undefined ? [] : QUIET;
    const request = encodeJson({ topics: opts.count === undefined ? args : [], hide });
    if (opts.verbose) warn(`connecting to ${Deno.env.get("FLUX_URI")}...`);
    let left = opts.count ?? Infinity;
    try {
      const at = opts.rank === undefined ? {} : { rank: opts.rank };
      for await (const bytes of handle.streamRaw("broker.snoop", request, { signal, ...at })) {
        const message = decode(bytes!);
        if (isWanted(message, args, opts.all)) {
          yield json ? messageRecord(message) : dumpMessage(message, encode(message), opts.long);
        }
        if (--left === 0) break;
      }
    } catch (error) {
      if (!(error instanceof FluxError) || error.code !== "ECONNRESET") throw error;
      throw new CommandError("lost connection", { cause: error });
    } finally {
      if (opts.verbose) warn("disconnecting");
    }
  },
  human: (dump) => dump as string,
});

function isWanted({ topic }: Message, prefixes: readonly string[], all: boolean): boolean {
  if (!all && QUIET.includes(topic)) return false;
  return prefixes.length === 0 || prefixes.some((prefix) => topic.startsWith(prefix));
}
