/**
 * Jobs over trees of simulated brokers, with processes and time of our own making. Over 400 lines, since all that may become of a job is
 * one list.
 */

import submit from "../../commands/submit.ts";
import wreck from "../../commands/wreck.ts";
import wreckrun from "../../commands/wreckrun.ts";
import { Role } from "../../broker/message/mod.ts";
import { sleep } from "../../broker/ports/mod.ts";
import { Kvs } from "../../modules/kvs/client.ts";
import { openReader } from "../../modules/kz/client.ts";
import { assert, assertEquals, assertRejects } from "../assert.ts";
import { run, RunningCommand } from "./run_command.ts";
import { forSeeds } from "./session.ts";
import type { Program } from "./spawner.ts";
import { isIdle, jobSession, runningTasks } from "./wreck.ts";

const lines = (text: string) => text.split("\n").sort().slice(1);

Deno.test("flux wreckrun runs tasks on several ranks, prints what they write and takes the highest status", async () => {
  const session = await jobSession({ size: 4 });
  const { status, out, err } = await run(session, 3, wreckrun, "-n4", "-N2", "-l", "echo", "hi");
  assertEquals([status, lines(out), err], [0, ["0: hi", "1: hi", "2: hi", "3: hi"], ""]);
  const failed = await run(session, 1, wreckrun, "-n3", "exit", "3");
  assertEquals([failed.status, failed.err], [3, "wreckrun: tasks [0-2]: exited with exit code 3\n"]);
  assert(isIdle(session));
});

Deno.test("the states of a job come as events, in order, and stay in the KVS", async () => {
  const session = await jobSession({ size: 3 });
  const states: string[] = [];
  await session.settle(
    session.handle(2).listen("wreck.state.", ({ topic, payload }) => {
      states.push(`${topic.split(".")[2]} ${payload.lwj}`);
    }),
  );
  await run(session, 0, wreckrun, "-n6", "exit", "1");
  await session.until(() => states.length === 4);
  assertEquals(states, ["reserved 1", "starting 1", "running 1", "complete 1"]);
  const kvs = new Kvs(session.handle(0));
  const get = (key: string) => session.settle(kvs.get(key));
  assertEquals(await get("lwj.1.state"), "complete");
  assertEquals([await get("lwj.1.rank.2.cores"), await get("lwj.1.5.exit_code")], [2, 1]);
  assertEquals([await get("lwj.1.ntasks"), await get("lwj.1.nnodes")], [6, 3]);
});

Deno.test("who follows a job that begins hears of no state twice", async () => {
  const session = await jobSession({ size: 2 });
  const handle = session.handle(1);
  const { jobid } = await session.settle(handle.rpc<{ jobid: number }>("job.create", { cmdline: ["true"] }));
  handle.publish(`wrexec.run.${jobid}`, {});
  const seen = [];
  const job = handle.stream<{ state: string }>("job.follow", { jobid });
  for (let news; !(news = await session.settle(job.next())).done;) seen.push(news.value.state);
  assertEquals(seen, [...new Set(seen)]);
  assertEquals(seen.at(-1), "complete");
});

Deno.test("who follows a job that cannot be run as it was filled in hears that it failed, and why", async () => {
  const session = await jobSession({ size: 2 });
  const handle = session.handle(1);
  const { jobid } = await session.settle(handle.rpc<{ jobid: number }>("job.create", { cmdline: ["true"], ntasks: 0 }));
  const attached = new RunningCommand(session, 0, wreck, ["attach", "-s", `${jobid}`]);
  await session.run(100);
  handle.publish(`wrexec.run.${jobid}`, {});
  assertEquals(await session.settle(attached.status), 0);
  assert(attached.around.err.includes("0 is no number of tasks"), attached.around.err);
});

Deno.test("flux wreckrun -v tells of every state of a job, in order, however short it is", async () => {
  const session = await jobSession({ size: 2 });
  const { err } = await run(session, 1, wreckrun, "-v", "-n2", "true");
  assertEquals(err.split("\n").map((line) => line.replace(/^wreckrun: \S+ /, "")), [
    'Sending LWJ request for 2 tasks (cmdline "true")',
    "Registered jobid 1",
    "Allocating 2 tasks across 2 available nodes..",
    "tasks per node: node0: 1, node1: 1",
    "Sending run event",
    "State = starting",
    "State = running",
    "State = complete",
    "All tasks completed successfully.",
    "",
  ]);
});

