/** One program on many simulated ranks: what travels, what comes out of it, and what is left when brokers die. */

import exec from "../../commands/exec.ts";
import { encodeNotes, encodeTaskNote, type MrpcStream } from "../../broker/handle/mod.ts";
import { encodeJson, encodeText, Idset, Role } from "../../broker/message/mod.ts";
import { sleep } from "../../broker/ports/mod.ts";
import { assert, assertEquals, assertRejects } from "../assert.ts";
import { run, RunningCommand } from "./run_command.ts";
import { forSeeds, type SimSession, simSession } from "./session.ts";
import type { Program } from "./spawner.ts";

const isIdle = (session: SimSession) =>
  session.brokers.every((broker, rank) => !session.isAlive(rank) || broker.launcher.list.all.length === 0);
const rankOf = (env: Readonly<Record<string, string>>) => Number(env.FLUX_URI!.split("-").at(-1));

/** Says a few numbered lines, with pauses that differ from rank to rank and from line to line. */
const chatter: Program = async ({ argv, env, clock, print, killed }) => {
  const rank = rankOf(env);
  for (let i = 0; i < Number(argv[1]); i++) {
    print(`${i}\n`);
    await sleep(clock, (rank * 7 + i * 13) % 40, killed);
  }
  return rank % 3;
};

/** What each rank has printed, by the labels of its lines. */
function byRank(out: string): Map<number, string[]> {
  const lines = new Map<number, string[]>();
  for (const line of out.split("\n").slice(0, -1)) {
    const [, rank, text] = /^(\d+): (.*)$/.exec(line)!;
    const before = lines.get(Number(rank));
    if (before) before.push(text!);
    else lines.set(Number(rank), [text!]);
  }
  return lines;
}

Deno.test("flux exec on 400 ranks takes one request and few answers a link", async () => {
  const session = await simSession({ size: 400 });
  const before = session.network.statistics.sent;
  const { status, out } = await run(session, 399, exec, "-n", "-l", "echo", "hi");
  assertEquals([status, out.split("\n").length], [0, 401]);
  const messages = session.network.statistics.sent - before;
  assert(messages < 3.2 * 399, `${messages} messages`);
});

Deno.test("news that are the same on many ranks come to the client as one", async () => {
  const session = await simSession({ size: 100 });
  const heard: string[] = [];
  const cmd = { cmdline: ["echo", "hi"], opts: { stdin_CLOSED: "true" } };
  const stream = session.handle(17).mrpcStream("rexec.exec", encodeJson({ cmd, flags: 3 }));
  await session.settle((async () => {
    for await (const { ranks, errnum } of stream) heard.push(`${ranks} ${errnum}`);
  })());
  // That they have started, which could wait; what came of it; their end.
  assertEquals(heard, ["0-99 0", "0-99 0", "0-99 61"]);
});

Deno.test("flux exec loses and swaps no line, whatever ranks and tree, and takes the highest status", async () => {
  await forSeeds(5, async (seed) => {
    const session = await simSession({ size: 64, seed, arity: 1 + seed % 5, programs: { chatter } });
    const random = session.random.fork("choice");
    const ranks = new Idset([random.below(64)]);
    for (let i = random.below(64); i > 0; i--) ranks.add(random.below(64));
    const { status, out } = await run(session, random.below(64), exec, "-n", "-l", "-r", `${ranks}`, "chatter", "12");
    assertEquals(status, Math.max(...[...ranks].map((rank) => rank % 3)));
    const lines = byRank(out);
    assertEquals(`${new Idset(lines.keys())}`, `${ranks}`);
    for (const [rank, texts] of lines) {
      assertEquals(texts, Array.from({ length: 12 }, (_, i) => `${i}`), `rank ${rank}`);
    }
  });
});

Deno.test("flux exec sends its input down each link once", async () => {
  const session = await simSession({ size: 128, arity: 3 });
  const before = session.network.statistics.sent;
  const running = new RunningCommand(session, 64, exec, ["-l", "cat"]);
  const text = Array.from({ length: 1_000 }, (_, i) => `line ${i}`).join("\n");
  running.around.input = new TextEncoder().encode(`${text}\n`);
  assertEquals(await session.settle(running.status), 0);
  const lines = byRank(running.around.out);
  assertEquals(`${new Idset(lines.keys())}`, "0-127");
  for (const texts of lines.values()) assertEquals(texts.join("\n"), text);
  const messages = session.network.statistics.sent - before;
  assert(messages < 16 * 127, `${messages} messages`);
});

/** What `rexec.exec` on all ranks tells, as `RANKS ERRNUM`, in order. */
function follow(stream: MrpcStream): { readonly heard: string[]; readonly done: Promise<void> } {
  const heard: string[] = [];
  const done = (async () => {
    for await (const { ranks, errnum } of stream) heard.push(`${ranks} ${errnum}`);
  })();
  return { heard, done };
}

/** The ranks that a line of {@link follow} says the end of. */
function endedIn(line: string): Idset {
  const [ranks, errnum] = line.split(" ");
  return Idset.parse(errnum === "61" ? ranks! : "");
}

