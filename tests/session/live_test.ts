import { open } from "../../broker/handle/mod.ts";
import { assert, assertEquals } from "../assert.ts";
import { answer, BEAT, settled, states } from "./live_session.ts";
import { spawnFlux, startSession, until } from "./session.ts";

Deno.test("a session lives on when an interior broker is killed: its children go to their grandparent", async () => {
  await using session = await startSession({ size: 8 });
  assertEquals(await states(session), { ok: "0-7", slow: "", fail: "", unknown: "" });
  Deno.kill(session.pid(1), "SIGKILL");
  await settled(session, "1");
  assert(await answer(session, [2, 3, 4, 5, 6, 7]));
  assertEquals((await session.flux(["overlay", "parentof", "3"])).stdout, "0\n");
  const { stdout } = await session.flux(["overlay", "errors"]);
  assert(/^1 \S+: connection lost\n$/.test(stdout), stdout);
});

Deno.test("events under way when a broker is killed come once and in order to every survivor", async () => {
  await using session = await startSession({ size: 8 });
  const count = 300;
  const seen: string[][] = [];
  await using closing = new AsyncDisposableStack();
  for (const rank of [2, 3, 4, 7]) {
    const flux = closing.use(await open(session.uri(rank)));
    const topics: string[] = [];
    await flux.listen("live-test.", ({ topic }) => void topics.push(topic));
    seen.push(topics);
  }
  const publisher = closing.use(await open(session.uri()));
  for (let n = 0; n < count; n++) {
    if (n === 100) Deno.kill(session.pid(1), "SIGKILL");
    await publisher.rpc("event.publish", { topic: `live-test.${n}`, flags: 0 });
  }
  await until("every event to come to everyone", () => seen.every(({ length }) => length >= count));
  for (const topics of seen) {
    assertEquals(new Set(topics).size, count);
    assertEquals(topics, seen[0]);
  }
});

Deno.test("a broker that is stopped has failed, and is taken back when it goes on", async () => {
  await using session = await startSession({ size: 4, args: BEAT });
  Deno.kill(session.pid(1), "SIGSTOP");
  try {
    await settled(session, "1");
    assert(await answer(session, [2, 3]));
  } finally {
    Deno.kill(session.pid(1), "SIGCONT");
  }
  await settled(session, "");
  assert(await answer(session, [1, 2, 3]));
});

Deno.test("when rank 0 is killed every broker and every client ends within five seconds, and says why", async () => {
  await using session = await startSession({ size: 8 });
  // By option and not by its environment, since flux start would end it too.
  const client = spawnFlux(["--uri", session.uri(7), "event", "sub", "nothing"]);
  const stderr = new Response(client.stderr).text();
  const reader = client.stdout.getReader();
  let hears = false;
  void reader.read().then(() => hears = true);
  await until("the client to hear events", async () => {
    await session.flux(["event", "pub", "nothing.yet"]);
    return hears;
  });
  const draining = (async () => {
    while (!(await reader.read()).done);
  })();
  const start = performance.now();
  Deno.kill(session.pid(0), "SIGKILL");
  const [{ code }, ended] = await Promise.all([client.status, session.ended]);
  await draining;
  await session.gone(5000);
  assert(performance.now() - start < 5000, `took ${performance.now() - start} ms`);
  assert(code !== 0 && await stderr !== "", `the client said: ${await stderr}`);
  assert(ended.stderr.includes("0 (pid"), ended.stderr);
});