Deno.test("a job that asks for more nodes than there are is refused, and there is no job", async () => {
  const session = await jobSession({ size: 2 });
  const { status, err } = await run(session, 1, wreckrun, "-N3", "true");
  assertEquals([status, err], [1, "wreckrun: Requested nodes (3) exceeds available (2)\n"]);
  const { err: none } = await run(session, 0, wreck, "last-jobid");
  assertEquals(none.split("\n")[0], "wreck: No last jobid found: No such file or directory");
});

Deno.test("a program that is not there is the end of each task, with 127 and a line that says so", async () => {
  const session = await jobSession({ size: 2 });
  const { status, err } = await run(session, 0, wreckrun, "-n2", "nosuch");
  const line = "execvp: No such file or directory: nosuch";
  assertEquals([status, err.split("\n")], [127, [
    line,
    line,
    "wreckrun: tasks [0-1]: exited with exit code 127",
    "",
  ]]);
});

Deno.test("tools that know the events only make a job with job.create and run it with wrexec.run.N", async () => {
  const session = await jobSession({ size: 3 });
  const handle = session.handle(2);
  const request = { cmdline: ["echo", "old"], environ: {}, ntasks: 2, nnodes: 2 };
  const { jobid, state } = await session.settle(handle.rpc("job.create", request));
  assertEquals([jobid, state], [1, "reserved"]);
  const kvs = new Kvs(handle);
  await session.settle(kvs.transaction().put("lwj.1.rank.1.cores", 1).put("lwj.1.rank.2.cores", 1).commit());
  handle.publish("wrexec.run.1");
  const { status, out } = await run(session, 0, wreck, "attach", "-l", "1");
  assertEquals([status, lines(out)], [0, ["0: old", "1: old"]]);
  // Rank 0 knows it as soon as the job is over.
  const procdesc = await session.settle(new Kvs(session.handle(0)).get("lwj.1.1.procdesc"));
  assertEquals(procdesc, { command: "echo", pid: 100, nodeid: 1 });
});

Deno.test("flux wreckrun --detach leaves the job running; attach, status and kill find it", async () => {
  const session = await jobSession({ size: 2 });
  assertEquals((await run(session, 1, wreckrun, "-d", "-n2", "sleep", "3600")).out, "1\n");
  await session.run(1000);
  assertEquals((await run(session, 0, wreck, "status", "1")).out, "Job 1 status: running\n");
  const attached = new RunningCommand(session, 1, wreck, ["attach", "-s", "1"]);
  assertEquals((await run(session, 0, wreck, "kill", "-s", "INT", "1")).status, 0);
  assertEquals(await session.settle(attached.status), 0);
  assertEquals(attached.around.err, "wreck: Job 1 status: complete\nwreck: task[0-1]: exited with signal 2\n");
  assertEquals((await run(session, 0, wreck, "status", "1")).status, 130);
  const { status, err } = await run(session, 0, wreck, "kill", "1");
  assertEquals([status, err], [1, "wreck: Job 1: complete\n"]);
});

Deno.test("flux wreck ls lists jobs with their ranks, and --json as one array", async () => {
  const session = await jobSession({ size: 3 });
  await run(session, 0, wreckrun, "-n3", "true");
  await run(session, 0, wreckrun, "/bin/nosuch");
  const { out } = await run(session, 1, wreck, "ls");
  const [header, first, second] = out.split("\n").map((line) => line.trim().split(/ +/));
  assertEquals(header, ["ID", "NTASKS", "STATE", "START", "RUNTIME", "RANKS", "COMMAND"]);
  assertEquals([first!.toSpliced(3, 2), second!.toSpliced(3, 2)], [
    ["1", "3", "complete", "[0-2]", "true"],
    ["2", "1", "complete", "0", "nosuch"],
  ]);
  const json = JSON.parse((await run(session, 1, wreck, "ls", "-n1", "--json")).out);
  assertEquals(json.map(({ jobid, ranks }: { jobid: number; ranks: string }) => [jobid, ranks]), [[2, "0"]]);
});

