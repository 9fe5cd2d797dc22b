import fc from "fast-check";
import { Idset } from "../../../../broker/message/mod.ts";
import { taskCount } from "../../../../modules/wreck/layout.ts";
import type { Layout } from "../../../../modules/wreck/protocol.ts";
import { JobQueue, type Wish } from "../../../../modules/wreck/queue.ts";
import { assert, assertEquals, assertThrows } from "../../../assert.ts";
import { check } from "../../../property.ts";

function queue(...cores: number[]): JobQueue {
  const made = new JobQueue();
  for (const [rank, count] of cores.entries()) made.join(rank, count);
  return made;
}

Deno.test("a JobQueue fills the cores of one rank after the other, and goes on when some are free again", () => {
  const jobs = queue(2, 2);
  for (const jobid of [1, 2, 3]) jobs.add(jobid, { ntasks: jobid });
  assertEquals(jobs.next(), [
    { jobid: 1, layout: { ranks: [0], cores: [1] } },
    { jobid: 2, layout: { ranks: [0, 1], cores: [1, 1] } },
  ]);
  assertEquals([jobs.next(), jobs.length, jobs.cores], [[], 1, { all: 4, used: 3 }]);
  jobs.release(2);
  assertEquals(jobs.next(), [{ jobid: 3, layout: { ranks: [0, 1], cores: [1, 2] } }]);
});

Deno.test("a JobQueue lets nobody pass who came later", () => {
  const jobs = queue(2);
  jobs.add(1, { ntasks: 1 });
  jobs.add(2, { ntasks: 2 });
  jobs.add(3, { ntasks: 1 });
  assertEquals(jobs.next().map(({ jobid }) => jobid), [1]);
  jobs.remove(2);
  assertEquals(jobs.next().map(({ jobid }) => jobid), [3]);
});

Deno.test("a JobQueue spreads tasks over as many nodes as are asked for", () => {
  const jobs = queue(4, 4, 4);
  jobs.add(1, { ntasks: 5, nnodes: 2 });
  jobs.add(2, { ntasks: 3, "tasks-per-node": 1 });
  assertEquals(jobs.next().map(({ layout }) => layout), [
    { ranks: [0, 1], cores: [3, 2] },
    { ranks: [0, 1, 2], cores: [1, 1, 1] },
  ]);
});

Deno.test("JobQueue.check() refuses what could never run, and says what there is", () => {
  const jobs = queue(2, 2);
  jobs.add(1, { ntasks: 4 });
  jobs.next();
  jobs.check({ ntasks: 4 });
  assertThrows(() => jobs.check({ ntasks: 5 }), {
    errno: "EINVAL",
    text: "Requested tasks (5) exceed available cores (4)",
  });
  assertThrows(() => jobs.check({ ntasks: 3, nnodes: 3 }), { text: "Requested nodes (3) exceeds available (2)" });
  assertThrows(() => jobs.check({ ntasks: 3, nnodes: 1 }), { text: "available cores (4) in this arrangement" });
});

Deno.test("a JobQueue gives no place on a rank that has gone, until it is back", () => {
  const jobs = queue(1, 1);
  jobs.keep(new Idset([0]));
  jobs.add(1, { ntasks: 2 });
  assertEquals(jobs.next(), []);
  jobs.join(1, 1);
  assertEquals(jobs.next().length, 1);
});

Deno.test("a JobQueue never gives more cores than there are, and in the end every job its turn, in order", () => {
  const wish: fc.Arbitrary<Wish> = fc.record({ ntasks: fc.integer({ min: 1, max: 6 }) });
  check(
    fc.property(fc.array(wish, { minLength: 1, maxLength: 20 }), fc.infiniteStream(fc.nat(1000)), (wishes, chance) => {
      const jobs = queue(3, 1, 2);
      const limits = [3, 1, 2];
      for (const [jobid, each] of wishes.entries()) jobs.add(jobid, each);
      const running = new Map<number, Layout>();
      const order: number[] = [];
      while (order.length < wishes.length || running.size > 0) {
        for (const { jobid, layout } of jobs.next()) {
          assertEquals(taskCount(layout), wishes[jobid]!.ntasks);
          running.set(jobid, layout);
          order.push(jobid);
        }
        const used = limits.map((_, rank) =>
          [...running.values()].reduce((sum, { ranks, cores }) => sum + (cores[ranks.indexOf(rank)] ?? 0), 0)
        );
        assert(used.every((count, rank) => count <= limits[rank]!), `${used}`);
        const ended = [...running.keys()][chance.next().value % running.size]!;
        running.delete(ended);
        jobs.release(ended);
      }
      assertEquals(order, [...wishes.keys()]);
      assertEquals(jobs.cores.used, 0);
    }),
  );
});