Deno.test("what is said to some ranks of a stream reaches those, and nobody else", async () => {
  const session = await simSession({ size: 40 });
  const cmd = { cmdline: ["sleep", "60"], opts: { stdin_CLOSED: "true" } };
  const stream = session.handle(39).mrpcStream("rexec.exec", encodeJson({ cmd, flags: 3 }));
  const { heard, done } = follow(stream);
  await session.until(() => session.spawners.every(({ running }) => running.size === 1));
  await session.run(100);
  stream.tell([
    { ranks: Idset.parse("3,12-20,39"), payload: encodeTaskNote({ type: "signal", number: 15 }) },
    { ranks: Idset.parse("4"), payload: encodeText("no note") },
  ]);
  await session.run(500);
  const running = session.spawners.flatMap(({ running }, rank) => running.size > 0 ? [rank] : []);
  assertEquals(`${new Idset(running)}`, "0-2,4-11,21-38");
  assertEquals(`${heard.reduce((all, line) => all.union(endedIn(line)), new Idset())}`, "3,12-20,39");
  await session.settle(done);
});

Deno.test("flux exec passes a signal on to every task", async () => {
  const session = await simSession({ size: 31 });
  const running = new RunningCommand(session, 20, exec, ["-n", "sleep", "1000"]);
  await session.until(() => session.spawners.every(({ running }) => running.size === 1));
  await session.run(200);
  running.around.send("SIGINT");
  assertEquals(await session.settle(running.status), 130);
  assertEquals(running.around.err, "exec: sending SIGINT to 31 processes; another within 1 s kills what is left\n");
});

Deno.test("a client that goes away leaves no task on any of 256 ranks", async () => {
  const session = await simSession({ size: 256, arity: 4 });
  const handle = session.handle(177);
  const cmd = { cmdline: ["stubborn"], opts: { stdin_CLOSED: "true" } };
  const { done } = follow(handle.mrpcStream("rexec.exec", encodeJson({ cmd, flags: 3 })));
  done.catch(() => {});
  await session.until(() => session.spawners.every(({ running }) => running.size === 1));
  handle.close();
  await session.until(() => isIdle(session));
  assertEquals(session.spawners.some(({ running }) => running.size > 0), false);
});

Deno.test("each rank of a stream ends once, also where brokers die, and no task outlives its client's interest", async () => {
  await forSeeds(7, async (seed) => {
    const sizes = [7, 64, 200, 1024];
    const size = sizes[seed % sizes.length]!;
    const session = await simSession({ size, seed, arity: 1 + seed % 4 * (size > 64 ? 2 : 1), programs: { chatter } });
    const random = session.random.fork("deaths");
    const running = new RunningCommand(session, 0, exec, ["-n", "-l", "chatter", "15"]);
    const { topology } = session.brokers[0]!;
    const cut = new Idset();
    for (let i = 0; i < 3; i++) {
      await session.run(random.float() * 150);
      const victim = 1 + random.below(size - 1);
      session.kill(victim);
      for (const rank of topology.subtree(victim)) cut.add(rank);
    }
    assertEquals(await session.settle(running.status), 68);
    const { out, err } = running.around;
    const failed = err.split("\n").slice(0, -1).map((line) =>
      Number(/^exec: Error: rank (\d+): No route/.exec(line)![1])
    );
    assertEquals(new Idset(failed).size, failed.length, "no rank is named twice");
    assertEquals(`${new Idset(failed).difference(cut)}`, "", "only what was cut off is lost");
    for (const [rank, texts] of byRank(out)) {
      assertEquals(texts, texts.map((_, i) => `${i}`), `rank ${rank}`);
      if (!failed.includes(rank)) assertEquals(texts.length, 15, `rank ${rank}`);
    }
    await session.until(() => isIdle(session));
  });
});

Deno.test("a call as a stream is for owners, and for methods that are one", async () => {
  const session = await simSession({ size: 3 });
  const request = encodeJson({ cmd: { cmdline: ["true"] }, flags: 0 });
  const guest = session.handle(1, { userid: 77, rolemask: Role.user });
  await assertRejects(session.settle(follow(guest.mrpcStream("rexec.exec", request)).done), { errno: "EPERM" });
  const owner = session.handle(1);
  await assertRejects(session.settle(follow(owner.mrpcStream("rexec.list", request)).done), { errno: "ENOSYS" });
  await assertRejects(session.settle(follow(owner.mrpcStream("rexec.exec", request, { ranks: "" })).done), {
    errno: "EINVAL",
  });
  const { heard, done } = follow(owner.mrpcStream("rexec.exec", request, { ranks: "1,900" }));
  await session.settle(done);
  assertEquals(heard.toSorted(), ["1 0", "1 61", "900 113"]);
});

Deno.test("only who has begun a stream is heard by its tasks", async () => {
  const session = await simSession({ size: 3 });
  const cmd = { cmdline: ["sleep", "60"], opts: { stdin_CLOSED: "true" } };
  const { heard, done } = follow(session.handle(1).mrpcStream("rexec.exec", encodeJson({ cmd, flags: 3 })));
  await session.until(() => session.spawners.every(({ running }) => running.size === 1));
  const payload = encodeTaskNote({ type: "signal", number: 9 });
  const stranger = session.handle(1, { userid: 77, rolemask: Role.user });
  const guesses = [0, 1, 2, 3].map((matchtag) => encodeNotes(matchtag, [{ ranks: Idset.upTo(3), payload }]));
  for (const guess of guesses) for (const handle of [stranger, session.handle(1)]) handle.post("mrpc.tell", guess);
  for (const garbage of ["", "{}", '{"matchtag":1,"notes":[["9-",0,5]]}']) {
    stranger.post("mrpc.tell", new TextEncoder().encode(`${garbage}\0`));
  }
  await session.run(1000);
  assertEquals(session.spawners.map(({ running }) => running.size), [1, 1, 1]);
  await session.settle(done);
  assertEquals(`${heard.reduce((all, line) => all.union(endedIn(line)), new Idset())}`, "0-2");
});