Deno.test("Ctrl-C kills a job, and another one leaves it running", async () => {
  const session = await jobSession({ size: 2 });
  const killed = new RunningCommand(session, 1, wreckrun, ["-n2", "sleep", "3600"]);
  await session.until(() => runningTasks(session) === 2);
  killed.around.send("SIGINT");
  assertEquals(await session.settle(killed.status), 137);
  const left = new RunningCommand(session, 1, wreckrun, ["-n2", "sleep", "3600"]);
  await session.run(1000);
  session.network.cut(session.host(0), session.host(1));
  left.around.send("SIGINT");
  left.around.send("SIGINT");
  assertEquals(await session.settle(left.status), 0);
  assert(left.around.err.includes("wreckrun: Detaching from job. Processes may still be running\n"));
});

Deno.test("SIGALRM ends flux wreckrun, which tells how the job stands, and not the job", async () => {
  const session = await jobSession({ size: 2 });
  const running = new RunningCommand(session, 1, wreckrun, ["-n2", "sleep", "3600"]);
  await session.run(1000);
  running.around.send("SIGALRM");
  assertEquals(await session.settle(running.status), 142);
  assertEquals(running.around.err, "wreckrun: Killed by SIGALRM: state = running\n");
  assertEquals(runningTasks(session), 2);
});

Deno.test("walltime signals a job, and kills one that does not care", async () => {
  const session = await jobSession({ size: 2 });
  const { status, err } = await run(session, 1, wreckrun, "-T", "1m", "-n2", "sleep", "3600");
  assertEquals([status, err], [142, "wreckrun: tasks [0-1]: exited with signal 14\n"]);
  const log: string[] = [];
  const reader = await session.settle(openReader(new Kvs(session.handle(1)), "lwj.1.log.0", {}));
  for (let bytes; (bytes = await session.settle(reader.get()));) log.push(new TextDecoder().decode(bytes));
  assertEquals(log, ["Timeout expired! Killing job with signal 14\n"]);
  const careless: Program = async ({ ignore, clock, killed }) => {
    ignore(14);
    await sleep(clock, 1e9, killed);
    return 0;
  };
  const other = await jobSession({ size: 1, programs: { careless } });
  assertEquals((await run(other, 0, wreckrun, "-T", "1", "careless")).status, 137);
});

Deno.test("a job that fails while its ranks are asked to start leaves no task on those that are reached later", async () => {
  await forSeeds(20, async (seed) => {
    const session = await jobSession({ size: 7, seed });
    const job = new RunningCommand(session, 0, wreckrun, ["-N7", "-n7", "sleep", "100000"]);
    await session.run(session.random.below(20));
    session.kill(1);
    assertEquals(await session.settle(job.status), 68);
    await session.until(() => isIdle(session));
  });
});

Deno.test("a rank that was cut off ends, when it is back, the tasks of jobs that have failed meanwhile, and no others", async () => {
  const session = await jobSession({ size: 4 });
  const hit = new RunningCommand(session, 0, wreckrun, ["-N4", "sleep", "100000"]);
  await session.until(() => runningTasks(session) === 4);
  const heal = session.network.partition([session.host(3)], [0, 1, 2].map((rank) => session.host(rank)));
  assertEquals(await session.settle(hit.status), 68);
  const spared = new RunningCommand(session, 0, wreckrun, ["-N3", "sleep", "60"]);
  await session.run(10_000);
  assertEquals(session.spawners[3]!.running.size, 1);
  heal();
  await session.until(() => session.spawners[3]!.running.size === 0);
  assertEquals(await session.settle(spared.status), 0);
});

Deno.test("a job that is killed while its tasks are being started starts no more of them", async () => {
  let begun = 0;
  const sleeper: Program = async ({ clock, killed }) => {
    begun++;
    await sleep(clock, 1e9, killed);
    return 0;
  };
  const session = await jobSession({ size: 1, programs: { sleeper } });
  const job = new RunningCommand(session, 0, wreckrun, ["-n5000", "sleeper"]);
  await session.until(() => begun > 0);
  await session.settle(session.handle(0).rpc("job.kill", { jobid: 1, signal: 9 }));
  assertEquals(await session.settle(job.status), 137);
  assertEquals(job.around.err, "wreckrun: tasks [0-4999]: exited with signal 9\n");
  assert(begun < 5000, `${begun} have begun`);
  assert(isIdle(session));
});

