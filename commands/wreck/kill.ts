/** `flux wreck kill`: a signal for all tasks of a job. */

import { signalNumber } from "../../broker/ports/mod.ts";
import { Jobs } from "../../modules/wreck/client.ts";
import { command, CommandError } from "../mod.ts";
import { explainJob, jobidOf, openSession } from "./jobs.ts";

export const kill = command({
  name: "kill",
  summary: "Signal all tasks of a job, or take it out of the queue",
  usage: ["[OPTIONS] JOBID"],
  options: {
    signal: { short: "s", type: "string", arg: "N|NAME", default: "SIGTERM", help: "The signal, by number or name" },
  },
  async run(context) {
    const { opts, args } = context;
    const jobid = jobidOf(args);
    const number = signalNumber(opts.signal);
    if (number === undefined) {
      throw new CommandError(`Invalid signal '${opts.signal}'`, { hint: "a number, or a name such as SIGINT" });
    }
    const handle = await openSession(context);
    await new Jobs(handle).kill(jobid, number).catch((error) => explainJob(error, jobid));
  },
});
