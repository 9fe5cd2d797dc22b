/** `flux barrier` in a real session: parties on several ranks, and what they are told when it fails. */

import { open } from "../../broker/handle/mod.ts";
import { assert, assertEquals, assertRejects } from "../assert.ts";
import { spawnFlux, startSession, until } from "./session.ts";

Deno.test("flux barrier waits for all parties, wherever they are, as often as it is told", async () => {
  await using session = await startSession({ size: 4 });
  const enter = (rank: number, ...words: string[]) => session.flux(["barrier", ...words], { rank });
  const all = await Promise.all([0, 1, 2, 3, 3].map((rank) => enter(rank, "-n", "5", "-t", "3", "x")));
  for (const { code, stdout, stderr } of all) {
    assertEquals([code, stderr], [0, ""]);
    const lines = stdout.trimEnd().split("\n").map((line) => line.replace(/time=\d+\.\d{3} ms$/, "time"));
    assertEquals(lines, [0, 1, 2].map((i) => `barrier name=x.${i} nprocs=5 time`));
  }
  const { stdout } = await enter(2, "--json", "y");
  const { name, nprocs, time } = JSON.parse(stdout);
  assertEquals([name, nprocs, typeof time], ["y.0", 1, "number"]);
  const job = await session.flux(["barrier"], { env: { FLUX_JOB_ID: "7" } });
  assert(job.stdout.startsWith("barrier name=70.0 nprocs=1 time="), job.stdout);
});

Deno.test("flux barrier says why it failed", async () => {
  await using session = await startSession({ size: 3 });
  const fails = async (...words: string[]) => {
    const { code, stdout, stderr } = await session.flux(["barrier", ...words], { rank: 2 });
    assertEquals([code, stdout], [1, ""], stderr);
    return stderr;
  };
  assertEquals(
    await fails("-n", "8", "--timeout", "0.2", "x"),
    "flux-barrier: barrier x.0: 1 of 8 entered (rank 2) within 0.2 s\n",
  );
  assert((await fails()).startsWith("flux-barrier: barrier needs a NAME outside of a job\n"));
  assert((await fails("-n", "0", "x")).startsWith("flux-barrier: "));
  assertEquals(
    await fails("-n", "2", "--ranks", "0-1", "x"),
    "flux-barrier: barrier x.0: rank 2 is none of those that take part: ranks 0-1\n",
  );
  using handle = await open(session.uri(0));
  const waiting = handle.rpc("barrier.enter", { name: "x.0", nprocs: 2 });
  waiting.catch(() => {});
  // Answered after the request before it was taken in.
  await handle.rpc("barrier.stats-get");
  assertEquals(
    await fails("-n", "3", "x"),
    `flux-barrier: barrier x.0: "nprocs" is 3, for those who came first 2\n`,
  );
  // A party that is interrupted is no longer waited for in vain.
  using other = await open(session.uri(0));
  const entered = other.rpc("barrier.enter", { name: "y.0", nprocs: 9 });
  entered.catch(() => {});
  using there = await open(session.uri(2));
  const received = async () => (await there.rpc<{ rx: { request: number } }>("barrier.stats-get")).rx.request;
  let last = await received();
  const interrupted = spawnFlux(["barrier", "-n", "9", "y"], { env: { FLUX_URI: session.uri(2) } });
  await until("the party to enter on rank 2", async () => {
    const before = last;
    last = await received();
    // Each look is a request, too.
    return last > before + 1;
  });
  interrupted.kill("SIGINT");
  await interrupted.output();
  await assertRejects(entered, { errno: "ECONNABORTED", text: "barrier y.0: a client on rank 2 is gone" });
  handle.close();
  await waiting.catch(() => {});
});
