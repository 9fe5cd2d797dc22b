import { formatLogLine, formatTime, type Handle, parseLogLine } from "../../broker/handle/mod.ts";
import { decodeText, encodeJson, errnum, Flag, Message, MessageType, Role } from "../../broker/message/mod.ts";
import { endpointChannel } from "../../broker/router/mod.ts";
import { assert, assertEquals, assertRejects } from "../assert.ts";
import { messagesOf, readCapture } from "../captures.ts";
import { forSeeds, type SimSession, simSession, USERID } from "./session.ts";

const utf8 = new TextEncoder();

function line(session: SimSession, rank: number, text: string, severity = 6): Uint8Array {
  const time = formatTime(session.clock.wall());
  return utf8.encode(formatLogLine({ severity, time, host: `${rank}`, app: "test", pid: "1", text }));
}

/** The texts of a broker's log. */
async function dmesg(handle: Handle, options: object = {}): Promise<string[]> {
  const texts: string[] = [];
  for await (const line of handle.streamRaw("log.dmesg", encodeJson({ follow: false, ...options }))) {
    texts.push(parseLogLine(decodeText(line)).text);
  }
  return texts;
}

/** What rank 0 has written of the lines whose text is `RANK.NUMBER`, numbers by rank. */
function writtenNumbers(session: SimSession): number[][] {
  const numbers: number[][] = Array.from({ length: session.size }, () => []);
  for (const line of session.written) {
    const match = /^\[\d+\.\d{6}\] test\.info\[(\d+)\]: (\d+)\.(\d+)$/.exec(line);
    if (!match) continue;
    assertEquals(match[1], match[2], line);
    numbers[Number(match[1])]!.push(Number(match[3]));
  }
  return numbers;
}

/** An endpoint of a broker that shows every message it is given. */
function rawClient(session: SimSession, rank: number, options: { rolemask?: number; backlog?(): number } = {}) {
  const received: Message[] = [];
  const owner = { id: session.random.uuid(), userid: USERID, rolemask: Role.owner | Role.local, ...options };
  const channel = endpointChannel(session.brokers[rank]!.router, owner);
  channel.open({ message: (message) => void received.push(message), closed: () => {} });
  return { received, channel, send: (message: Message) => channel.send(message) };
}

const upTo = (n: number) => Array.from({ length: n }, (_, i) => i);
const getattr = async (handle: Handle, name: string) =>
  (await handle.rpc<{ value: string }>("attr.get", { name })).value;

Deno.test("lines logged on every rank of 64 are written at rank 0 once, in order for each rank", async () => {
  await forSeeds(2, async (seed) => {
    const session = await simSession({ size: 64, seed, arity: 1 + seed });
    const random = session.random.fork("lines");
    const handles = upTo(64).map((rank) => session.handle(rank));
    for (let i = 0; i < 20; i++) {
      for (const [rank, handle] of handles.entries()) handle.post("log.append", line(session, rank, `${rank}.${i}`));
      await session.run(random.float() * 8);
    }
    await session.run(500);
    assertEquals(writtenNumbers(session), upTo(64).map(() => upTo(20)));
    const ring = (await session.settle(dmesg(session.handle(0)))).filter((text) => /^\d+\.\d+$/.test(text));
    assertEquals(ring.length, Math.min(1024, 64 * 20));
  });
});

Deno.test("bursts logged on 1,000 ranks reach rank 0 in about two messages a link", async () => {
  const session = await simSession({ size: 1000 });
  const sent = session.network.statistics.sent;
  for (let i = 0; i < 5; i++) {
    for (let rank = 0; rank < 1000; rank++) session.brokers[rank]!.logs.log("info", `${rank}.${i}`, "test");
  }
  await session.run(500);
  const messages = session.network.statistics.sent - sent;
  assertEquals(writtenNumbers(session), upTo(1000).map(() => upTo(5)));
  assert(messages < 2.5 * 999, `${messages} messages`);
});

