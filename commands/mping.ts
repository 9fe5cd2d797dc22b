/** `flux mping`: how long a multicast RPC to many ranks takes, and which of them do not answer (cli.md §4.7). */

import type { Answer } from "../broker/handle/mod.ts";
import { Idset, isErrno } from "../broker/message/mod.ts";
import { sleep, systemClock } from "../broker/ports/mod.ts";
import { command, CommandError, UsageError } from "./mod.ts";

const DELAY = 1000;
/** Seconds after which a rank has not answered. */
const TIMEOUT = 10;

export default command({
  name: "mping",
  summary: "Measure round trips of a multicast RPC to many ranks",
  usage: ["[OPTIONS] NODELIST"],
  signal: true,
  options: {
    count: { short: "c", type: "integer", arg: "N", min: 1, help: "Stop after N round trips" },
    "delay-msec": {
      short: "d",
      type: "number",
      arg: "N",
      min: 0,
      default: DELAY,
      aliases: ["delay"],
      help: `Wait N milliseconds between round trips (default: ${DELAY})`,
    },
    "pad-bytes": {
      short: "p",
      type: "integer",
      arg: "N",
      min: 0,
      max: 1 << 26,
      default: 0,
      aliases: ["pad"],
      help: "Send N bytes more",
    },
    timeout: {
      short: "t",
      type: "number",
      arg: "SECS",
      min: 0,
      default: TIMEOUT,
      help: `Wait SECS seconds for an answer (default: ${TIMEOUT})`,
    },
  },
  async *run({ opts, args, json, signal, connect, warn }) {
    const [ranks, extra] = args;
    if (ranks === undefined || extra !== undefined) throw new UsageError("mping needs one list of ranks");
    const handle = await connect();
    const pad = "p".repeat(opts["pad-bytes"]);
    let failed = false;
    for (let seq = 0; opts.count === undefined || seq < opts.count; seq++) {
      if (seq > 0) await sleep(systemClock, opts["delay-msec"], signal);
      const start = systemClock.now();
      const result = { answered: new Idset(), failures: [] as { rank: number; reason: string }[] };
      const fail = (rank: number, text: string, reason: string) => {
        failed = true;
        result.failures.push({ rank, reason });
        if (!json) warn(`${rank}: ${text}`);
      };
      try {
        for await (
          const answer of handle.mrpc("mecho", { seq, pad }, { ranks, signal, timeout: opts.timeout * 1000 })
        ) {
          const { rank, error } = answer;
          if (error) fail(rank, "no response", error.message);
          else if (isEcho(answer, seq, pad)) result.answered.add(rank);
          else fail(rank, "mangled response", "mangled response");
        }
      } catch (error) {
        if (!isErrno(error, "EINVAL")) throw error;
        throw new CommandError("flux_mrpc_create: Invalid argument", { hint: error.message, cause: error });
      }
      const time = systemClock.now() - start;
      if (!json) warn(`mecho: pad=${pad.length} seq=${seq} time=${time.toFixed(3)} ms`);
      yield { seq, pad: pad.length, time, answered: `${result.answered}`, failures: result.failures };
    }
    return failed ? 1 : 0;
  },
  human: () => null,
});

function isEcho(answer: Answer, seq: number, pad: string): boolean {
  try {
    return answer.payload.seq === seq && answer.payload.pad === pad;
  } catch {
    return false;
  }
}
