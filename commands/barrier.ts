/** `flux barrier`: waits for others, and tells how long that took (cli.md §4.13). */

import { isErrno } from "../broker/message/mod.ts";
import { systemClock } from "../broker/ports/mod.ts";
import { anonymousNames, enterBarrier } from "../modules/barrier/client.ts";
import { command, CommandError, UsageError } from "./mod.ts";

interface Passage {
  readonly name: string;
  readonly nprocs: number;
  /** Milliseconds. */
  readonly time: number;
}

export default command({
  name: "barrier",
  summary: "Wait until a number of parties have come",
  usage: ["[OPTIONS] [NAME]"],
  signal: true,
  options: {
    nprocs: { short: "n", type: "integer", arg: "N", min: 1, default: 1, help: "Wait for N parties (default: 1)" },
    "test-iterations": {
      short: "t",
      type: "integer",
      arg: "N",
      min: 1,
      default: 1,
      help: "Do it N times, one after the other (default: 1)",
    },
    timeout: { type: "number", arg: "SECS", min: 0, help: "Fail SECS seconds after the first has come" },
    ranks: { type: "string", arg: "NS", help: "Where the parties are: fail as soon as one of these ranks is gone" },
  },
  async *run({ opts, args: [word, extra], signal, connect }): AsyncGenerator<Passage> {
    if (extra !== undefined) throw new UsageError("barrier accepts one NAME");
    const name = word ?? jobName();
    const { nprocs, timeout, ranks } = opts;
    const handle = await connect();
    for (let i = 0; i < opts["test-iterations"]; i++) {
      const own = `${name}.${i}`;
      const start = systemClock.now();
      try {
        await enterBarrier(handle, own, nprocs, { signal, timeout, ...(ranks !== undefined && { ranks }) });
      } catch (error) {
        if (!isErrno(error, "ENOSYS")) throw error;
        throw new CommandError(error.message, { hint: "flux module load --rank all barrier", cause: error });
      }
      yield { name: own, nprocs, time: systemClock.now() - start };
    }
  },
  human: ({ name, nprocs, time }) => `barrier name=${name} nprocs=${nprocs} time=${time.toFixed(3)} ms`,
});

function jobName(): string {
  try {
    return anonymousNames(Deno.env).next().value;
  } catch (error) {
    if (!isErrno(error, "EINVAL")) throw error;
    throw new UsageError("barrier needs a NAME outside of a job");
  }
}
