/** What holds for all jobs of a session that do not say otherwise. */

import wreckrun from "../../commands/wreckrun.ts";
import { Kvs } from "../../modules/kvs/client.ts";
import { assertEquals } from "../assert.ts";
import { run } from "./run_command.ts";
import type { Program } from "./spawner.ts";
import { jobSession } from "./wreck.ts";

const place: Program = ({ env, print }) => {
  print(`${env.COLOUR} ${env.SHAPE}\n`);
  return Promise.resolve(0);
};

async function world() {
  const session = await jobSession({ size: 2, programs: { place } });
  const kvs = new Kvs(session.handle(1));
  const commit = async (values: Record<string, unknown>) => {
    const transaction = kvs.transaction();
    for (const [key, value] of Object.entries(values)) {
      if (value === undefined) transaction.unlink(key);
      else transaction.put(key, value as never);
    }
    await session.settle(transaction.commit());
    await session.run(100);
  };
  const ran = (...words: string[]) => run(session, 1, wreckrun, ...words);
  return { session, commit, ran };
}

Deno.test("lwj.output and lwj.input.config hold for jobs that name no files themselves, until they are removed", async () => {
  const { session, commit, ran } = await world();
  session.files.texts["/in"] = "from a file\n";
  await commit({ "lwj.output.files.stdout": "/all/{{id}}", "lwj.output.labelio": true });
  await commit({ "lwj.input.config": [{ src: "/in", dst: "1" }] });
  assertEquals((await ran("-n2", "cat")).out, "");
  assertEquals(session.files.texts["/all/1"], "1: from a file\n");
  assertEquals((await ran("-O", "/own", "-i", "/in:0", "-n2", "cat")).status, 0);
  assertEquals([session.files.texts["/own"], session.files.texts["/all/2"]], ["from a file\n", undefined]);
  await commit({ "lwj.output": undefined });
  assertEquals((await ran("-n2", "-l", "cat")).out, "1: from a file\n");
  await commit({ "lwj.input.config": undefined });
  assertEquals((await ran("-n2", "-l", "cat")).out, "");
});

Deno.test("lwj.environ holds for what a job's own environment does not name, and changes", async () => {
  const { commit, ran } = await world();
  await commit({ "lwj.environ": { COLOUR: "red", SHAPE: "round" } });
  assertEquals((await ran("place")).out, "red round\n");
  await commit({ "lwj.environ": { COLOUR: "green" } });
  assertEquals((await ran("place")).out, "green undefined\n");
  await commit({ "lwj.environ": undefined });
  assertEquals((await ran("place")).out, "undefined undefined\n");
  await commit({ "lwj.environ": { COLOUR: "blue" } });
  assertEquals((await ran("place")).out, "blue undefined\n");
});

Deno.test("what cannot hold for jobs is not used, and the log says why", async () => {
  const { session, commit, ran } = await world();
  await commit({ "lwj.input.config": [{ dst: "x" }], "lwj.output.files.stderr": 5, "lwj.walltime-signal": "SIGNO" });
  assertEquals((await ran("echo", "hi")).out, "hi\n");
  assertEquals(
    session.log.filter(({ source, level }) => source === "wreck" && level === "err").map(({ text }) => text).sort(),
    [
      'lwj.input.config is not used: "input.config" must hold objects with "src" and "dst"',
      'lwj.output.files.stderr is not used: "output.files.stderr" must be a string',
      'lwj.walltime-signal is not used: "walltime-signal": "SIGNO" is no signal',
    ],
  );
});
