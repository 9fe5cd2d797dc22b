import type { Answer, Handle, MrpcOptions } from "../../broker/handle/mod.ts";
import { user } from "../../broker/handle/mod.ts";
import { Idset, Role } from "../../broker/message/mod.ts";
import { assert, assertEquals, assertRejects } from "../assert.ts";
import { forSeeds, type SimSession, simSession } from "./session.ts";

const EHOSTUNREACH = 113;
const ETIMEDOUT = 110;

/** All answers of one call, in order. */
async function collect(handle: Handle, topic: string, options: MrpcOptions = {}, payload?: object): Promise<Answer[]> {
  const answers: Answer[] = [];
  for await (const answer of handle.mrpc(topic, payload, options)) answers.push(answer);
  return answers;
}

const ranksOf = (answers: Answer[], errnum = 0) =>
  `${new Idset(answers.filter((a) => a.errnum === errnum).map((a) => a.rank))}`;

/** Fails unless each of `ranks` answered once. */
function assertOnceEach(answers: Answer[], ranks: Idset): void {
  assertEquals(answers.length, ranks.size);
  assertEquals(`${new Idset(answers.map(({ rank }) => rank))}`, `${ranks}`);
}

/** A service on every rank whose method `slow.wait` answers after `ms`; says who is still waited for. */
async function serveSlow(session: SimSession, ms: (rank: number) => number): Promise<Set<number>> {
  const waiting = new Set<number>();
  await session.settle(Promise.all(session.brokers.map((_, rank) =>
    session.handle(rank).serve({
      "slow.wait": (request) =>
        new Promise((resolve) => {
          const done = () => {
            waiting.delete(rank);
            resolve({ rank });
          };
          waiting.add(rank);
          session.clock.after(ms(rank), done);
          request.signal.addEventListener("abort", done);
        }),
    })
  )));
  return waiting;
}

Deno.test("Handle.mrpc() of a session of one rank calls that rank", async () => {
  const session = await simSession({ size: 1 });
  const [answer, ...others] = await session.settle(collect(session.handle(0), "attr.get", {}, { name: "rank" }));
  assertEquals([answer!.rank, answer!.payload.value, others.length], [0, "0", 0]);
});

Deno.test("Handle.mrpc() from any rank gets the answer of every rank of any subset, once, and its own", async () => {
  await forSeeds(5, async (seed) => {
    const session = await simSession({ size: 64, seed, arity: 1 + seed });
    const random = session.random.fork("calls");
    await session.settle(Promise.all(Array.from({ length: 8 }, async () => {
      const ranks = new Idset([random.below(64)]);
      for (let i = random.below(64); i > 0; i--) ranks.add(random.below(64));
      const answers = await collect(session.handle(random.below(64)), "attr.get", { ranks }, { name: "rank" });
      assertOnceEach(answers, ranks);
      for (const { rank, payload } of answers) assertEquals(payload.value, `${rank}`);
    })));
  });
});

Deno.test("Handle.mrpc() over 1,000 ranks takes one request and few answers a link", async () => {
  const session = await simSession({ size: 1000 });
  const sent = session.network.statistics.sent;
  const start = session.clock.now();
  assertOnceEach(await session.settle(collect(session.handle(999), "mrpc.none")), Idset.upTo(1000));
  await session.run(50);
  const messages = session.network.statistics.sent - sent;
  assert(messages < 3.2 * 999, `${messages} messages`);
  assert(session.clock.now() - start < 100, `${session.clock.now() - start} ms`);
});

Deno.test("Handle.mrpc() names what each rank fails with, with its text", async () => {
  const session = await simSession({ size: 4 });
  await session.settle(session.handle(2).serve({ "odd.one": () => ({}) }));
  const answers = await session.settle(collect(session.handle(1), "odd.one"));
  assertOnceEach(answers, Idset.upTo(4));
  assertEquals(ranksOf(answers), "2");
  assertEquals(answers.find(({ rank }) => rank === 3)!.error!.message, "No service matching odd.one is registered");
});

Deno.test("Handle.mrpc() carries bytes that are no JSON both ways", async () => {
  const session = await simSession({ size: 8, modules: ["mecho"] });
  const payload = new Uint8Array([0, 255, 0, 10]);
  const answers = await session.settle((async () => {
    const all: Answer[] = [];
    for await (const answer of session.handle(5).mrpc("mecho", payload)) all.push(answer);
    return all;
  })());
  assertOnceEach(answers, Idset.upTo(8));
  for (const { bytes } of answers) assertEquals([...bytes!], [...payload]);
});

Deno.test("Handle.mrpc() refuses no rank, and a rank that is not there, with EINVAL", async () => {
  const session = await simSession({ size: 4 });
  const handle = session.handle(3);
  const call = (ranks: string) =>
    assertRejects(session.settle(collect(handle, "mecho", { ranks })), { errno: "EINVAL" });
  assertEquals((await call("")).message, "no rank to call");
  assertEquals((await call("2-4")).message, "there is no rank 4: the session has 4 ranks");
  await call("nine");
});

