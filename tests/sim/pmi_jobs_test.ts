/** Jobs whose tasks speak PMI, among them some that leave the others behind. */

import wreck from "../../commands/wreck.ts";
import wreckrun from "../../commands/wreckrun.ts";
import { Idset } from "../../broker/message/mod.ts";
import { sleep } from "../../broker/ports/mod.ts";
import { assert, assertEquals } from "../assert.ts";
import { run, RunningCommand } from "./run_command.ts";
import { seededRandom } from "./seeded_random.ts";
import { forSeeds } from "./session.ts";
import type { Program, Script } from "./spawner.ts";
import { isIdle, jobSession } from "./wreck.ts";

const SLOW = { delay: { min: 0.1, max: 20 } };

/** Says a command of PMI; resolves when it is answered. */
async function* conversation({ channels }: Script): AsyncGenerator<string, void, string> {
  const { write, readable } = channels.get("PMI_FD")!;
  let line = yield "";
  const answers = readable[Symbol.asyncIterator]();
  for (;;) {
    write(`${line}\n`);
    const { value, done } = await answers.next();
    if (done) return;
    line = yield new TextDecoder().decode(value).trimEnd();
  }
}

/**
 * `mpi BARRIERS LEAVERS CODE MS`: what a program of MPICH says, with so many barriers. Tasks of the idset LEAVERS end with CODE after MS
 * and never speak PMI; `-` for none. The others end up to MS after they have finalized.
 */
const mpi: Program = async (script) => {
  const { argv: [, barriers, leavers, code, ms], env, clock, killed, print } = script;
  const task = Number(env.FLUX_TASK_RANK);
  const random = seededRandom(1 + task);
  if (leavers !== "-" && Idset.parse(leavers!).has(task)) {
    await sleep(clock, Number(ms), killed);
    return Number(code);
  }
  const pmi = conversation(script);
  await pmi.next();
  await pmi.next("cmd=init pmi_version=1 pmi_subversion=1");
  for (let number = 0; number < Number(barriers); number++) {
    await sleep(clock, random.float() * 50, killed);
    const { done } = await pmi.next("cmd=barrier_in");
    if (done) return 1;
  }
  await pmi.next("cmd=finalize");
  await sleep(clock, random.float() * Number(ms), killed);
  print("done\n");
  return 0;
};

const pmiSession = (options: Parameters<typeof jobSession>[0]) => jobSession({ programs: { mpi }, ...options });

Deno.test("a job goes on though some of its tasks have ended long before the others, as long as nobody waits for them", () =>
  forSeeds(4, async (seed) => {
    const session = await pmiSession({ size: 8, seed, network: SLOW });
    const spoken = await run(session, seed % 8, wreckrun, "-n12", "mpi", "4", "-", "0", "60000");
    assertEquals([spoken.status, spoken.err], [0, ""]);
    assertEquals(spoken.out, "done\n".repeat(12));
    const silent = await run(session, 0, wreckrun, "-n8", "mpi", "0", "0-3", "0", "10");
    assertEquals([silent.status, silent.err, silent.out], [0, "", "done\n".repeat(4)]);
  }));

Deno.test("a job ends by name when tasks wait in a barrier for those of a rank that have ended, whoever was first", () =>
  forSeeds(6, async (seed) => {
    const session = await pmiSession({ size: 8, seed, network: SLOW });
    const random = session.random.fork("leavers");
    const leavers = new Idset([...Array(8).keys()].filter(() => random.float() < 0.3)).add(
      random.below(7),
    );
    const ms = [0, 40, 4000, 100_000][seed % 4]!;
    const code = seed % 2 * 3;
    const { status, err } = await run(session, 3, wreckrun, "-n8", "mpi", "2", `${leavers}`, `${code}`, `${ms}`);
    const pattern =
      /^wreckrun: tasks? ([\d,-]+) \(ranks? [^)]+\) exited with exit code (\d), and tasks? ([\d,-]+) waits? for (?:it|them) in a PMI barrier$/m;
    const [, gone, found, waiting] = pattern.exec(err) ?? [];
    assert(gone && waiting, err);
    assertEquals(Idset.parse(gone).difference(leavers).size, 0, err);
    assertEquals(Idset.parse(waiting).difference(leavers).size, Idset.parse(waiting).size, err);
    assertEquals([status, found], [code || 1, `${code}`]);
    assert(err.endsWith("\nwreckrun: job 1 failed\n"), err);
    assert(isIdle(session));
    const after = await run(session, 0, wreckrun, "-n8", "mpi", "1", "-", "0", "10");
    assertEquals([after.status, after.err], [0, ""]);
  }));

Deno.test("a job ends by name when tasks wait for one that has ended beside another that does not", () =>
  forSeeds(4, async (seed) => {
    const idle: Program = (script) => {
      const task = Number(script.env.FLUX_TASK_RANK);
      if (task !== 3) return mpi(script);
      return sleep(script.clock, 1e7, script.killed).then(() => 0);
    };
    const session = await pmiSession({ size: 4, seed, network: SLOW, programs: { idle } });
    const { status, err } = await run(session, 0, wreckrun, "-n8", "idle", "1", "2", "5", `${seed % 2 * 5000}`);
    assertEquals(status, 5);
    assert(/task 2 \(rank 1, .*\) exited with exit code 5, and tasks? .* for it in a PMI barrier\n/.test(err), err);
    assert(session.clock.now() < 60_000, "somebody waited for the other task");
    assert(isIdle(session));
  }));

Deno.test("a job that is signalled while it waits in a barrier ends by that, also where one rank is through first", () =>
  forSeeds(3, async (seed) => {
    const session = await pmiSession({ size: 6, seed, network: SLOW });
    const job = new RunningCommand(session, 2, wreckrun, ["-n6", "mpi", "1", "0", "0", "100000"]);
    await session.run(1000);
    await run(session, 5, wreck, "kill", "-s", "TERM", "1");
    assertEquals(await session.settle(job.status), 143);
    assertEquals(job.around.err, "wreckrun: tasks [0-5]: exited with signal 15\n");
  }));

Deno.test("tasks that outlive a signal and then wait for one that has not have some time, and then it is said", async () => {
  const hardy: Program = (script) => {
    if (script.env.FLUX_TASK_RANK !== "0") script.ignore(15);
    return mpi(script);
  };
  const session = await pmiSession({ size: 4, programs: { hardy } });
  const job = new RunningCommand(session, 0, wreckrun, ["-n4", "hardy", "1", "0", "0", "100000"]);
  await session.run(1000);
  await run(session, 0, wreck, "kill", "-s", "TERM", "1");
  await session.run(4000);
  assertEquals(job.around.err, "");
  assertEquals(await session.settle(job.status), 143);
  const [tasks, task, reason] = job.around.err.split("\n").map((line) => line.replace("wreckrun: ", ""));
  assertEquals([task, tasks], ["tasks [1-3]: exited with signal 9", "task 0: exited with signal 15"]);
  assert(reason!.endsWith("exited with signal 15, and tasks 1-3 wait for it in a PMI barrier"), reason);
});
