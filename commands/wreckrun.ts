/** `flux wreckrun`: a parallel program, its output and its status (cli.md §4.22). */

import type { Json } from "../broker/message/mod.ts";
import { systemClock } from "../broker/ports/mod.ts";
import { Jobs, JobWatch } from "../modules/wreck/client.ts";
import type { JobNews, JobSpec } from "../modules/wreck/protocol.ts";
import { command, type OptionSpec } from "./mod.ts";
import { taskInput } from "./task_input.ts";
import { tellEnds } from "./wreck/ends.ts";
import { JOB_OPTIONS, readJobSpec } from "./wreck/job_options.ts";
import { JobView } from "./wreck/job_view.ts";
import { explainRefusal } from "./wreck/jobs.ts";

const OPTIONS = {
  ...JOB_OPTIONS,
  detach: { short: "d", type: "flag", help: "Print the number of the job, and leave it running" },
} as const satisfies Record<string, OptionSpec>;

export default command({
  name: "wreckrun",
  summary: "Run a parallel program",
  usage: ["[OPTIONS] COMMAND [ARGS...]"],
  prog: "wreckrun",
  signal: "alarm",
  complete: "command",
  options: OPTIONS,
  async *run(context): AsyncGenerator<Json | Uint8Array, number> {
    const { opts, args, json, warn, printError, onSignal } = context;
    const spec = readJobSpec(opts, args);
    const start = systemClock.now();
    const say = (text: string) => opts.verbose && warn(`${seconds(systemClock.now() - start)}: ${text}`);
    say(`Sending LWJ request for ${spec.ntasks} tasks (cmdline "${spec.cmdline.join(" ")}")`);
    const handle = await context.connect();
    try {
      if (opts.detach) {
        for await (const { jobid } of new Jobs(handle).run(spec)) {
          yield json ? { jobid } : utf8.encode(`${jobid}\n`);
          return 0;
        }
      }
      const view = new JobView({
        handle,
        label: opts["label-io"],
        json,
        warn,
        printError,
        read: taskInput(context),
        news: (news) => tell(news, spec, say),
      });
      onSignal((signal) => view.signal(signal));
      context.onUnread(() => view.abandon());
      const result = yield* view.follow(new JobWatch(handle, "job.run", spec, { input: true }));
      if (json) {
        yield { ...result } as unknown as Json;
        return result.code;
      }
      await context.flush();
      tellEnds(result, warn);
      if (result.state !== "complete") warn(`job ${result.jobid} ${result.state}`);
      else if (result.code === 0) say("All tasks completed successfully.");
      return result.code;
    } catch (error) {
      return explainRefusal(error);
    }
  },
  human: (record) => record instanceof Uint8Array ? record : null,
});

const utf8 = new TextEncoder();

function tell({ jobid, state, layout }: JobNews, spec: JobSpec, say: (text: string) => void): void {
  if (state === "reserved") {
    say(`Registered jobid ${jobid}`);
    if (!layout) return;
    say(`Allocating ${spec.ntasks} tasks across ${layout.ranks.length} available nodes..`);
    say(`tasks per node: ${layout.ranks.map((rank, i) => `node${rank}: ${layout.cores[i]}`).join(", ")}`);
    return say("Sending run event");
  }
  say(`State = ${state}`);
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(3).padStart(4)}s`;
}
