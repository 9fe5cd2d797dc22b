/** `flux wreck attach`: what the tasks of a job have written, and write. */

import type { Json } from "../../broker/message/mod.ts";
import { JobWatch } from "../../modules/wreck/client.ts";
import { command } from "../mod.ts";
import { taskInput } from "../task_input.ts";
import { statusLines } from "./ends.ts";
import { JobView } from "./job_view.ts";
import { explainJob, jobidOf, openSession } from "./jobs.ts";

export const attach = command({
  name: "attach",
  summary: "Print what the tasks of a job have written, and write",
  usage: ["[OPTIONS] JOBID"],
  options: {
    status: { short: "s", type: "flag", help: "Tell at the end what became of the job" },
    "label-io": { short: "l", type: "flag", aliases: ["labelio"], help: "Put the task's number in front of each line" },
  },
  async *run(context): AsyncGenerator<Json | Uint8Array, number> {
    const { opts, args, json, warn, printError } = context;
    const jobid = jobidOf(args);
    const handle = await openSession(context);
    const view = new JobView({ handle, label: opts["label-io"], json, warn, printError, read: taskInput(context) });
    try {
      const result = yield* view.follow(new JobWatch(handle, "job.follow", { jobid }, { input: true }));
      if (json) yield { ...result } as unknown as Json;
      if (!json && opts.status) {
        await context.flush();
        for (const line of statusLines({ jobid, state: result.state, result })) warn(line);
      }
      return 0;
    } catch (error) {
      return explainJob(error, jobid);
    }
  },
  human: (record) => record instanceof Uint8Array ? record : null,
});