Deno.test("ranks that die lose the end of what they logged at most; nothing comes twice or out of order", async () => {
  await forSeeds(10, async (seed) => {
    const session = await simSession({ size: 31, seed });
    const random = session.random.fork("faults");
    const victims = [1 + random.below(30), 1 + random.below(30)];
    const cut = new Set(victims.flatMap((rank) => [...session.brokers[0]!.topology.subtree(rank)]));
    for (let i = 0; i < 40; i++) {
      for (const { logs, options: { rank } } of session.brokers) {
        if (session.isAlive(rank)) logs.log("info", `${rank}.${i}`, "test");
      }
      if (i === 15) session.kill(victims[0]!);
      if (i === 25 && session.isAlive(victims[1]!)) session.kill(victims[1]!);
      await session.run(random.float() * 5);
    }
    await session.run(2000);
    for (const [rank, numbers] of writtenNumbers(session).entries()) {
      assertEquals(numbers, upTo(cut.has(rank) ? numbers.length : 40), `rank ${rank}`);
    }
  });
});

Deno.test("the last lines of every rank are written before the session has ended", async () => {
  const session = await simSession({ size: 15 });
  void session.brokers[0]!.shutdown(0, "enough");
  await session.settle(session.brokers[0]!.exited);
  const ranks = session.written.map((line) => /broker\.info\[(\d+)\]: shutdown: /.exec(line)?.[1]).filter(Boolean);
  assertEquals(ranks.map(Number).sort((a, b) => a - b), upTo(15));
});

Deno.test("a rank other than 0 keeps its own lines only", async () => {
  const session = await simSession({ size: 7 });
  session.brokers[3]!.log("info", "from three", "test");
  session.brokers[1]!.log("info", "from one", "test");
  await session.run(100);
  const texts = await session.settle(Promise.all([0, 1, 3].map((rank) => dmesg(session.handle(rank)))));
  assertEquals(texts.map((all) => all.filter((text) => text.startsWith("from"))), [
    ["from one", "from three"],
    ["from one"],
    ["from three"],
  ]);
});

Deno.test("log-level of a rank decides what it forwards, and of rank 0 what is written", async () => {
  const session = await simSession({ size: 2, attributes: { "log-level": "err" } });
  const log = (text: string) => {
    for (const { logs } of session.brokers) logs.log("notice", text, "test");
    return session.run(100);
  };
  await log("quiet");
  await session.settle(session.handle(1).rpc("attr.set", { name: "log-level", value: "5" }));
  await log("still filtered at rank 0");
  await session.settle(session.handle(0).rpc("attr.set", { name: "log-forward-level", value: "notice" }));
  await log("loud");
  assertEquals(session.written.filter((line) => line.includes("test.")).map((line) => line.slice(line.indexOf("t"))), [
    "test.notice[0]: loud",
    "test.notice[1]: loud",
  ]);
});

Deno.test("critical lines are shown where they are logged at once, and written at rank 0", async () => {
  const session = await simSession({ size: 2 });
  session.brokers[1]!.log("crit", "fire", "test");
  assert(session.alarms.at(-1)!.endsWith("test.crit[1]: fire"));
  await session.run(5);
  assert(session.written.at(-1)!.endsWith("test.crit[1]: fire"));
});

Deno.test("log.append without a matchtag is not answered, with one it is, and is counted before the next request", async () => {
  const session = await simSession({ size: 1 });
  const client = rawClient(session, 0);
  const before = session.brokers[0]!.logs.ring.next;
  const append = (aux2: number, payload: Uint8Array) =>
    client.send(new Message({ type: MessageType.request, aux1: 0xffffffff, aux2, topic: "log.append", payload }));
  append(0, line(session, 0, "one"));
  append(0, utf8.encode("no log line"));
  assertEquals(client.received.length, 0);
  append(7, line(session, 0, "two"));
  append(8, utf8.encode("no log line"));
  assertEquals(client.received.map(({ matchtag, errnum }) => [matchtag, errnum]), [[7, 0], [8, errnum("EPROTO")]]);
  assertEquals(await session.settle(getattr(session.handle(0), "log-count")), `${before + 3}`);
  assertEquals((await session.settle(dmesg(session.handle(0)))).slice(-3), ["one", "no log line", "two"]);
});

