/** `flux shutdown`: ends the session in order, and says who holds it up. */

import { FluxError, isErrno } from "../broker/message/mod.ts";
import { systemClock } from "../broker/ports/mod.ts";
import { within } from "./deadline.ts";
import { command, CommandError, UsageError } from "./mod.ts";

/** Severities: errors alone, or what happens as well. */
const ERRORS = 3, INFO = 6;
const TIMEOUT = 60;

export default command({
  name: "shutdown",
  summary: "End the session in order",
  usage: ["[OPTIONS]"],
  options: {
    background: { type: "flag", help: "Do not wait for the end" },
    timeout: {
      short: "t",
      type: "number",
      arg: "SECS",
      min: 0,
      default: TIMEOUT,
      help: `Wait SECS seconds (default: ${TIMEOUT})`,
    },
    verbose: { short: "v", type: "flag", help: "Print what happens" },
  },
  async *run({ opts, args, connect, signal }) {
    if (args.length > 0) throw new UsageError("no arguments are needed");
    const handle = await connect();
    const request = { loglevel: opts.verbose ? INFO : ERRORS };
    if (opts.background) {
      await handle.rpc("shutdown.start", request, { rank: 0 });
      return;
    }
    const end = systemClock.now() + opts.timeout * 1000;
    const lines = handle.stream<{ log: string }>("shutdown.start", request, { rank: 0, signal });
    try {
      while (true) {
        const { done, value } = await within(Math.max(0, end - systemClock.now()), lines.next());
        if (done) return;
        yield value.log;
      }
    } catch (error) {
      if (isErrno(error, "ETIMEDOUT")) {
        throw new CommandError(`the session has not ended within ${opts.timeout} s`, {
          hint: "what was printed before names who holds it up; flux up --down, too",
        });
      }
      // The broker that was asked has gone: that is the end.
      if (error instanceof FluxError && ["ECONNRESET", "EPIPE", "EHOSTUNREACH"].includes(error.code)) return;
      throw error;
    }
  },
  human: (line) => line,
});