Deno.test("a rank that is asked twice to start its tasks starts them once, also when they have ended meanwhile", async () => {
  let runs = 0;
  const count: Program = () => Promise.resolve(++runs - 1);
  const session = await jobSession({ size: 1, programs: { count } });
  const spec = { cmdline: ["count"], environ: {}, ntasks: 1, walltime: 0, options: {} };
  const request = { jobid: 7, name: "7.x", spec, layout: { ranks: [0], cores: [1] }, order: 1 };
  for (let time = 0; time < 2; time++) {
    await session.settle(session.handle(0).rpc("wreck.start", request));
    await session.run(100);
    assert(isIdle(session));
  }
  assertEquals(runs, 1);
});

Deno.test("a rank that dies ends the jobs that have tasks on it, by name, and no others", async () => {
  const session = await jobSession({ size: 4, arity: 1, attributes: { hostlist: "a,b,c,d" } });
  const hit = new RunningCommand(session, 0, wreckrun, ["-n4", "sleep", "3600"]);
  const spared = new RunningCommand(session, 0, wreckrun, ["-N2", "sleep", "60"]);
  await session.until(() => runningTasks(session) === 6);
  session.kill(3);
  assertEquals(await session.settle(hit.status), 68);
  const [, why, last] = hit.around.err.split("\n").slice(-4);
  assertEquals([why, last], ["wreckrun: node failure: rank 3 (d) is gone", "wreckrun: job 1 failed"]);
  assertEquals(await session.settle(spared.status), 0);
  assert(isIdle(session));
  const { out } = await run(session, 0, wreck, "status", "1");
  assertEquals(out.split("\n").slice(0, 2), ["Job 1 status: failed", "task[0-2]: exited with signal 9"]);
});

Deno.test("a rank that dies and comes back at once has lost its jobs all the same", async () => {
  const session = await jobSession({ size: 3 });
  const running = new RunningCommand(session, 0, wreckrun, ["-n3", "sleep", "3600"]);
  await session.until(() => runningTasks(session) === 3);
  session.kill(2);
  await session.settle(session.restart(2));
  assertEquals(await session.settle(running.status), 68);
  assert(running.around.err.includes("node failure: "), running.around.err);
  assertEquals((await run(session, 0, wreckrun, "-n3", "true")).status, 0);
});

Deno.test("flux submit runs jobs in order, each when there are cores for it", async () => {
  const modules = ["content", "kvs", { name: "wreck", args: ["cores=2"] }];
  const session = await jobSession({ size: 2, modules });
  let most = 0;
  const order: number[] = [];
  await session.settle(
    session.handle(1).listen("wreck.state.starting", ({ payload }) => {
      order.push(Number(payload.lwj));
      most = Math.max(most, runningTasks(session));
    }),
  );
  const { status, err } = await run(session, 1, submit, "--cc=1-9", "--wait", "-n2", "sleep", "5");
  assertEquals([status, err.split("\n").length], [0, 10]);
  assertEquals([order, most <= 4], [[1, 2, 3, 4, 5, 6, 7, 8, 9], true]);
  const refused = await run(session, 0, submit, "-n5", "true");
  assertEquals([refused.status, refused.err], [1, "submit: Requested tasks (5) exceed available cores (4)\n"]);
  const failed = await run(session, 0, submit, "--wait", "exit", "4");
  assertEquals([failed.status, failed.err.split("\n")[1]], [4, "submit: job 10: task 0: exited with exit code 4"]);
});

Deno.test("a job in the queue is cancelled by a signal, and the next one has its turn", async () => {
  const modules = ["content", "kvs", { name: "wreck", args: ["cores=1"] }];
  const session = await jobSession({ size: 1, modules });
  await run(session, 0, submit, "sleep", "100");
  await run(session, 0, submit, "echo", "second");
  const third = new RunningCommand(session, 0, submit, ["--wait", "true"]);
  await session.until(() => third.around.err !== "");
  await run(session, 0, wreck, "kill", "2");
  assertEquals((await run(session, 0, wreck, "status", "2")).out.split("\n")[0], "Job 2 status: cancelled");
  assertEquals(await session.settle(third.status), 0);
  assertEquals((await run(session, 0, wreck, "status", "1")).out.split("\n")[0], "Job 1 status: complete");
});

