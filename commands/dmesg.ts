/** `flux dmesg`: prints the broker's log (cli.md §4.10). */

import { LOG_LEVELS, parseLogLine, readableLogLine } from "../broker/handle/mod.ts";
import { decodeText, encodeJson } from "../broker/message/mod.ts";
import { command, CommandError, UsageError } from "./mod.ts";

interface Entry {
  /** UTC, with microseconds. */
  time: string;
  level: string;
  facility: string;
  /** The rank it comes from; a string if its sender put something else there. */
  rank: number | string;
  pid: number | string;
  message: string;
}

export default command({
  name: "dmesg",
  summary: "Print or clear the log of the broker",
  usage: ["[OPTIONS]"],
  signal: true,
  options: {
    clear: { short: "C", type: "flag", help: "Clear the log, print nothing" },
    follow: { short: "f", type: "flag", help: "Go on with what is logged from now on" },
    new: { short: "n", type: "flag", help: "With --follow, leave out what was logged before" },
    "read-clear": { short: "c", type: "flag", help: "Clear what was printed" },
  },
  async *run({ opts, args, signal, connect }): AsyncGenerator<Entry, void> {
    if (args.length > 0) throw new CommandError("flux-dmesg accepts no free arguments");
    if (opts.follow && opts["read-clear"]) throw new UsageError("--follow and --read-clear exclude each other");
    const handle = await connect();
    if (opts.clear) {
      await handle.rpc("log.clear");
      return;
    }
    const request = { follow: opts.follow, nobacklog: opts.follow && opts.new, clear: opts["read-clear"] };
    for await (const line of handle.streamRaw("log.dmesg", encodeJson(request), { signal })) {
      yield entry(decodeText(line));
    }
  },
  human: (entry) =>
    readableLogLine({
      severity: LOG_LEVELS.indexOf(entry.level as typeof LOG_LEVELS[number]),
      time: entry.time,
      host: `${entry.rank}`,
      app: entry.facility,
      pid: `${entry.pid}`,
      text: entry.message,
    }),
});

function entry(line: string): Entry {
  const { severity, time, host, app, pid, text } = parseLogLine(line);
  return { time, level: LOG_LEVELS[severity]!, facility: app, rank: number(host), pid: number(pid), message: text };
}

function number(text: string): number | string {
  return /^\d{1,9}$/.test(text) ? Number(text) : text;
}
