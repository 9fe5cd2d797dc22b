import { type Channel, Handle } from "../../../../broker/handle/mod.ts";
import { FluxError } from "../../../../broker/message/mod.ts";
import { CommandError } from "../../../../commands/command.ts";
import { JobView } from "../../../../commands/wreck/job_view.ts";
import type { JobWatch } from "../../../../modules/wreck/client.ts";
import type { JobNews } from "../../../../modules/wreck/protocol.ts";
import { assert, assertEquals } from "../../../assert.ts";

/** The connection is lost at once; what was heard before is still to be dealt with. */
async function followed(...heard: JobNews[]): Promise<unknown> {
  const lost = new FluxError("ECONNRESET");
  const channel: Channel = { open: (events) => events.closed(lost), send() {}, close() {} };
  const view = new JobView({
    handle: new Handle(channel, { rank: 0 }),
    label: false,
    json: false,
    warn() {},
    printError: () => undefined,
    read: () => Promise.resolve(null),
  });
  const watch = (async function* () {
    for (const news of heard) yield await Promise.resolve(news);
    throw lost;
  })() as unknown as JobWatch;
  try {
    return (await view.follow(watch).next()).value;
  } catch (error) {
    return error;
  }
}

Deno.test("a job's end counts that came last before the connection was lost", async () => {
  const result = { jobid: 1, state: "complete" as const, code: 3, ends: [] };
  assertEquals(await followed({ jobid: 1, state: "running" }, { jobid: 1, state: "complete", result }), result);
});

Deno.test("who follows a job hears that the connection is lost", async () => {
  const error = await followed({ jobid: 1, state: "running" });
  assert(error instanceof CommandError, `${error}`);
  assertEquals(error.message, "lost connection to the broker");
});