Deno.test("a job in the queue can be attached to: whoever has sees it run, or hears that it was cancelled", async () => {
  const modules = ["content", "kvs", { name: "wreck", args: ["cores=1"] }];
  const session = await jobSession({ size: 2, modules });
  await run(session, 0, submit, "-n2", "sleep", "100");
  await run(session, 0, submit, "echo", "second");
  await run(session, 0, submit, "echo", "third");
  const [second, third] = ["2", "3"].map((id) => new RunningCommand(session, 1, wreck, ["attach", "-s", id]));
  await session.run(1000);
  await run(session, 0, wreck, "kill", "3");
  assertEquals(await session.settle(third!.status), 0);
  assertEquals([third!.around.out, third!.around.err.split("\n")[0]], ["", "wreck: Job 3 status: cancelled"]);
  assertEquals(await session.settle(second!.status), 0);
  assertEquals(second!.around.out, "second\n");
});

Deno.test("a session that comes back goes on with its numbers and its queue, and tells what became of jobs that ran", async () => {
  const modules = ["content", "content-sqlite", "kvs", { name: "wreck", args: ["cores=1"] }];
  const first = await jobSession({ size: 1, modules });
  await run(first, 0, submit, "sleep", "3600");
  await run(first, 0, submit, "--cc=7", "place");
  await first.settle(new Kvs(first.handle(0)).transaction().put("lwj.environ", { COLOUR: "red" }).commit());
  await first.run(1000);
  first.stores.writesFail = "EIO";
  first.kill(0);
  await first.run(1000);
  first.stores.writesFail = undefined;
  first.stores.crash("/sim/content");
  const place: Program = ({ env, print }) => {
    print(`${env.FLUX_JOB_CC} ${env.COLOUR}\n`);
    return Promise.resolve(0);
  };
  const second = await jobSession({ size: 1, modules, stores: first.stores, programs: { place } });
  const lost = await run(second, 0, wreck, "status", "1");
  assertEquals(lost.out, "Job 1 status: failed\nnode failure: the session ended while it ran\n");
  assertEquals((await run(second, 0, wreck, "attach", "2")).out, "7 red\n");
  await run(second, 0, wreckrun, "true");
  assertEquals((await run(second, 0, wreck, "last-jobid")).out, "3\n");
});

Deno.test("with commit-on-task-exit the end of a task is in the KVS before that of the job", async () => {
  const uneven: Program = async ({ env, clock, killed }) => {
    if (env.FLUX_TASK_RANK === "1") await sleep(clock, 1e6, killed);
    return 5;
  };
  const session = await jobSession({ size: 2, programs: { uneven } });
  await run(session, 0, wreckrun, "-d", "-n2", "-o", "commit-on-task-exit", "uneven");
  await run(session, 0, wreckrun, "-d", "-n2", "uneven");
  await session.run(1000);
  const kvs = new Kvs(session.handle(0));
  const status = (jobid: number) => session.settle(kvs.get(`lwj.${jobid}.0.exit_code`));
  assertEquals(await status(1), 5);
  await assertRejects(status(2), { errno: "ENOENT" });
});

Deno.test("a job that waits for a debugger is in state sync, and its processes are started through a shell that stops", async () => {
  const argvs: string[] = [];
  const sh: Program = ({ argv }) => Promise.resolve(argvs.push(argv.slice(3).join(" ")) && 0);
  const session = await jobSession({ size: 1, programs: { "/bin/sh": sh } });
  const states: string[] = [];
  await session.settle(session.handle(0).listen("wreck.state.", ({ topic }) => void states.push(topic.slice(12))));
  await run(session, 0, wreckrun, "-o", "stop-children-in-exec", "echo", "hi");
  await session.until(() => states.length === 4);
  assertEquals([states, argvs], [["reserved", "starting", "sync", "complete"], ["sh echo hi"]]);
});

