/** `flux wreck last-jobid`: the number of the newest job. */

import { FluxError } from "../../broker/message/mod.ts";
import { command, CommandError } from "../mod.ts";
import { noArguments, openSession } from "./jobs.ts";

export const lastJobid = command({
  name: "last-jobid",
  summary: "Print the number of the newest job",
  usage: [""],
  options: {},
  async *run(context) {
    noArguments(context);
    const handle = await openSession(context);
    const request = { name: "lwj", create: false, preincrement: 0, postincrement: 0 };
    try {
      yield { jobid: (await handle.rpc<{ value: number }>("cmb.seq.fetch", request, { rank: 0 })).value };
    } catch (error) {
      if (!(error instanceof FluxError)) throw error;
      throw new CommandError(`No last jobid found: ${error.message}`, { hint: "no job was made yet", cause: error });
    }
  },
  human: ({ jobid }) => `${jobid}`,
});
