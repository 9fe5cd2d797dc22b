/** `flux wreck status`: how a job stands, and how its tasks have ended. */

import { Jobs } from "../../modules/wreck/client.ts";
import type { JobNews } from "../../modules/wreck/protocol.ts";
import { command } from "../mod.ts";
import { statusLines } from "./ends.ts";
import { explainJob, jobidOf, openSession } from "./jobs.ts";

export const status = command({
  name: "status",
  summary: "Tell how a job stands, and how its tasks ended",
  usage: ["JOBID"],
  options: {},
  async *run(context): AsyncGenerator<JobNews, number> {
    const jobid = jobidOf(context.args);
    const handle = await openSession(context);
    try {
      for await (const news of new Jobs(handle).follow(jobid)) {
        yield news;
        return news.result?.code ?? 0;
      }
    } catch (error) {
      explainJob(error, jobid);
    }
    return 0;
  },
  human: (news) => statusLines(news).join("\n"),
});
