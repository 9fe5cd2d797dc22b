/** Jobs with real programs: where they run, how they end, who survives whom. */

import { Handle, open } from "../../broker/handle/mod.ts";
import { Kvs } from "../../modules/kvs/client.ts";
import { assert, assertEquals } from "../assert.ts";
import { type Session, spawnFlux, startSession, until, workDirectory } from "./session.ts";

/** Jobs one after the other, and at once: many where there is time for it. */
const LONG = Deno.env.get("FLUX_TEST_LONG") !== undefined;
const IN_A_ROW = LONG ? 1000 : 25, AT_ONCE = LONG ? 200 : 24;

const sorted = (text: string) => text.split("\n").sort().slice(1);

async function run(session: Session, ...args: string[]): Promise<[number, string, string]> {
  const { code, stdout, stderr } = await session.flux(args, { rank: session.size - 1 });
  return [code, stdout, stderr];
}

async function client(session: Session): Promise<Handle> {
  return await open(session.uri());
}

async function state(session: Session, jobid: number): Promise<string> {
  return (await session.flux(["wreck", "status", `${jobid}`])).stdout.split("\n")[0]!.replace(/.*: /, "");
}

function lives(pid: number): boolean {
  try {
    return !/\) [ZX]/.test(Deno.readTextFileSync(`/proc/${pid}/stat`));
  } catch {
    return false;
  }
}

/** The pid of a task, once the job runs. */
async function pidOf(session: Session, jobid: number, task = 0): Promise<number> {
  await until(`job ${jobid} runs`, async () => ["running", "sync"].includes(await state(session, jobid)));
  const { stdout } = await session.flux(["kvs", "get", `lwj.${jobid}.${task}.procdesc`]);
  return JSON.parse(stdout).pid;
}

Deno.test("flux wreckrun runs tasks where it is told, in its directory, and they know their place", async () => {
  await using session = await startSession({ size: 4 });
  const script =
    'echo "$FLUX_JOB_ID/$FLUX_JOB_SIZE $FLUX_NODE_ID/$FLUX_JOB_NNODES $FLUX_LOCAL_RANKS ${FLUX_URI##*-} $PWD"';
  const [code, stdout, stderr] = await run(session, "wreckrun", "-n5", "-N2", "-l", "sh", "-c", script);
  const { directory } = session;
  assertEquals([code, stderr], [0, ""]);
  assertEquals(sorted(stdout), [
    ...[0, 1, 2].map((task) => `${task}: 1/5 0/2 0,1,2 0 ${directory}`),
    ...[3, 4].map((task) => `${task}: 1/5 1/2 3,4 1 ${directory}`),
  ]);
  assertEquals((await run(session, "wreckrun", "-N4", "sh", "-c", "exit $FLUX_TASK_RANK"))[0], 3);
  const both = await run(session, "wreckrun", "sh", "-c", "echo out; echo err >&2");
  assertEquals(both, [0, "out\n", "err\n"]);
  const told = await run(session, "wreckrun", "-n3", "sh", "-c", "kill -15 $$");
  assertEquals(told, [143, "", "wreckrun: tasks [0-2]: exited with signal 15\n"]);
});

Deno.test("what cannot be run is told in one line, with a status, and leaves no job that is half made", async () => {
  await using session = await startSession({ size: 2 });
  await using place = await workDirectory();
  const first = async (...args: string[]) => {
    const [code, stdout, stderr] = await run(session, ...args);
    return [code, stdout, stderr.split("\n")[0]];
  };
  assertEquals(await first("wreckrun", "-N3", "true"), [1, "", "wreckrun: Requested nodes (3) exceeds available (2)"]);
  assertEquals(await first("wreckrun", "-T", "soon", "true"), [1, "", "wreckrun: Error: Invalid duration 'soon'"]);
  assertEquals(await first("wreckrun", "-o", "x", "true"), [1, "", "wreckrun: Failed to process cmdline args"]);
  assertEquals(await first("wreckrun"), [1, "", "wreckrun: Command to run required"]);
  assertEquals(await first("wreckrun", "--nope", "true"), [1, "", "wreckrun: unrecognized option '--nope'"]);
  assertEquals(await first("submit", "-n9999", "true").then(([code]) => code), 1);
  assertEquals(await first("wreck", "status", "1"), [1, "", "wreck: Job 1: No such file or directory"]);
  assertEquals(await first("wreck", "kill", "one"), [1, "", "wreck: Invalid Job id 'one'"]);
  assertEquals(await first("wreck", "ls", "1"), [1, "", "wreck: no arguments are needed"]);
  assertEquals((await run(session, "wreck", "ls"))[1].split("\n").length, 2);
  // From here on there are jobs, each with an end.
  assertEquals(await first("wreckrun", "nosuch"), [127, "", "execvp: No such file or directory: nosuch"]);
  assertEquals(await first("wreckrun", "/etc/passwd"), [126, "", "execvp: Permission denied: /etc/passwd"]);
  await Deno.mkdir(`${place.path}/gone`);
  const gone = await session.flux(["wreckrun", "-d", "sh", "-c", "rmdir $PWD; sleep 60"], {
    cwd: `${place.path}/gone`,
  });
  assertEquals(gone.code, 0);
  await run(session, "wreck", "kill", gone.stdout.trim());
  await until("its end", async () => await state(session, 3) === "complete");
  assertEquals(await first("wreck", "kill", "3"), [1, "", "wreck: Job 3: complete"]);
});

