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
  assertEquals((await session.flux(["kvs", "put", "lost.key=first"])).code, 0);
  const ranks = [0, 3, 7];
  // What each prints when it has come to where it waits; a fourth party leaves the others alone in their second barrier.
  const kinds = [
    { words: ["kvs", "get", "--watch", "lost.key"], waits: "first" },
    { words: ["event", "sub", "lost"], waits: "lost.yet" },
    { words: ["exec", "-r", "5", "sh", "-c", "echo runs; exec sleep 100"], waits: "runs" },
    { words: ["dmesg", "--follow"], waits: "insmod live" },
    { words: ["barrier", "-n", `${ranks.length + 1}`, "-t", "2", "lost"], waits: "name=lost.0" },
  ];
  const clients = kinds.flatMap(({ words, waits }) =>
    ranks.map((rank) => ({ what: `flux ${words[0]} on rank ${rank}`, waits, ...client(session.uri(rank), words) }))
  );
  const fourth = session.flux(["barrier", "-n", `${ranks.length + 1}`, "lost"]);
  await until("every client to wait", async () => {
    await session.flux(["event", "pub", "lost.yet"]);
    return clients.every(({ printed, waits }) => printed().includes(waits));
  });
  assertEquals((await fourth).code, 0);
  const start = performance.now(), pid = session.pid(0);
  Deno.kill(pid, "SIGKILL");
  const [ends, ended] = await Promise.all([Promise.all(clients.map(({ end }) => end)), session.ended]);
  await session.gone(5000);
  assert(performance.now() - start < 5000, `took ${performance.now() - start} ms`);
  const silent = clients.map(({ what }, i) => `${what} ended with ${ends[i]!.code} and said: ${ends[i]!.stderr}`)
    .filter((_, i) => ends[i]!.code === 0 || !LOST.test(ends[i]!.stderr));
  assertEquals(silent, []);
  assertEquals([ended.code, ended.stderr], [137, `flux-start: 0 (pid ${pid}) SIGKILL\n`]);
});

/** The second: what ran on another rank is out of reach. */
const LOST = /lost connection|rank 5: No route to host: overlay disconnect/;

/**
 * A command that goes on until it loses its broker. That is told by option and not by its environment, since flux start would
 * end it too.
 */
function client(uri: string, words: readonly string[]) {
  const child = spawnFlux(["--uri", uri, ...words]);
  let text = "";
  const reading = (async () => {
    const decoder = new TextDecoder();
    for await (const bytes of child.stdout) text += decoder.decode(bytes, { stream: true });
  })();
  const end = Promise.all([child.status, new Response(child.stderr).text(), reading])
    .then(([{ code }, stderr]) => ({ code, stderr }));
  return { printed: () => text, end };
}
