import type { Link } from "../../broker/ports/mod.ts";
import { assert, assertEquals } from "../assert.ts";
import { seededRandom, simNetwork, virtualClock } from "./mod.ts";

const encoder = new TextEncoder(), decoder = new TextDecoder();

/** A world of one server and the callers `hosts`, connected, with a log of what was heard where. */
async function world(seed: number, hosts: string[], timeoutMs = 10_000) {
  const clock = virtualClock();
  const network = simNetwork({ clock, random: seededRandom(seed), timeoutMs });
  const heard: string[] = [];
  const server = network.transport("server").listen("tree", {}, {
    message: (peer, body) => heard.push(`server: ${peer} says ${decoder.decode(body)}`),
    down: (peer, reason) => heard.push(`server: ${peer} down, ${reason}`),
  });
  const links: Record<string, Link> = {};
  for (const host of hosts) {
    links[host] = network.transport(host).dial("tree", { name: host }, {
      message: (body) => heard.push(`${host}: ${decoder.decode(body)}`),
      down: (reason) => heard.push(`${host}: down, ${reason}`),
    });
    links[host].send(encoder.encode("hello"));
  }
  await clock.runUntil(() => heard.length === hosts.length);
  heard.length = 0;
  const say = (host: string, text: string) => links[host]!.send(encoder.encode(text));
  const answer = (host: string, text: string) => server.send(host, encoder.encode(text));
  return { clock, network, heard, say, answer };
}

Deno.test("SimNetwork.cut() holds what is sent and heal() delivers it in order", async () => {
  const { clock, network, heard, say, answer } = await world(1, ["a", "b"]);
  network.cut("server", "a");
  say("a", "one");
  say("a", "two");
  answer("a", "three");
  say("b", "unhurt");
  await clock.run(1000);
  assertEquals(heard, ["server: b says unhurt"]);
  network.heal();
  await clock.run(1000);
  assertEquals(heard.slice(1).toSorted(), ["a: three", "server: a says one", "server: a says two"]);
  assert(heard.indexOf("server: a says one") < heard.indexOf("server: a says two"));
});

Deno.test("SimNetwork.cut() holds what was under way", async () => {
  const { clock, network, heard, say } = await world(1, ["a"]);
  say("a", "one");
  network.cut("a", "server");
  await clock.run(1000);
  assertEquals(heard, []);
  network.heal("a", "server");
  await clock.run(10);
  assertEquals(heard, ["server: a says one"]);
});

Deno.test("SimNetwork.cut() ends connections after the timeout, on both sides", async () => {
  const { clock, network, heard, say } = await world(2, ["a"], 5000);
  network.cut("a", "server");
  say("a", "lost");
  await clock.run(4999);
  assertEquals(heard, []);
  await clock.run(2);
  assertEquals(heard.toSorted(), ["a: down, connection timed out", "server: a down, connection timed out"]);
  network.heal();
  await clock.run(1000);
  assertEquals(heard.length, 2);
});

Deno.test("SimNetwork.oneWay() holds one direction only", async () => {
  const { clock, network, heard, say, answer } = await world(3, ["a"]);
  network.oneWay("a", "server");
  say("a", "held");
  answer("a", "through");
  await clock.run(1000);
  assertEquals(heard, ["a: through"]);
});

Deno.test("SimNetwork.partition() separates groups and leaves each whole", async () => {
  const { clock, network, heard, say } = await world(4, ["a", "b"]);
  network.partition(["server", "a"], ["b"]);
  say("a", "here");
  say("b", "there");
  await clock.run(1000);
  assertEquals(heard, ["server: a says here"]);
});

Deno.test("SimNetwork.kill() tells the peers and silences the host", async () => {
  const { clock, network, heard, say, answer } = await world(5, ["a", "b"]);
  answer("a", "unheard");
  network.kill("a");
  say("a", "unsaid");
  await clock.run(1000);
  assertEquals(heard, ["server: a down, connection lost"]);
  assertEquals(answer("a", "?"), false);
});

Deno.test("SimNetwork.kill() behind a cut is noticed at the timeout", async () => {
  const { clock, network, heard } = await world(6, ["a"], 5000);
  network.cut("a", "server");
  network.kill("a");
  await clock.run(4000);
  assertEquals(heard, []);
  await clock.run(2000);
  assertEquals(heard, ["server: a down, connection timed out"]);
});

