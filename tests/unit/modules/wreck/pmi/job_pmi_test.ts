/** The PMI of one rank in a job: two of four tasks, the others elsewhere. */

import { assertEquals } from "../../../../assert.ts";
import type { LocalJob } from "../../../../../modules/wreck/contribution.ts";
import { JobPmi } from "../../../../../modules/wreck/pmi/job_pmi.ts";
import type { Round } from "../../../../../modules/wreck/pmi/rounds.ts";
import type { Handle } from "../../../../../broker/handle/mod.ts";
import { FluxError } from "../../../../../broker/message/mod.ts";
import type { PmiPut } from "../../../../../broker/pmi/mod.ts";
import { virtualClock } from "../../../../sim/virtual_clock.ts";

const INIT = "cmd=init pmi_version=1 pmi_subversion=1\n";
const KILLED = 9, EXIT_3 = 3 << 8;

/** Rank 1 of two brokers, which has tasks 2 and 3. */
function world() {
  const clock = virtualClock();
  const done: string[] = [];
  const dropped: number[] = [];
  const posted: object[] = [];
  const meetings: { round: Round; resolve(puts: readonly PmiPut[]): void; reject(error: Error): void }[] = [];
  const layout = { ranks: [0, 1], cores: [2, 2] };
  const job: LocalJob = {
    jobid: 8,
    name: "8.a1",
    spec: { cmdline: ["a.out"], environ: {}, ntasks: 4, walltime: 0, options: {} },
    layout,
    rank: 1,
    place: { nodeid: 1, tasks: [2, 3] },
    handle: { post: (topic: string, payload: object) => void posted.push({ topic, ...payload }) } as unknown as Handle,
    clock,
  };
  const pmi = new JobPmi(job, {
    write: (task, channel, bytes) => void done.push(`${task} ${channel} ${new TextDecoder().decode(bytes).trimEnd()}`),
    end: (task) => void done.push(`${task} end`),
    drop: (task) => void dropped.push(task),
    abort: (code, reason) => void done.push(`abort ${code}: ${reason}`),
    log: (text) => void done.push(`log ${text}`),
  }, {
    meet(round) {
      const { promise, resolve, reject } = Promise.withResolvers<readonly PmiPut[]>();
      meetings.push({ round, resolve, reject });
      return promise;
    },
  }, ["a", "b"]);
  const say = (task: number, text: string) => pmi.heard(task, "PMI_FD", new TextEncoder().encode(text));
  /** What was done since the last look. */
  const news = () => done.splice(0);
  const open = () => {
    for (const task of [2, 3]) say(task, INIT);
    news();
  };
  return { pmi, clock, meetings, say, news, open, dropped, posted };
}

Deno.test("JobPmi answers in the order it is asked, whatever pieces the lines come in", () => {
  const { say, news } = world();
  say(2, INIT + "cmd=get_universe_");
  say(3, INIT);
  say(2, "size\ncmd=get kvsname=8.a1 key=PMI_process_mapping\n");
  assertEquals(news(), [
    "2 PMI_FD cmd=response_to_init rc=0 pmi_version=1 pmi_subversion=1",
    "3 PMI_FD cmd=response_to_init rc=0 pmi_version=1 pmi_subversion=1",
    "2 PMI_FD cmd=universe_size rc=0 size=4",
    "2 PMI_FD cmd=get_result rc=0 value=(vector,(0,2,2))",
  ]);
});

Deno.test("JobPmi meets the other ranks once for all its tasks, with what they have put, one round after the other", async () => {
  const { say, news, open, meetings } = world();
  open();
  for (let number = 0; number < 2; number++) {
    for (const task of [2, 3]) say(task, `cmd=put kvsname=8.a1 key=k${task} value=${number}\ncmd=barrier_in\n`);
    assertEquals(meetings.length, number + 1);
    const { round, resolve } = meetings[number]!;
    assertEquals(round, { jobid: 8, ranks: [0, 1], puts: [["k2", `${number}`], ["k3", `${number}`]] });
    assertEquals(news().length, 2);
    resolve([["k0", "far"]]);
    await Promise.resolve();
    assertEquals(news(), ["2 PMI_FD cmd=barrier_out rc=0", "3 PMI_FD cmd=barrier_out rc=0"]);
  }
  say(3, "cmd=get kvsname=8.a1 key=k0\n");
  assertEquals(news(), ["3 PMI_FD cmd=get_result rc=0 value=far"]);
});

Deno.test("JobPmi ends the job with the code of an abort, and its text", () => {
  const { say, news, open } = world();
  open();
  say(3, "cmd=abort exitcode=13 error_msg=no luck\n");
  assertEquals(news(), ["abort 13: task 3 (rank 1, b) has aborted the job: no luck"]);
  say(2, "cmd=abort exitcode=471423759\n");
  say(2, "cmd=abort exitcode=256\n");
  assertEquals(news().map((text) => text.split(":")[0]), ["abort 15", "abort 1"]);
});

Deno.test("JobPmi ends the job when a task ends before it has finalized, and names it", () => {
  const { pmi, news, open } = world();
  open();
  pmi.heard(2, "PMI_FD", undefined);
  assertEquals(news(), []);
  pmi.exited(2, KILLED);
  assertEquals(news(), ["abort 137: task 2 (rank 1, b) exited with signal 9 before it had finalized PMI"]);
});