Deno.test("a directory that is not there is what a task could not start in", async () => {
  await using session = await startSession({ size: 1 });
  using handle = await client(session);
  const news = handle.stream("job.run", { cmdline: ["true"], environ: {}, cwd: "/nonexistent", ntasks: 1 });
  let code: unknown;
  for await (const { result } of news) code = (result as { code: number } | undefined)?.code;
  assertEquals(code, 127);
  assertEquals(
    (await session.flux(["wreck", "attach", "1"])).stderr,
    "execvp: No such file or directory: /nonexistent\n",
  );
});

Deno.test("jobs one after the other and many at once all end well and leave nothing", async () => {
  await using session = await startSession({ size: 3 });
  const [, before] = await run(session, "ps");
  for (let i = 0; i < IN_A_ROW; i++) assertEquals((await run(session, "wreckrun", "-n2", "true"))[0], 0);
  const all = await Promise.all(
    Array.from({ length: AT_ONCE }, (_, i) => run(session, "wreckrun", "-n2", "-l", "sh", "-c", `echo ${i}`)),
  );
  for (const [i, [code, stdout]] of all.entries()) assertEquals([code, sorted(stdout)], [0, [`0: ${i}`, `1: ${i}`]]);
  assertEquals((await run(session, "wreck", "last-jobid"))[1], `${IN_A_ROW + AT_ONCE}\n`);
  assertEquals((await run(session, "ps"))[1], before);
});

Deno.test("flux submit runs more jobs than there are cores, never more tasks than cores at once", async () => {
  await using session = await startSession({ size: 2, args: ["-o", "--exclude=wreck"] });
  for (const words of [["submit", "true"], ["wreck", "kill", "1"], ["wreck", "status", "1"]]) {
    const { stderr } = await session.flux(words);
    assertEquals(stderr.split("\n")[0], `${words[0]}: flux.rpc: Function not implemented`);
  }
  assertEquals((await session.flux(["module", "load", "-r", "all", "wreck", "cores=2"])).code, 0);
  const script = "mkdir slot.$FLUX_JOB_CC; ls -d slot.* | wc -l; sleep 0.1; rmdir slot.$FLUX_JOB_CC";
  const [code, , stderr] = await run(session, "submit", "--cc=1-12", "--wait", "sh", "-c", script);
  assertEquals([code, stderr.split("\n").length], [0, 13]);
  for (let jobid = 1; jobid <= 12; jobid++) {
    const { stdout } = await session.flux(["wreck", "attach", `${jobid}`]);
    assert(Number(stdout) >= 1 && Number(stdout) <= 4, `job ${jobid} saw ${stdout}`);
  }
});

Deno.test("tasks that ignore SIGTERM, and those they have started, are gone after a kill and with the session", async () => {
  const session = await startSession({ size: 2 });
  let pids: number[];
  {
    await using _ = session;
    const script = "trap '' TERM; sleep 1000 & echo $!; wait; wait; sleep 1000";
    const ids = await Promise.all([1, 2].map(() => session.flux(["wreckrun", "-d", "-n2", "sh", "-c", script])));
    const [first, second] = ids.map(({ stdout }) => Number(stdout));
    pids = await Promise.all([first, second].flatMap((id) => [pidOf(session, id!, 0), pidOf(session, id!, 1)]));
    await run(session, "wreck", "kill", `${first}`);
    assertEquals(await state(session, first!), "running");
    await run(session, "wreck", "kill", "-s", "KILL", `${first}`);
    await until("the end of the first job", async () => await state(session, first!) === "complete");
    assertEquals(pids.slice(0, 2).map(lives), [false, false]);
    assertEquals(pids.slice(2).map(lives), [true, true]);
  }
  assertEquals(pids.map(lives), [false, false, false, false]);
});