Deno.test("SimNetwork.transport() of a killed host is a new process", async () => {
  const { clock, network, heard } = await world(7, ["a"]);
  network.kill("a");
  await clock.run(10);
  const link = network.transport("a").dial("tree", { name: "a again" }, { message: () => {}, down: () => {} });
  link.send(encoder.encode("back"));
  await clock.run(100);
  assertEquals(heard, ["server: a down, connection lost", "server: a again says back"]);
});

Deno.test("SimNetwork.reset() ends connections at once on both sides", async () => {
  const { clock, network, heard } = await world(8, ["a", "b"]);
  network.reset("server", "a");
  await clock.run(1);
  assertEquals(heard.toSorted(), ["a: down, connection reset", "server: a down, connection reset"]);
});

Deno.test("SimNetwork repeats a run exactly from its seed, and counts what happened", async () => {
  const run = async (seed: number) => {
    const { clock, network, heard, say, answer } = await world(seed, ["a", "b", "c"]);
    for (let i = 0; i < 50; i++) {
      for (const host of ["a", "b", "c"]) {
        say(host, `${i}`);
        answer(host, `${i}`);
      }
    }
    network.kill("b");
    await clock.run(1000);
    return { heard, statistics: network.statistics, events: clock.fired };
  };
  const first = await run(11);
  assertEquals(await run(11), first);
  assert((await run(12)).heard.join() !== first.heard.join(), "another seed gives another run");
  assertEquals([first.statistics.connected, first.statistics.ended, first.statistics.sent], [3, 1, 303]);
});

Deno.test("simNetwork() refuses a name that was dialled with before", async () => {
  const { network } = await world(13, ["a"]);
  let text = "";
  try {
    network.transport("a").dial("tree", { name: "a" }, { message: () => {}, down: () => {} });
  } catch (error) {
    text = (error as Error).message;
  }
  assertEquals(text, "the name a was used in an earlier dial");
});

Deno.test("SimNetwork carries a thousand hosts in one process", async () => {
  const clock = virtualClock(), random = seededRandom(14), network = simNetwork({ clock, random });
  const size = 1000, links: Link[] = [];
  let heard = 0;
  const start = performance.now();
  for (let rank = 0; rank < size; rank++) {
    const transport = network.transport(`host-${rank}`);
    const listener = transport.listen(`tbon-${rank}`, {}, {
      message: (peer, body) => void listener.send(peer, new Uint8Array(body)),
      down: () => {},
    });
    if (rank === 0) continue;
    links.push(
      transport.dial(`tbon-${(rank - 1) >> 1}`, { name: `rank-${rank}` }, { message: () => heard++, down: () => {} }),
    );
  }
  for (let i = 0; i < 20; i++) for (const link of links) link.send(encoder.encode("ping"));
  await clock.runUntil(() => heard === 20 * links.length);
  const ms = performance.now() - start;
  console.log(
    `${clock.fired} events, ${Math.round(clock.fired / ms * 1000)} a second, ${
      clock.now().toFixed(1)
    } ms of virtual time`,
  );
});

Deno.test("SimNetwork.stop() lets nothing happen in a process, go() everything that has waited", async () => {
  const { clock, network, heard, say, answer } = await world(8, ["a", "b"]);
  const own = network.clockOf("a");
  for (const ms of [3, 5, 1000]) own.after(ms, () => heard.push(`a: ${ms} ms are over`));
  const cancelled = own.after(4, () => heard.push("a: never"));
  network.stop("a");
  say("b", "unhurt");
  answer("a", "one");
  answer("a", "two");
  await clock.run(100);
  cancelled.cancel();
  assertEquals(heard, ["server: b says unhurt"]);
  network.go("a");
  await clock.run(10);
  assertEquals(heard.slice(1), ["a: 3 ms are over", "a: 5 ms are over", "a: one", "a: two"]);
  await clock.run(1000);
  assertEquals(heard.at(-1), "a: 1000 ms are over");
});

Deno.test("SimNetwork.stop() for longer than a cut may last ends no connection, and nobody can reach the process", async () => {
  const { clock, network, heard, say } = await world(9, ["a", "b"], 5000);
  network.stop("server");
  say("a", "held");
  const reasons: string[] = [];
  const events = { message: () => {}, down: (reason: string) => void reasons.push(reason) };
  network.transport("c").dial("tree", { name: "c", patience: 2000 }, events);
  await clock.run(20_000);
  assertEquals([heard, reasons], [[], ["no answer within 2 s"]]);
  network.go("server");
  await clock.run(10);
  assertEquals(heard, ["server: a says held"]);
});
