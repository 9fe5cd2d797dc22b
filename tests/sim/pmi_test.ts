/** PMI barriers of jobs whose tasks are on many ranks. */

import { PmiPart, type PmiPartAction, type PmiPut } from "../../broker/pmi/mod.ts";
import { Rounds } from "../../modules/wreck/pmi/rounds.ts";
import { assertEquals, assertRejects } from "../assert.ts";
import { forSeeds, type SimSession, simSession } from "./session.ts";

const SLOW = { delay: { min: 0.1, max: 20 } };

/** One on every rank. */
async function rounds(session: SimSession): Promise<Rounds[]> {
  const all = session.brokers.map((_, rank) => {
    const { clock, random, size } = session;
    const handle = session.handle(rank);
    const one = new Rounds({ handle, clock, random: random.fork(`${rank}`), rank, size, arity: 2 });
    return { handle, one };
  });
  await session.settle(Promise.all(all.map(({ handle, one }) => handle.serve(one.methods))));
  return all.map(({ one }) => one);
}

type Meet = (puts: readonly PmiPut[]) => Promise<readonly PmiPut[]>;

/** The part of a job that one rank has; `say` resolves to what its task is answered. */
class RankPart {
  readonly #part: PmiPart;
  readonly #waiting = new Map<number, (line: string) => void>();
  readonly #meet: Meet;

  constructor(size: number, tasks: readonly number[], meet: Meet) {
    this.#part = new PmiPart({ size, ranks: tasks, kvsname: "1" });
    this.#meet = meet;
  }

  say(task: number, line: string): Promise<string> {
    const { promise, resolve } = Promise.withResolvers<string>();
    this.#waiting.set(task, resolve);
    this.#run(this.#part.receive(task, line));
    return promise;
  }

  #run(actions: readonly PmiPartAction[]): void {
    for (const action of actions) {
      if (action.kind === "reply") this.#waiting.get(action.rank)!(action.line);
      else if (action.kind === "exchange") {
        void this.#meet(action.puts).then((all) => this.#run(this.#part.complete(all)));
      } else assertEquals(action.kind, "close");
    }
  }
}

const never = new AbortController().signal;

/** What one task of MPICH does, as far as it concerns others; returns the addresses of all. */
async function startUp(part: RankPart, task: number, size: number): Promise<string[]> {
  await part.say(task, "cmd=init pmi_version=1 pmi_subversion=1");
  await part.say(task, "cmd=barrier_in");
  await part.say(task, `cmd=put kvsname=1 key=-allgather-shm-1-${task} value=address of ${task}`);
  await part.say(task, "cmd=barrier_in");
  const found: string[] = [];
  for (let other = 0; other < size; other++) {
    found.push(await part.say(task, `cmd=get kvsname=1 key=-allgather-shm-1-${other}`));
  }
  await part.say(task, "cmd=barrier_in");
  await part.say(task, "cmd=finalize");
  return found;
}

Deno.test("PMI gives every one of 128 tasks on 64 ranks the addresses of all, with delays", () =>
  forSeeds(2, async (seed) => {
    const session = await simSession({ size: 64, seed, network: SLOW });
    const all = await rounds(session);
    const ranks = all.map((_, rank) => rank);
    const found = ranks.flatMap((rank) => {
      const tasks = [2 * rank, 2 * rank + 1];
      const part = new RankPart(
        128,
        tasks,
        (puts) => all[rank]!.meet({ jobid: 1, ranks, puts }, never),
      );
      return tasks.map((task) => startUp(part, task, 128));
    });
    const expected = Array.from({ length: 128 }, (_, task) => `cmd=get_result rc=0 value=address of ${task}`);
    for (const one of await session.settle(Promise.all(found))) assertEquals(one, expected);
  }));

Deno.test("a PMI barrier costs one message up and one down each link, however many tasks have put something", async () => {
  const session = await simSession({ size: 64 });
  const all = await rounds(session);
  const ranks = all.map((_, rank) => rank);
  await session.run(100);
  for (let number = 0; number < 3; number++) {
    const before = session.network.statistics.sent;
    const puts = (rank: number) => Array.from({ length: 8 }, (_, i) => [`${number}.${rank}.${i}`, "v"] as const);
    const found = await session.settle(Promise.all(
      all.map((one, rank) => one.meet({ jobid: 1, ranks, puts: puts(rank) }, never)),
    ));
    assertEquals(found.every((one) => one.length === 512), true);
    assertEquals(session.network.statistics.sent - before, 2 * 63);
  }
});

Deno.test("a PMI barrier gives all ranks the same values in the same order, also where two put the same key", () =>
  forSeeds(3, async (seed) => {
    const session = await simSession({ size: 16, seed, network: SLOW });
    const all = await rounds(session);
    const ranks = [1, 4, 5, 11, 15];
    const found = await session.settle(Promise.all(
      ranks.map((rank) => all[rank]!.meet({ jobid: 7, ranks, puts: [["k", `${rank}`]] }, never)),
    ));
    assertEquals(found, ranks.map(() => ranks.map((rank) => ["k", `${rank}`])));
  }));

Deno.test("PMI barriers of several jobs on the same ranks do not meet", async () => {
  const session = await simSession({ size: 4, network: SLOW });
  const all = await rounds(session);
  const ranks = [0, 1, 2, 3];
  const found = await session.settle(
    Promise.all(
      [1, 2, 3].flatMap((jobid) =>
        ranks.map((rank) => all[rank]!.meet({ jobid, ranks, puts: [[`${rank}`, `${jobid}`]] }, never))
      ),
    ),
  );
  for (const [i, puts] of found.entries()) assertEquals(puts, ranks.map((rank) => [`${rank}`, `${1 + (i >> 2)}`]));
});

Deno.test("a PMI barrier fails everywhere, by name, when a rank of the job dies before it has come", async () => {
  const session = await simSession({ size: 8, modules: ["live"] });
  const all = await rounds(session);
  await session.run(3000);
  const ranks = [0, 2, 3, 6];
  const met = [0, 2, 3].map((rank) => all[rank]!.meet({ jobid: 5, ranks, puts: [] }, never));
  const failed = met.map((one) =>
    assertRejects(one, { errno: "ECONNABORTED", text: "PMI barrier of job 5: rank 6 is gone" })
  );
  await session.run(50);
  session.kill(6);
  await session.settle(Promise.all(failed));
});

Deno.test("a PMI barrier fails for all others when the part of one rank in the job has ended", async () => {
  const session = await simSession({ size: 4 });
  const all = await rounds(session);
  const ranks = [1, 2, 3];
  const ended = new AbortController();
  const meet = (rank: number, signal: AbortSignal) => all[rank]!.meet({ jobid: 5, ranks, puts: [] }, signal);
  const left = [meet(1, never), meet(2, ended.signal)];
  const failed = left.map((one) => assertRejects(one, { errno: "ECONNABORTED", text: "on rank 2 is gone" }));
  await session.run(100);
  ended.abort();
  await session.settle(failed[0]!);
});