Deno.test("module wreck, when it is unloaded, ends its jobs and leaves no task", async () => {
  const session = await jobSession({ size: 2 });
  await run(session, 0, wreckrun, "-d", "-n2", "sleep", "3600");
  await session.until(() => runningTasks(session) === 2);
  await session.settle(session.brokers[0]!.modules.remove("wreck"));
  await session.until(() => isIdle(session));
  await session.settle(session.brokers[0]!.modules.loadFrom("wreck"));
  await session.run(1000);
  assertEquals((await run(session, 1, wreck, "status", "1")).out.split("\n")[0], "Job 1 status: failed");
  assertEquals((await run(session, 1, wreckrun, "-n2", "true")).status, 0);
});

Deno.test("guests can neither run nor signal jobs, by request or by event", async () => {
  const session = await jobSession({ size: 2 });
  await run(session, 0, wreckrun, "-d", "sleep", "3600");
  await session.settle(session.handle(0).rpc("job.create", { cmdline: ["true"], environ: {} }));
  const guest = session.handle(1, { userid: 77, rolemask: Role.user });
  await assertRejects(session.settle(guest.rpc("job.kill", { jobid: 1 })), { errno: "EPERM" });
  await assertRejects(session.settle(guest.rpc("wreck.clear", { jobid: 1 }, { rank: 0 })), { errno: "EPERM" });
  guest.publish("wreck.1.kill", { signal: 9 });
  guest.publish("wrexec.run.2");
  await session.run(1000);
  assertEquals((await run(session, 0, wreck, "status", "1")).out, "Job 1 status: running\n");
  assertEquals(await session.settle(new Kvs(session.handle(0)).get("lwj.2.state")), "reserved");
  session.handle(1).publish("wreck.1.kill");
  await session.until(() => isIdle(session));
});

Deno.test("requests that are wrong are refused with the field, and make no job", async () => {
  const session = await jobSession({ size: 2 });
  const handle = session.handle(1);
  const wrong = async (topic: string, payload: object, failure: object) => {
    await assertRejects(session.settle(handle.rpc(topic, payload)), failure);
  };
  await wrong("job.submit", { cmdline: "true" }, { errno: "EPROTO", text: '"cmdline"' });
  await wrong("job.submit", { cmdline: ["true"], cc: "x" }, { errno: "EPROTO", text: '"cc"' });
  await wrong("job.run", { cmdline: ["true"] }, { errno: "EPROTO", text: "streaming" });
  await wrong("job.kill", { jobid: 3 }, { errno: "ENOENT", text: "Job 3: No such file or directory" });
  await wrong("job.kill", { jobid: 3, signal: 99 }, { errno: "EINVAL" });
  await wrong("wreck.signal", { jobid: 3, signal: 9 }, { errno: "ENOENT" });
});

Deno.test("a job with tasks on 32 ranks runs, and ends when a rank dies that others are behind", async () => {
  const session = await jobSession({ size: 32 });
  const { status, out } = await run(session, 17, wreckrun, "-n100", "-l", "echo", "hi");
  assertEquals([status, lines(out).length], [0, 100]);
  const hit = new RunningCommand(session, 0, wreckrun, ["-n32", "sleep", "3600"]);
  const spared = new RunningCommand(session, 0, wreckrun, ["-n1", "sleep", "4"]);
  await session.until(() => runningTasks(session) === 33);
  session.kill(2);
  assertEquals([await session.settle(hit.status), await session.settle(spared.status)], [68, 0]);
  await session.until(() => isIdle(session));
});

Deno.test("jobs end, whatever ranks die meanwhile", async () => {
  await forSeeds(6, async (seed) => {
    const session = await jobSession({ size: 7, seed });
    const { random } = session;
    const statuses: Promise<number>[] = [];
    for (let i = 0; i < 6; i++) {
      const tasks = 1 + random.below(14);
      const time = `${random.below(10_000) / 1000}`;
      statuses.push(new RunningCommand(session, 0, wreckrun, [`-n${tasks}`, "sleep", time]).status);
      await session.run(random.below(1500));
      if (i === 1 || i === 3) session.kill(1 + random.below(6));
    }
    for (const status of statuses) assert([0, 68].includes(await session.settle(status)));
    await session.until(() => isIdle(session));
  });
});