Deno.test("a broker that is killed takes the tasks of its rank along, and the job ends with its name", async () => {
  await using session = await startSession({ size: 3 });
  const running = spawnFlux(["wreckrun", "-n3", "sleep", "1000"], { env: { FLUX_URI: session.uri(0) } });
  const pids = await Promise.all([0, 1, 2].map((task) => pidOf(session, 1, task)));
  Deno.kill(session.pid(2), "SIGKILL");
  const { code, stderr } = await running.output();
  const text = new TextDecoder().decode(stderr);
  assertEquals(code, 68);
  assert(/wreckrun: node failure: rank 2 \(.*\) is gone/.test(text) && text.endsWith("wreckrun: job 1 failed\n"), text);
  await until("all tasks are gone", () => !pids.some(lives));
  assertEquals((await session.flux(["wreckrun", "-N2", "true"])).code, 0);
});

Deno.test("a job outlives the flux wreckrun that was killed, and can be attached to", async () => {
  await using session = await startSession({ size: 2 });
  const script = "echo before; while [ ! -e go ]; do sleep 0.05; done; echo after";
  const options = { env: { FLUX_URI: session.uri(1) }, cwd: session.directory };
  const running = spawnFlux(["wreckrun", "sh", "-c", script], options);
  await pidOf(session, 1);
  running.kill("SIGKILL");
  await running.output();
  assertEquals(await state(session, 1), "running");
  await Deno.writeTextFile(`${session.directory}/go`, "");
  assertEquals((await run(session, "wreck", "attach", "1"))[1], "before\nafter\n");
});

Deno.test("a walltime ends a job, by the signal that was set for all of them", async () => {
  await using session = await startSession({ size: 1 });
  assertEquals(await run(session, "wreckrun", "-T0.1", "sleep", "1000"), [
    142,
    "",
    "wreckrun: task 0: exited with signal 14\n",
  ]);
  await session.flux(["kvs", "put", "lwj.walltime-signal=SIGUSR1"]);
  await until("the signal is known", async () => (await run(session, "wreckrun", "-T0.1", "sleep", "1000"))[0] === 138);
});

Deno.test("tasks wait for a debugger with stop-children-in-exec, and run on SIGCONT", async () => {
  await using session = await startSession({ size: 1 });
  const { stdout } = await session.flux(["wreckrun", "-d", "-o", "stop-children-in-exec", "echo", "on"]);
  const pid = await pidOf(session, Number(stdout));
  assertEquals(await state(session, 1), "sync");
  await until("it has stopped", () => Deno.readTextFileSync(`/proc/${pid}/stat`).includes(") T "));
  await run(session, "wreck", "kill", "-s", "CONT", "1");
  assertEquals((await run(session, "wreck", "attach", "1"))[1], "on\n");
});

Deno.test("a job that another tool has placed runs on the processors it was given", async () => {
  await using session = await startSession({ size: 2 });
  using handle = await client(session);
  const script = "grep Cpus_allowed_list /proc/self/status; echo $PWD $COLOUR";
  await handle.rpc("job.create", { cmdline: ["sh", "-c", script], environ: { PATH: "/usr/bin:/bin" }, cwd: "/tmp" });
  const transaction = new Kvs(handle).transaction().put("lwj.1.rank.1.cores", 2).put("lwj.1.rank.1.cpumask", "0");
  await transaction.put("lwj.1.1.environ", { COLOUR: "red" }).put("lwj.1.1.cwd", "/usr").commit();
  handle.publish("wrexec.run.1");
  const [, stdout] = await run(session, "wreck", "attach", "-l", "1");
  assertEquals(sorted(stdout), ["0: /tmp", "0: Cpus_allowed_list:\t0", "1: /usr red", "1: Cpus_allowed_list:\t0"]);
});

Deno.test("a session with a state directory goes on with the numbers of its jobs, and its queue", async () => {
  await using place = await workDirectory();
  const args = ["--statedir", `${place.path}/state`];
  const first = await startSession({ size: 1, args });
  assertEquals((await first.flux(["wreckrun", "echo", "kept"])).code, 0);
  const { hardwareConcurrency: cores } = navigator;
  assertEquals((await first.flux(["submit", `-n${cores}`, "sleep", "1000"])).code, 0);
  assertEquals((await first.flux(["submit", "echo", "queued"], { cwd: "/" })).code, 0);
  await pidOf(first, 2);
  await first.crash();
  await Deno.remove(first.directory, { recursive: true });
  await using second = await startSession({ size: 1, args });
  assertEquals((await second.flux(["wreck", "attach", "3"])).stdout, "queued\n");
  assertEquals(await state(second, 2), "failed");
  assertEquals((await second.flux(["wreck", "attach", "1"])).stdout, "kept\n");
  assertEquals((await second.flux(["wreckrun", "-d", "true"])).stdout, "4\n");
});
