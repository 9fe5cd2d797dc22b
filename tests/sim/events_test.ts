import type { Handle } from "../../broker/handle/mod.ts";
import { decode, MessageType, unpack } from "../../broker/message/mod.ts";
import { assert, assertEquals } from "../assert.ts";
import { forSeeds, type SimSession, simSession } from "./session.ts";

interface Heard {
  readonly sequence: number;
  readonly topic: string;
  readonly text: string;
}

/** Everything a client hears from now on. */
async function listener(session: SimSession, client: Handle, prefix = ""): Promise<Heard[]> {
  const heard: Heard[] = [];
  await session.settle(client.listen(prefix, ({ sequence, topic, payload }) => {
    heard.push({ sequence, topic, text: JSON.stringify(payload) });
  }, { from: "anyone" }));
  return heard;
}

/** Publishes `count` events from random ranks at random times, and checks that every listener hears the same. */
async function publishAround(session: SimSession, count: number, listeners: readonly number[]): Promise<void> {
  const { random, size } = session;
  const start = session.brokers[0]!.events.last;
  const heard: Heard[][] = [];
  for (const rank of listeners) heard.push(await listener(session, session.handle(rank)));
  const publishers = Array.from({ length: Math.min(size, 16) }, () => session.handle(random.below(size)));
  for (let i = 0; i < count; i++) {
    const who = random.below(publishers.length);
    publishers[who]!.publish(`test.${who}`, { i });
    if (random.float() < 0.3) await session.run(random.float());
  }
  const tests = (events: readonly Heard[]) => events.filter(({ topic }) => topic.startsWith("test."));
  await session.until(() => heard.every((events) => tests(events).length >= count));
  await session.run(20);

  // What came behind the last of them need not have arrived everywhere.
  const whole = heard.map((events) =>
    events.slice(0, events.findLastIndex(({ topic }) => topic.startsWith("test.")) + 1)
  );
  const [first = []] = whole;
  for (const [i, events] of whole.entries()) assertEquals(events, first, `rank ${listeners[i]} heard something else`);
  assertEquals(first.map(({ sequence }) => sequence), first.map((_, i) => start + 1 + i));
  assertEquals(tests(first).length, count);
  for (let who = 0; who < publishers.length; who++) {
    const own = first.filter(({ topic }) => topic === `test.${who}`).map(({ text }) => JSON.parse(text).i as number);
    assertEquals(own, own.toSorted((a, b) => a - b), `events of publisher ${who} changed places`);
  }
}

const ranks = (size: number) => Array.from({ length: size }, (_, rank) => rank);

for (const [size, seeds, count] of [[1, 3, 50], [2, 20, 100], [8, 20, 200], [64, 4, 300]] as const) {
  Deno.test(`Events of any rank reach every subscriber among ${size} once, in one order`, () =>
    forSeeds(seeds, async (seed) => {
      await publishAround(await simSession({ size, seed, arity: seed % 4 }), count, ranks(size));
    }));
}

Deno.test("Events of any rank reach every subscriber among 1000 once, in one order", () =>
  forSeeds(1, async (seed) => {
    await publishAround(await simSession({ size: 1000, seed }), 50, ranks(1000));
  }));

Deno.test("Events are numbered from 1", async () => {
  const session = await simSession({ size: 3, heartrate: 1e9 });
  const heard = await listener(session, session.handle(2));
  session.handle(1).publish("test.a");
  await session.until(() => heard.length === 1);
  assertEquals(heard, [{ sequence: 1, topic: "test.a", text: "{}" }]);
});

Deno.test("Events that come twice are delivered once", () =>
  forSeeds(10, async (seed) => {
    let doubled = 0;
    const tamper = (_rank: number, endpoint: string, bytes: Uint8Array) => {
      if (!isEvent(endpoint, bytes) || session.random.float() < 0.5) return [bytes];
      doubled++;
      return [bytes, bytes];
    };
    const session = await simSession({ size: 8, seed, tamper });
    await publishAround(session, 100, ranks(8));
    assert(doubled > 100);
  }));

Deno.test("Events that a link lost are noticed and fetched", () =>
  forSeeds(20, async (seed) => {
    let lost = 0;
    const tamper = (_rank: number, endpoint: string, bytes: Uint8Array) => {
      if (!isEvent(endpoint, bytes) || session.random.float() < 0.8) return [bytes];
      lost++;
      return [];
    };
    const session = await simSession({ size: 8, seed, tamper });
    // The pulse of rank 0 shows a loss behind which nothing else comes.
    await publishAround(session, 100, ranks(8));
    assert(lost > 20);
    assert(session.log.some(({ text }) => /^events \d+ to \d+ are missing, fetching them$/.test(text)));
  }));

