/** `flux submit`: jobs that wait for their turn (cli.md §4.24). */

import { Idset, type Json } from "../broker/message/mod.ts";
import { Jobs } from "../modules/wreck/client.ts";
import type { JobResult, JobSpec } from "../modules/wreck/protocol.ts";
import { command, CommandError, type OptionSpec } from "./mod.ts";
import { tellEnds } from "./wreck/ends.ts";
import { JOB_OPTIONS, readJobSpec } from "./wreck/job_options.ts";
import { explainRefusal } from "./wreck/jobs.ts";

const OPTIONS = {
  ...JOB_OPTIONS,
  cc: { type: "string", arg: "IDSET", help: "Submit one job for each number of IDSET, such as 1-100 (FLUX_JOB_CC)" },
  wait: { short: "w", type: "flag", help: "Wait until all of them have ended; the status is the highest of theirs" },
} as const satisfies Record<string, OptionSpec>;

export default command({
  name: "submit",
  summary: "Queue a parallel program, to run when there is room",
  usage: ["[OPTIONS] COMMAND [ARGS...]"],
  prog: "submit",
  signal: true,
  complete: "command",
  options: OPTIONS,
  async *run(context): AsyncGenerator<Json, number> {
    const { opts, args, json, warn, signal } = context;
    const spec = readJobSpec(opts, args);
    const cc = opts.cc === undefined ? undefined : readCopies(opts.cc);
    const jobs = new Jobs(await context.connect());
    const first = await submit(jobs, spec, cc);
    const jobids = new Idset(Array.from({ length: cc?.size ?? 1 }, (_, i) => first + i));
    for (const jobid of jobids) {
      if (json) yield { jobid };
      else warn(`Submitted jobid ${jobid}`);
    }
    if (!opts.wait) return 0;
    let status = 0;
    for await (const { result } of jobs.wait(jobids, { signal })) {
      if (!result) continue;
      status = Math.max(status, result.code);
      if (json) yield { ...result } as unknown as Json;
      else tell(result, warn);
    }
    return status;
  },
  human: () => null,
});

async function submit(jobs: Jobs, spec: JobSpec, cc: Idset | undefined): Promise<number> {
  try {
    return await jobs.submit(spec, cc);
  } catch (error) {
    return explainRefusal(error);
  }
}

function readCopies(text: string): Idset {
  try {
    const copies = Idset.parse(text);
    if (copies.size > 0) return copies;
  } catch {
    // Told below.
  }
  throw new CommandError(`--cc ${text}: not a set of numbers`, { hint: "such as 1-100, or 1,3,7" });
}

function tell(result: JobResult, warn: (text: string) => void): void {
  if (result.code > 0 || result.state !== "complete") tellEnds(result, (text) => warn(`job ${result.jobid}: ${text}`));
}
