import type { Handle, Methods } from "../../broker/handle/mod.ts";
import { errname, FluxError, type JsonObject } from "../../broker/message/mod.ts";
import { assert, assertEquals, assertRejects } from "../assert.ts";
import { forSeeds, type SimSession, simSession } from "./session.ts";

/** A client of every rank, made when it is first asked for. */
function clients(session: SimSession): (rank: number) => Handle {
  const made = new Map<number, Handle>();
  return (rank) => {
    const client = made.get(rank) ?? session.handle(rank);
    made.set(rank, client);
    return client;
  };
}

/** Sends `count` pings from random ranks to random ranks and checks who answers. */
async function pingAround(session: SimSession, count: number): Promise<void> {
  const client = clients(session), { random, size } = session;
  const pings = Array.from({ length: count }, async (_, seq) => {
    const from = random.below(size), to = random.below(size);
    const answer = await client(from).rpc<{ rank: number; seq: number; route: string }>("broker.ping", { seq }, {
      rank: to,
    });
    assertEquals([answer.seq, answer.rank], [seq, to], `from ${from}`);
    return answer;
  });
  const answers = await session.settle(Promise.all(pings));
  assertEquals(answers.length, count);
}

for (const [size, seeds, count] of [[2, 20, 100], [8, 20, 200], [64, 5, 1000]] as const) {
  Deno.test(`Broker answers requests of any rank to any rank among ${size}`, () =>
    forSeeds(seeds, async (seed) => {
      await pingAround(await simSession({ size, seed, arity: 1 + seed % 4 }), count);
    }));
}

Deno.test("Broker answers requests of any rank to any rank among 1000", () =>
  forSeeds(1, async (seed) => {
    await pingAround(await simSession({ size: 1000, seed }), 2000);
  }));

Deno.test("Broker.start() runs only once every rank is online", () =>
  forSeeds(10, async (seed) => {
    const session = await simSession({ size: 7, seed, idle: true });
    const last = 1 + session.random.below(6);
    for (let rank = 0; rank < 7; rank++) if (rank !== last) session.startRank(rank).catch(() => {});
    await session.run(1500);
    assertEquals(session.brokers[0]!.machine.state, "quorum");
    assert(!session.brokers[0]!.online.has(last));
    assert(session.log.some(({ rank, text }) => rank === 0 && /^nodeset: .* \(incomplete\)$/.test(text)));
    session.startRank(last);
    await session.until(() => session.brokers.every(({ machine }) => machine.state === "run"));
    assertEquals(session.brokers[0]!.online.toNodeset(), "[0-6]");
    assertEquals(session.log.at(-1)?.text, "nodeset: [0-6] (complete)");
  }));

Deno.test("Broker.shutdown() at rank 0 ends every rank in order", () =>
  forSeeds(10, async (seed) => {
    const session = await simSession({ size: 9, seed });
    session.brokers[0]!.shutdown(3, "test");
    const codes = await session.settle(Promise.all(session.brokers.map(({ exited }) => exited)));
    assertEquals(codes, [3, 0, 0, 0, 0, 0, 0, 0, 0]);
    assertEquals(session.log.filter(({ level }) => level === "err" || level === "crit"), []);
    assertEquals(session.clock.pending, 0);
  }));

Deno.test("Broker answers ENOSYS for a service that nobody has, wherever it is asked for", async () => {
  const session = await simSession({ size: 4 });
  const client = session.handle(3);
  const text = "No service matching nosuch.ping is registered";
  await session.settle(assertRejects(client.rpc("nosuch.ping", {}), { errno: "ENOSYS", text }));
  for (const rank of [0, 1, 2, 3]) {
    await session.settle(assertRejects(client.rpc("nosuch.ping", {}, { rank }), { errno: "ENOSYS", text }));
  }
});

Deno.test("Broker answers ENOSYS for an unknown method of a service", async () => {
  const session = await simSession({ size: 2 });
  const failure = { errno: "ENOSYS", text: "Unknown service method 'attr.nosuch'" } as const;
  await session.settle(assertRejects(session.handle(1).rpc("attr.nosuch", {}, { rank: 0 }), failure));
});

Deno.test("Broker answers EHOSTUNREACH for a rank that does not exist", async () => {
  const session = await simSession({ size: 4 });
  for (const from of [0, 3]) {
    for (const rank of [4, 1000, 0xfffffff0]) {
      await session.settle(
        assertRejects(session.handle(from).rpc("broker.ping", {}, { rank }), { errno: "EHOSTUNREACH" }),
      );
    }
  }
});

/** A service that never answers, and notes who went away. */
function silent(gone: string[]): Methods {
  return {
    "silent.wait": () => new Promise<void>(() => {}),
    "silent.disconnect": (request) => void gone.push(request.sender),
  };
}

Deno.test("Broker answers EHOSTUNREACH when the rank that was asked dies", () =>
  forSeeds(10, async (seed) => {
    const session = await simSession({ size: 15, seed });
    await session.handle(14).serve(silent([]));
    const waiting = [0, 1, 13, 5].map((rank) => {
      const request = session.handle(rank).rpc("silent.wait", {}, { rank: 14 });
      return assertRejects(request, { errno: "EHOSTUNREACH", text: "overlay disconnect" });
    });
    await session.run(50);
    session.kill(14);
    await session.settle(Promise.all(waiting));
    await session.settle(
      assertRejects(session.handle(3).rpc("broker.ping", {}, { rank: 14 }), { errno: "EHOSTUNREACH" }),
    );
    await session.until(() => !session.brokers[0]!.online.has(14));
  }));

Deno.test("Broker answers every request while ranks die", () =>
  forSeeds(15, async (seed) => {
    const session = await simSession({ size: 31, seed });
    const { random, size } = session, client = clients(session);
    const outcomes = new Map<string, number>();
    const ask = async () => {
      const from = random.below(size), to = random.below(size);
      if (!session.isAlive(from)) return;
      let outcome = "answered";
      try {
        const { rank } = await client(from).rpc<JsonObject>("broker.ping", { pad: "x" }, { rank: to });
        assertEquals(rank, to);
      } catch (error) {
        if (!(error instanceof FluxError)) throw error;
        outcome = session.isAlive(from) ? errname(error.errnum) ?? error.code : "asker died";
      }
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
    };
    const asked: Promise<void>[] = [];
    for (let round = 0; round < 40; round++) {
      for (let i = 0; i < 10; i++) asked.push(ask());
      await session.run(random.float());
      if (round % 10 === 5) session.kill(1 + random.below(size - 1));
    }
    await session.settle(Promise.all(asked));
    const allowed = ["answered", "EHOSTUNREACH", "ENOSYS", "asker died"];
    assertEquals([...outcomes.keys()].filter((outcome) => !allowed.includes(outcome)), []);
    assert((outcomes.get("answered") ?? 0) > 50, JSON.stringify([...outcomes]));
  }));

Deno.test("Broker tells the services a client used that it has gone", () =>
  forSeeds(10, async (seed) => {
    const session = await simSession({ size: 8, seed });
    const gone: string[][] = [[], [], []];
    const ranks = [0, 3, 7];
    for (const [i, rank] of ranks.entries()) await session.handle(rank).serve(silent(gone[i]!));
    const client = session.handle(5);
    const requests = ranks.map((rank) => client.rpc("silent.wait", {}, { rank }).catch(() => {}));
    await session.run(50);
    client.close();
    await session.settle(Promise.all(requests));
    await session.run(50);
    assertEquals(gone.map((senders) => senders.length), [1, 1, 1]);
    assertEquals(new Set(gone.flat()).size, 1);
  }));