Deno.test("guests may neither write, read nor clear the log", async () => {
  const session = await simSession({ size: 1 });
  const guest = session.handle(0, { userid: 77, rolemask: Role.user });
  await assertRejects(session.settle(guest.rpcRaw("log.append", line(session, 0, "x"))), { errno: "EPERM" });
  await assertRejects(session.settle(dmesg(guest)), { errno: "EPERM" });
  await assertRejects(session.settle(guest.rpc("log.clear")), { errno: "EPERM" });
});

Deno.test("log.dmesg refuses a request that is no stream with EPROTO", async () => {
  const session = await simSession({ size: 1 });
  await assertRejects(session.settle(session.handle(0).rpc("log.dmesg", { follow: false })), { errno: "EPROTO" });
});

Deno.test("log.dmesg follows from the first line or from now, until it is cancelled", async () => {
  const session = await simSession({ size: 1 });
  const { logs } = session.brokers[0]!;
  logs.log("debug", "old", "test");
  const read = (options: object) => {
    const texts: string[] = [];
    const stream = session.handle(0).streamRaw("log.dmesg", encodeJson({ follow: true, ...options }));
    void (async () => {
      for await (const line of stream) texts.push(parseLogLine(decodeText(line)).text);
    })();
    return { texts, stream };
  };
  const all = read({});
  const fresh = read({ nobacklog: true });
  await session.run(1);
  logs.log("debug", "new", "test");
  await session.run(1);
  assertEquals([all.texts.slice(-2), fresh.texts], [["old", "new"], ["new"]]);
  await all.stream.return();
  logs.log("debug", "later", "test");
  await session.run(1);
  assertEquals([all.texts.at(-1), fresh.texts.at(-1)], ["new", "later"]);
});

Deno.test("log.cancel ends a follower with ENODATA, and log.disconnect without a word", async () => {
  const session = await simSession({ size: 1 });
  const follow = (client: ReturnType<typeof rawClient>, aux2: number) =>
    client.send(
      new Message({
        type: MessageType.request,
        flags: Flag.streaming,
        aux1: 0xffffffff,
        aux2,
        topic: "log.dmesg",
        payload: encodeJson({ follow: true, nobacklog: true }),
      }),
    );
  const client = rawClient(session, 0);
  follow(client, 5);
  const payload = encodeJson({ matchtag: 5 });
  client.send(
    new Message({ type: MessageType.request, flags: Flag.noresponse, aux1: 0xffffffff, topic: "log.cancel", payload }),
  );
  await session.run(1);
  assertEquals(client.received.map(({ errnum, matchtag }) => [errnum, matchtag]), [[errnum("ENODATA"), 5]]);

  const other = rawClient(session, 0);
  follow(other, 6);
  await session.run(1);
  other.channel.close();
  session.brokers[0]!.log("info", "after", "test");
  await session.run(1);
  assertEquals(other.received.length, 0);
});

Deno.test("a follower that does not read is sent a bounded amount, and told what it missed when it reads again", async () => {
  const session = await simSession({ size: 1 });
  const { logs } = session.brokers[0]!;
  let taken = 0;
  const size = (messages: Message[]) => messages.reduce((sum, { payload }) => sum + (payload?.length ?? 0), 0);
  const client = rawClient(session, 0, { backlog: () => size(client.received) - taken });
  const payload = encodeJson({ follow: true, nobacklog: true });
  client.send(
    new Message({
      type: MessageType.request,
      flags: Flag.streaming,
      aux1: 0xffffffff,
      aux2: 1,
      topic: "log.dmesg",
      payload,
    }),
  );
  for (let i = 0; i < 10_000; i++) logs.log("debug", `${i} ${"x".repeat(100)}`, "test");
  await session.run(100);
  assert(size(client.received) < 300 << 10, `${size(client.received)} bytes sent`);
  taken = size(client.received);
  const first = client.received.length;
  await session.run(100);
  const rest = client.received.slice(first).map(({ payload }) => parseLogLine(decodeText(payload)).text);
  const skipped = Number(/^(\d+) lines were skipped: this reader is too slow$/.exec(rest[0]!)?.[1]);
  assertEquals(first + skipped + rest.length - 1, 10_000);
  assert(rest.at(-1)!.startsWith("9999 "));
});

