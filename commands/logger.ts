/** `flux logger`: writes a line to the log of the broker (cli.md §4.10). */

import { formatLogLine, formatTime, isAppName, parseLevel } from "../broker/handle/mod.ts";
import { systemClock } from "../broker/ports/mod.ts";
import { command, CommandError, UsageError } from "./mod.ts";

const INFO = 6;

export default command({
  name: "logger",
  summary: "Write a message to the log",
  usage: ["[OPTIONS] MESSAGE..."],
  options: {
    appname: { type: "string", arg: "NAME", help: "Log as NAME, the same as the facility of --priority" },
    priority: {
      short: "p",
      type: "string",
      arg: "FACILITY.LEVEL",
      default: "user.notice",
      help: "Log as FACILITY with severity LEVEL (default: user.notice)",
    },
    severity: { type: "string", arg: "LEVEL", help: "Log with severity LEVEL, a name or 0 to 7" },
  },
  async run({ opts, args, connect }) {
    if (args.length === 0) throw new UsageError("message required");
    const { app, severity } = readPriority(opts.priority, opts.appname, opts.severity);
    const handle = await connect();
    const line = formatLogLine({
      severity,
      time: formatTime(systemClock.wall()),
      host: `${await handle.rank()}`,
      app,
      pid: `${Deno.pid}`,
      text: args.join(" "),
    });
    await handle.rpcRaw("log.append", new TextEncoder().encode(line));
  },
});

/** `FACILITY.LEVEL`, or a facility alone at level info; NAME and LEVEL of their own win. */
function readPriority(priority: string, name?: string, level?: string): { app: string; severity: number } {
  const dot = priority.indexOf(".");
  const app = name ?? (dot < 0 ? priority : priority.slice(0, dot));
  const severity = level !== undefined ? parseLevel(level) : dot < 0 ? INFO : parseLevel(priority.slice(dot + 1));
  if (severity === undefined || !isAppName(app)) {
    const hint = "levels are emerg, alert, crit, err, warning, notice, info, debug; a facility has no blanks";
    throw new CommandError("bad priority argument", { hint });
  }
  return { app, severity };
}