Deno.test("Events from before a rank joined do not reach it", async () => {
  const session = await simSession({ size: 3, idle: true, heartrate: 1e9 });
  for (const rank of [0, 1]) session.startRank(rank);
  await session.run(20);
  const late = await listener(session, session.handle(2)), early = await listener(session, session.handle(1));
  for (let i = 0; i < 5; i++) session.handle(0).publish("test.early", { i });
  await session.run(20);
  assertEquals([early.length, late.length], [5, 0]);
  await session.start([2]);
  session.handle(1).publish("test.late", {});
  await session.until(() => early.length === 6 && late.length === 1);
  assertEquals(late, [{ sequence: 6, topic: "test.late", text: "{}" }]);
});

Deno.test("Events marked private reach their sender and the owner only", async () => {
  const session = await simSession({ size: 3 });
  const guest = (userid: number) => ({ userid, rolemask: 2 });
  const owner = await listener(session, session.handle(2), "secret");
  const other = await listener(session, session.handle(2, guest(7)), "secret");
  const same = await listener(session, session.handle(1, guest(8)), "secret");
  session.handle(0, guest(8)).publish("secret", { a: 1 }, { private: true });
  await session.run(20);
  assertEquals([owner.length, other.length, same.length], [1, 0, 1]);
});

Deno.test("Events reach a subscriber of hb as hb, and one of heartbeat as heartbeat.pulse", async () => {
  const session = await simSession({ size: 3, heartrate: 100 });
  const older = await listener(session, session.handle(2), "hb"),
    newer = await listener(session, session.handle(1), "heartbeat");
  await session.until(() => older.length >= 3 && newer.length >= 3);
  assertEquals(older.slice(0, 3).map(({ topic }) => topic), ["hb", "hb", "hb"]);
  assertEquals(
    newer.slice(0, 3).map(({ topic, text }) => [topic, text]),
    [0, 1, 2].map((epoch) => ["heartbeat.pulse", `{"epoch":${epoch}}`]),
  );
  assertEquals(older.slice(0, 3).map(({ text }) => text), [0, 1, 2].map((epoch) => `{"epoch":${epoch}}`));
});

function isEvent(endpoint: string, bytes: Uint8Array): boolean {
  return endpoint.includes("/event-") && unpack(bytes).every((message) => decode(message).type === MessageType.event);
}

Deno.test("Events reach the other subscribers when one of them throws", async () => {
  const session = await simSession({ size: 2, heartrate: 1e9 });
  const faults: string[] = [];
  const client = session.handle(1, {}, (topic, error) => faults.push(`${topic}: ${(error as Error).message}`));
  await session.settle(client.listen("t", () => {
    throw new Error("oops");
  }));
  const heard = await listener(session, session.handle(1), "t");
  session.handle(0).publish("t.a");
  session.handle(0).publish("t.b");
  await session.run(20);
  assertEquals(heard.map(({ topic }) => topic), ["t.a", "t.b"]);
  assertEquals(faults, ["event t.a: oops", "event t.b: oops"]);
});

Deno.test("Events that are no pulse leave the heartbeat alone", async () => {
  const session = await simSession({ size: 2, heartrate: 1000 });
  const client = session.handle(1);
  client.publish("heartbeat.pulse", new TextEncoder().encode("rubbish"));
  client.publish("heartbeat.pulse", {});
  session.handle(1, { userid: 7, rolemask: 2 }).publish("heartbeat.pulse", { epoch: 1e9 });
  await session.run(2500);
  assertEquals(session.brokers.map(({ heartbeat }) => heartbeat.epoch), [1, 1]);
});

Deno.test("Events reach a broker that joined its parent before the parent knew the sequence", async () => {
  const session = await simSession({ size: 3, arity: 1, idle: true, heartrate: 1e9 });
  const up = session.startRank(0), deep = session.startRank(2);
  await session.run(20);
  for (let i = 0; i < 5; i++) session.handle(0).publish("test.early", { i });
  await session.run(20);
  await session.settle(Promise.all([up, session.startRank(1), deep]));
  const heard = await listener(session, session.handle(2), "test");
  session.handle(0).publish("test.late", {});
  await session.until(() => heard.length === 1);
  assertEquals(heard, [{ sequence: 6, topic: "test.late", text: "{}" }]);
});

Deno.test("events that follow from one another wake every broker once", async () => {
  const session = await simSession({ size: 7, heartrate: 1e6 });
  await session.run(1000);
  const { statistics } = session.network, publisher = session.handle(0);
  const seen: string[] = [];
  await session.settle(session.handle(6).listen("chain.", ({ topic }) => void seen.push(topic)));
  await session.run(1000);
  const before = statistics.sent;
  for (const step of ["chain.a", "chain.b", "chain.c"]) {
    publisher.publish(step, {});
    for (let answer = 0; answer < 5; answer++) await Promise.resolve();
  }
  await session.run(1000);
  assertEquals([seen, statistics.sent - before], [["chain.a", "chain.b", "chain.c"], 6]);
});
