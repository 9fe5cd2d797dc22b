/** Jobs over trees of simulated brokers, with processes and time of our own making. */

import wreckrun from "../../commands/wreckrun.ts";
import { Kvs } from "../../modules/kvs/client.ts";
import { assertEquals } from "../assert.ts";
import { run } from "./run_command.ts";
import { jobSession } from "./wreck.ts";

Deno.test("flux wreckrun runs tasks on several ranks, prints what they write and takes the highest status", async () => {
  const session = await jobSession({ size: 4 });
  const { status, out, err } = await run(session, 3, wreckrun, "-n4", "-N2", "-l", "echo", "hi");
  assertEquals([status, out.split("\n").sort().slice(1), err], [0, ["0: hi", "1: hi", "2: hi", "3: hi"], ""]);
  const failed = await run(session, 1, wreckrun, "-n3", "exit", "3");
  assertEquals([failed.status, failed.err], [3, "wreckrun: tasks [0-2]: exited with exit code 3\n"]);
});

Deno.test("the states of a job come as events, in order, and stay in the KVS", async () => {
  const session = await jobSession({ size: 3 });
  const states: string[] = [];
  await session.settle(
    session.handle(2).listen("wreck.state.", ({ topic, payload }) => {
      states.push(`${topic.split(".")[2]} ${payload.lwj}`);
    }),
  );
  await run(session, 0, wreckrun, "-n6", "exit", "1");
  await session.until(() => states.length === 4);
  assertEquals(states, ["reserved 1", "starting 1", "running 1", "complete 1"]);
  const kvs = new Kvs(session.handle(1));
  const get = (key: string) => session.settle(kvs.get(key));
  assertEquals(await get("lwj.1.state"), "complete");
  assertEquals([await get("lwj.1.rank.2.cores"), await get("lwj.1.5.exit_code")], [2, 1]);
});
