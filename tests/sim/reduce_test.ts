import { Reducer, type ReductionRules, scaledTimeout } from "../../broker/handle/mod.ts";
import { NODEID_UPSTREAM } from "../../broker/message/mod.ts";
import { assert, assertEquals } from "../assert.ts";
import { forSeeds, type SimSession, simSession } from "./session.ts";

interface Sum {
  n: number;
  ranks: number;
}

const add = (items: Sum[]): Sum[] => [
  items.reduce((a, b) => ({ n: a.n + b.n, ranks: a.ranks + b.ranks }), { n: 0, ranks: 0 }),
];

/** A sum over the tree, by batch: what each rank adds, and what comes out at rank 0 with the number of pieces. */
async function treeSum(session: SimSession, rules: (rank: number) => ReductionRules<Sum>) {
  const result = new Map<number, Sum & { pieces: number }>();
  const reducers = session.brokers.map((_, rank) => {
    const handle = session.handle(rank);
    const pass = (items: Sum[], batch: number) => {
      if (rank > 0) return handle.post("sum.add", { items, batch }, { rank: NODEID_UPSTREAM });
      const sum = result.get(batch) ?? { n: 0, ranks: 0, pieces: 0 };
      for (const { n, ranks } of items) {
        result.set(batch, { n: sum.n + n, ranks: sum.ranks + ranks, pieces: sum.pieces + 1 });
      }
    };
    return { handle, reducer: new Reducer(session.clock, { ...rules(rank), reduce: add }, pass) };
  });
  await session.settle(Promise.all(reducers.map(async ({ handle, reducer }) => {
    await handle.rank();
    await handle.serve({
      "sum.add": ({ payload }) => {
        for (const item of payload.items as unknown as Sum[]) reducer.add(item, payload.batch as number);
      },
    });
  })));
  return {
    result,
    add: (rank: number, n: number, batch: number) => reducers[rank]!.reducer.add({ n, ranks: 1 }, batch),
  };
}

Deno.test("a reduction by time over 1,000 ranks makes one sum of all, in one message a link", async () => {
  const session = await simSession({ size: 1000 });
  const { topology } = session.brokers[0]!;
  const rules = (rank: number) => ({ timeout: scaledTimeout(200, topology.level(rank), topology.maxLevel + 1) });
  const sum = await treeSum(session, rules);
  const sent = session.network.statistics.sent;
  for (let rank = 0; rank < 1000; rank++) sum.add(rank, rank, 0);
  await session.run(400);
  assertEquals([...sum.result], [[0, { n: 499_500, ranks: 1000, pieces: 1 }]]);
  assertEquals(session.network.statistics.sent - sent, 999);
});

Deno.test("a reduction by count makes one sum without waiting", async () => {
  const session = await simSession({ size: 64 });
  const { topology } = session.brokers[0]!;
  const sum = await treeSum(session, (rank) => ({ count: topology.subtree(rank).size, weight: ({ ranks }) => ranks }));
  for (let rank = 0; rank < 64; rank++) sum.add(rank, 1, 0);
  const start = session.clock.now();
  await session.until(() => sum.result.size > 0);
  assertEquals(sum.result.get(0), { n: 64, ranks: 64, pieces: 1 });
  assert(session.clock.now() - start < 6 * 0.6, "no longer than the way up");
});

Deno.test("a reduction over the tree counts everything exactly once, however late and mixed its batches come", async () => {
  await forSeeds(5, async (seed) => {
    const session = await simSession({ size: 64, seed, arity: 1 + seed });
    const random = session.random.fork("reduction");
    const sum = await treeSum(session, () => ({ timeout: random.float() * 5, count: 1 + random.below(9) }));
    const expected = new Map<number, number>();
    for (let i = 0; i < 400; i++) {
      const batch = Math.max(0, Math.floor(i / 100) - random.below(2));
      expected.set(batch, (expected.get(batch) ?? 0) + i);
      sum.add(random.below(64), i, batch);
      if (random.below(10) === 0) await session.run(random.float() * 3);
    }
    await session.run(500);
    for (const [batch, n] of expected) assertEquals(sum.result.get(batch)?.n, n, `batch ${batch}`);
    assertEquals(sum.result.size, expected.size);
  });
});