Deno.test("JobPmi hears what a task said last though its end is seen first", async () => {
  const { pmi, say, news, open, clock } = world();
  open();
  pmi.exited(2, EXIT_3);
  say(2, "cmd=abort exitcode=5\n");
  pmi.heard(2, "PMI_FD", undefined);
  assertEquals(news()[0], "abort 5: task 2 (rank 1, b) has aborted the job");
  pmi.exited(3, EXIT_3);
  await clock.run(1000);
  assertEquals(news(), ["abort 3: task 3 (rank 1, b) exited with exit code 3 before it had finalized PMI"]);
});

Deno.test("JobPmi does not wait for what a task leaves behind with its socket", async () => {
  const { pmi, dropped, clock } = world();
  pmi.exited(2, 0);
  assertEquals(dropped, []);
  await clock.run(300);
  assertEquals(dropped, [2]);
});

Deno.test("JobPmi lets tasks end that have finalized, and those that speak no PMI", async () => {
  const { pmi, say, news, clock } = world();
  say(2, `${INIT}cmd=finalize\n`);
  assertEquals(news().slice(1), ["2 PMI_FD cmd=finalize_ack rc=0", "2 end"]);
  pmi.exited(2, 0);
  pmi.exited(3, KILLED);
  await clock.run(1000);
  assertEquals(news(), []);
});

Deno.test("JobPmi waits a while for the other tasks when all were signalled, and not when they have gone", async () => {
  const { pmi, news, open, clock } = world();
  open();
  pmi.signalled();
  pmi.exited(2, KILLED);
  await clock.run(3000);
  assertEquals(news(), []);
  await clock.run(3000);
  assertEquals(news().length, 1, "task 3 still waits for task 2");
  pmi.close();
  pmi.exited(3, KILLED);
  await clock.run(10_000);
  assertEquals(news(), []);
});

Deno.test("JobPmi waits a while too when a barrier fails after all were signalled", async () => {
  const { pmi, say, news, open, meetings, clock } = world();
  open();
  for (const task of [2, 3]) say(task, "cmd=barrier_in\n");
  pmi.signalled();
  meetings[0]!.reject(new FluxError("ECONNABORTED", "PMI barrier of job 8: a client on rank 0 is gone"));
  await clock.run(3000);
  assertEquals(news(), []);
  await clock.run(3000);
  assertEquals(news(), ["abort 1: PMI barrier of job 8: a client on rank 0 is gone"]);
});

Deno.test("JobPmi closes the connection of a task that sends what is no PMI, and says so in the log, once", () => {
  const { pmi, say, news, open, dropped } = world();
  open();
  say(2, "GET / HTTP/1.1\n");
  assertEquals(news(), ['log task 2: PMI: malformed PMI line "GET / HTTP/1.1"', "2 end"]);
  say(3, "x".repeat(1300));
  assertEquals(news(), ["log task 3: PMI: a line is longer than 1216 bytes", "3 end"]);
  assertEquals(dropped, [2, 3]);
  for (const task of [2, 3]) say(task, `more nonsense\n${INIT}${"x".repeat(1300)}`);
  assertEquals(news(), []);
  pmi.exited(2, 0);
  const why = 'which had broken off: malformed PMI line "GET / HTTP/1.1"';
  assertEquals(news(), [`abort 1: task 2 (rank 1, b) exited with exit code 0 before it had finalized PMI, ${why}`]);
});

Deno.test("JobPmi ends the job when its barrier fails, and when a task waits for one that has left", async () => {
  const { pmi, say, news, open, meetings } = world();
  open();
  for (const task of [2, 3]) say(task, "cmd=barrier_in\n");
  meetings[0]!.reject(new FluxError("ECONNABORTED", "PMI barrier of job 8: rank 0 is gone"));
  await Promise.resolve();
  await Promise.resolve();
  assertEquals(news(), ["abort 1: PMI barrier of job 8: rank 0 is gone"]);
  pmi.close();
  const other = world();
  other.say(2, `${INIT}cmd=barrier_in\n`);
  other.news();
  other.pmi.heard(3, "PMI_FD", undefined);
  other.pmi.exited(3, EXIT_3);
  assertEquals(other.news(), [
    "abort 3: task 3 (rank 1, b) exited with exit code 3, and task 2 waits for it in a PMI barrier",
  ]);
  const third = world();
  third.open();
  third.say(3, "cmd=finalize\n");
  third.news();
  third.say(2, "cmd=barrier_in\n");
  assertEquals(third.news(), ["abort 1: task 3 (rank 1, b) left PMI, and task 2 waits for it in a PMI barrier"]);
});

Deno.test("JobPmi tells rank 0 of a task that enters no barrier any more when others live on, once", async () => {
  const { pmi, say, clock, posted } = world();
  pmi.heard(2, "PMI_FD", undefined);
  pmi.exited(2, EXIT_3);
  await clock.run(2000);
  assertEquals(posted, [{ topic: "wreck.pmi-left", jobid: 8, rank: 1, task: 2, status: EXIT_3 }]);
  say(3, `${INIT}cmd=finalize\n`);
  await clock.run(2000);
  assertEquals(posted.length, 1);
  const whole = world();
  for (const task of [2, 3]) whole.pmi.exited(task, 0);
  await whole.clock.run(500);
  whole.pmi.close();
  await whole.clock.run(5000);
  assertEquals(whole.posted, []);
});

Deno.test("JobPmi tells each task its place among those of its node, whichever broker runs them", () => {
  const { pmi } = world();
  assertEquals(pmi.environment(3), { MPI_LOCALRANKID: "1", MPI_LOCALNRANKS: "2" });
});