Deno.test("Handle.mrpc() calls with the caller's userid and role, without LOCAL, on every rank alike", async () => {
  const session = await simSession({ size: 8 });
  await session.settle(Promise.all(session.brokers.map((_, rank) =>
    session.handle(rank).serve({
      "who.am": user(({ userid, rolemask }) => ({ userid, rolemask })),
      "who.owns": () => ({}),
    })
  )));
  const guest = session.handle(6, { userid: 77, rolemask: Role.user | Role.local });
  const asGuest = await session.settle(collect(guest, "who.am"));
  assertOnceEach(asGuest, Idset.upTo(8));
  for (const { payload } of asGuest) assertEquals(payload, { userid: 77, rolemask: Role.user });
  const asOwner = await session.settle(collect(session.handle(6), "who.am"));
  for (const { payload } of asOwner) assertEquals(payload, { userid: 1000, rolemask: Role.owner });
  const refused = await session.settle(collect(guest, "who.owns"));
  assertOnceEach(refused, Idset.upTo(8));
  for (const { error } of refused) assertEquals(error!.message, "Request requires owner credentials");
});

Deno.test("mrpc.fan is for brokers: a guest may not call in another's name", async () => {
  const session = await simSession({ size: 2 });
  const guest = session.handle(0, { userid: 77, rolemask: Role.user });
  const stream = guest.streamRaw("mrpc.fan", new TextEncoder().encode('{"topic":"a","ranks":"0"}\0'));
  await assertRejects(session.settle(stream.next()), { errno: "EPERM" });
});

Deno.test("Handle.mrpc() names ranks that cannot be reached, and only those, as EHOSTUNREACH", async () => {
  const session = await simSession({ size: 15 });
  session.kill(5);
  await session.run(10);
  const answers = await session.settle(collect(session.handle(3), "attr.get", {}, { name: "rank" }));
  assertOnceEach(answers, Idset.upTo(15));
  const behind = session.brokers[5]!.topology.subtree(5);
  assertEquals(ranksOf(answers, EHOSTUNREACH), `${behind}`);
  assertEquals(ranksOf(answers), `${Idset.upTo(15).difference(behind)}`);
});

Deno.test("Handle.mrpc() answers for ranks that die under way, keeps what they had said, and counts none twice", async () => {
  await forSeeds(10, async (seed) => {
    const session = await simSession({ size: 64, seed });
    const random = session.random.fork("faults");
    await serveSlow(session, () => random.float() * 40);
    const victims = new Set([1 + random.below(63), 1 + random.below(63)]);
    const lost = new Idset();
    for (const victim of victims) for (const rank of session.brokers[0]!.topology.subtree(victim)) lost.add(rank);
    const answers = collect(session.handle(0), "slow.wait");
    for (const victim of victims) {
      await session.run(random.float() * 20);
      session.kill(victim);
    }
    const all = await session.settle(answers);
    assertOnceEach(all, Idset.upTo(64));
    const failed = new Idset(all.filter(({ errnum }) => errnum !== 0).map(({ rank }) => rank));
    assert(failed.difference(lost).size === 0, `${failed} failed, ${lost} were cut off`);
    for (const victim of victims) assert(all.find(({ rank }) => rank === victim)!.errnum !== 0 || !failed.has(victim));
    for (const { errnum } of all) assert(errnum === 0 || errnum === EHOSTUNREACH, `errnum ${errnum}`);
  });
});

Deno.test("Handle.mrpc() fails the ranks that miss its deadline with ETIMEDOUT, and lets the others answer", async () => {
  const session = await simSession({ size: 64 });
  const late = new Set([0, 9, 31, 63]);
  const waiting = await serveSlow(session, (rank) => late.has(rank) ? 1e6 : 400);
  const start = session.clock.now();
  const answers = await session.settle(collect(session.handle(40), "slow.wait", { timeout: 500 }));
  assertOnceEach(answers, Idset.upTo(64));
  assertEquals(ranksOf(answers, ETIMEDOUT), `${new Idset(late)}`);
  assertEquals(ranksOf(answers), `${Idset.upTo(64).difference(new Idset(late))}`);
  const took = session.clock.now() - start;
  assert(took > 400 && took <= 500, `${took} ms`);
  await session.run(50);
  assertEquals([...waiting], [], "the services that were waited for have heard that it is over");
});

Deno.test("Handle.mrpc() names a rank behind a link that says nothing as ETIMEDOUT", async () => {
  const session = await simSession({ size: 7 });
  session.network.cut(session.host(0), session.host(2));
  const answers = await session.settle(collect(session.handle(3), "attr.get", { timeout: 300 }, { name: "rank" }));
  assertOnceEach(answers, Idset.upTo(7));
  assertEquals(ranksOf(answers, ETIMEDOUT), "2,5-6");
});