Deno.test("log.clear empties the ring and leaves the count; log-bufcount is 0 then", async () => {
  const session = await simSession({ size: 1 });
  session.brokers[0]!.log("info", "a", "test");
  const handle = session.handle(0);
  const count = await session.settle(getattr(handle, "log-count"));
  await session.settle(handle.rpc("log.clear"));
  const after = await session.settle(Promise.all(["log-bufcount", "log-count"].map((name) => getattr(handle, name))));
  assertEquals(after, ["0", count]);
});

Deno.test("log.dmesg with clear empties the ring of what it sent", async () => {
  const session = await simSession({ size: 1 });
  const { logs } = session.brokers[0]!;
  logs.log("info", "a", "test");
  assertEquals((await session.settle(dmesg(session.handle(0), { clear: true }))).at(-1), "a");
  assertEquals(await session.settle(dmesg(session.handle(0))), []);
});

Deno.test("log-buflimit and log-ring-size are one, and trim the ring at once", async () => {
  const session = await simSession({ size: 1 });
  for (let i = 0; i < 20; i++) session.brokers[0]!.log("info", `${i}`, "test");
  const handle = session.handle(0);
  await session.settle(handle.rpc("attr.set", { name: "log-buflimit", value: "4" }));
  const names = ["log-ring-size", "log-buflimit", "log-bufcount"];
  assertEquals(await session.settle(Promise.all(names.map((name) => getattr(handle, name)))), ["4", "4", "4"]);
  assertEquals(await session.settle(dmesg(handle)), ["16", "17", "18", "19"]);
  for (const value of ["-1", "x", "99999999"]) {
    await assertRejects(session.settle(handle.rpc("attr.set", { name: "log-buflimit", value })), { errno: "EINVAL" });
  }
});

Deno.test("log attributes from the command line hold, and one that cannot be is named", async () => {
  const attributes = { "log-ring-size": "7", "log-critical-level": "1" };
  const handle = (await simSession({ size: 1, attributes })).handle(0);
  assertEquals([await getattr(handle, "log-ring-size"), await getattr(handle, "log-critical-level")], ["7", "1"]);
  const error = await assertRejects(simSession({ size: 1, attributes: { "log-level": "loud" } }), { errno: "EINVAL" });
  assertEquals(error.message, 'log-level must be 0 to 7 or a level\'s name, not "loud"');
});

Deno.test("log.stats-get tells the lines of this rank from those of others", async () => {
  const session = await simSession({ size: 2 });
  const start = await session.settle(session.handle(0).rpc<Record<string, number>>("log.stats-get"));
  session.brokers[0]!.log("info", "a", "test");
  session.brokers[1]!.log("info", "b", "test");
  await session.run(100);
  const now = await session.settle(session.handle(0).rpc<Record<string, number>>("log.stats-get"));
  assertEquals([now.local! - start.local!, now.remote! - start.remote!, now.count! - start.count!], [1, 1, 2]);
  assertEquals(now["ring-used"], now.count);
});

Deno.test("the log conversations of flux 0.88 are answered as its own broker does", async () => {
  for (const name of ["logger", "dmesg", "dmesgC"]) {
    const session = await simSession({ size: 1 });
    session.brokers[0]!.log("debug", "something", "test");
    const client = rawClient(session, 0);
    const spoken = messagesOf(readCapture(name));
    for (const { direction, message } of spoken) if (direction === "->") client.send(message!.copy());
    await session.run(1);
    const shape = (
      { type, topic, flags, errnum, matchtag, rolemask }: Message,
    ) => [type, topic, flags, errnum, matchtag, rolemask];
    const distinct = (messages: Message[]) => [...new Set(messages.map((message) => JSON.stringify(shape(message))))];
    const theirs = spoken.filter(({ direction }) => direction === "<-").map(({ message }) => message!);
    assertEquals(distinct(client.received), distinct(theirs), name);
    if (name === "logger") assertEquals((await session.settle(dmesg(session.handle(0)))).at(-1), "hello world");
  }
});