/** A call to 31 ranks that nobody answers but rank 8, in time for `end`; fails unless `end` stops it on every rank. */
async function assertEnds(
  end: (call: AsyncGenerator<Answer>, handle: Handle, abort: AbortController) => unknown,
): Promise<void> {
  const session = await simSession({ size: 31 });
  const waiting = await serveSlow(session, (rank) => rank === 8 ? 60 : 1e6);
  const handle = session.handle(12);
  const abort = new AbortController();
  const call = handle.mrpc("slow.wait", {}, { signal: abort.signal });
  const first = call.next();
  await session.run(50);
  assertEquals(waiting.size, 31);
  await session.settle(first);
  void end(call, handle, abort);
  await session.run(50);
  assertEquals([...waiting], []);
}

Deno.test("leaving the loop over Handle.mrpc() ends the call on every rank", async () => {
  await assertEnds((call) => call.return(undefined));
});

Deno.test("the signal of Handle.mrpc() ends the call on every rank, and the call throws its reason", async () => {
  const errors: unknown[] = [];
  await assertEnds((call, _, abort) => {
    call.next().catch((error) => errors.push(error));
    abort.abort("enough");
  });
  assertEquals(errors, ["enough"]);
});

Deno.test("a client that goes away ends its Handle.mrpc() on every rank", async () => {
  await assertEnds((call, handle) => {
    call.next().catch(() => {});
    handle.close();
  });
});

Deno.test("a broker that loses its parent ends what it was asked for over that link", async () => {
  const session = await simSession({ size: 15 });
  const waiting = await serveSlow(session, () => 1e6);
  void collect(session.handle(0), "slow.wait").catch(() => {});
  await session.run(50);
  session.network.reset(session.host(0), session.host(1));
  await session.run(5);
  assertEquals(`${new Idset(waiting)}`, "0,2,5-6,11-14");
});

Deno.test("Handle.mrpcReduced() makes one answer of all on the way", async () => {
  const session = await simSession({ size: 64 });
  await session.settle(
    Promise.all(
      session.brokers.map((_, rank) =>
        session.handle(rank).serve({ "stat.get": () => ({ n: 1, rank, in: { x: rank % 2 } }) })
      ),
    ),
  );
  const handle = session.handle(37);
  const sum = await session.settle(handle.mrpcReduced("stat.get", {}, { reduce: "sum" }));
  assertEquals([`${sum.ranks}`, sum.value, sum.failures.length], ["0-63", { n: 64, rank: 2016, in: { x: 32 } }, 0]);
  const max = await session.settle(handle.mrpcReduced("stat.get", {}, { reduce: "max", ranks: "3,9,30" }));
  assertEquals([`${max.ranks}`, max.value], ["3,9,30", { n: 1, rank: 30, in: { x: 1 } }]);
});

Deno.test("Handle.mrpcReduced() leaves out ranks that fail, and names them by reason", async () => {
  const session = await simSession({ size: 15 });
  await session.settle(
    Promise.all([0, 1, 2, 3, 5].map((rank) => session.handle(rank).serve({ "stat.get": () => ({ n: 1 }) }))),
  );
  await session.settle(session.handle(4).serve({ "stat.get": () => new Uint8Array([1, 2]) }));
  session.kill(6);
  await session.run(10);
  const { ranks, value, failures } = await session.settle(
    session.handle(1).mrpcReduced("stat.get", {}, { reduce: "sum" }),
  );
  assertEquals([`${ranks}`, value], ["0-3,5", { n: 5 }]);
  const reasons = failures.map(({ ranks, error }) => `${ranks} ${error.code}`).sort();
  assertEquals(reasons, ["4 EPROTO", "6,13-14 EHOSTUNREACH", "7-12 ENOSYS"]);
});

Deno.test("Handle.mrpcReduced() keeps at its deadline what has answered", async () => {
  const session = await simSession({ size: 31 });
  await serveSlow(session, (rank) => rank === 17 ? 1e6 : 100);
  const call = session.handle(30).mrpcReduced("slow.wait", {}, { reduce: "max", timeout: 300 });
  const { ranks, value, failures } = await session.settle(call);
  assertEquals([`${ranks}`, value], ["0-16,18-30", { rank: 30 }]);
  assertEquals(failures.map(({ ranks, error }) => `${ranks} ${error.code}`), ["17 ETIMEDOUT"]);
});

Deno.test("Handle.mrpcReduced() refuses a reduction that does not exist with EINVAL", async () => {
  const session = await simSession({ size: 2 });
  const error = await assertRejects(session.settle(session.handle(0).mrpcReduced("a.b", {}, { reduce: "mean" })));
  assertEquals([error.code, error.message], ["EINVAL", 'there is no reduction called "mean"']);
});
