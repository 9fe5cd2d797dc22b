/** What jobs write and read, with real programs. */

import { assert, assertEquals } from "../assert.ts";
import { testUnless, unlessLong } from "../skip.ts";
import { executable, plainEnvironment, type Session, spawnFlux, startSession, until } from "./session.ts";

/** Runs a shell script on this machine, in which `flux` is the executable under test. */
async function shell(session: Session, rank: number, script: string): Promise<{ code: number; stdout: string }> {
  const env = plainEnvironment({ FLUX_URI: session.uri(rank), FLUX: executable });
  const args = ["-c", `flux() { "$FLUX" "$@"; }; ${script}`];
  const options = { args, env, clearEnv: true, cwd: session.directory, stdin: "null" } as const;
  const { code, stdout } = await new Deno.Command("bash", options).output();
  return { code, stdout: new TextDecoder().decode(stdout) };
}

Deno.test("a million and a half lines come to a pipe, all of them and in order", async () => {
  await using session = await startSession({ size: 3 });
  const script = "flux wreckrun seq 1 1500000 | cmp - <(seq 1 1500000) && echo same";
  assertEquals(await shell(session, 2, script), { code: 0, stdout: "same\n" });
  const attached = await session.flux(["wreck", "attach", "1"], { rank: 1 });
  assertEquals([attached.stdout.length, attached.stdout.endsWith("\n")], [10 << 20, true]);
  assert(/task 0: \d+ bytes of output beyond 10485760 were not kept; --output FILE/.test(attached.stderr));
});

Deno.test("lines of several tasks stay whole and in order for each", async () => {
  await using session = await startSession({ size: 3 });
  const check = "grep ^$i: all | sed s/^$i:.// | cmp - <(seq 1 60000)";
  const script = `flux wreckrun -n6 -l seq 1 60000 >all && for i in 0 1 2 3 4 5; do ${check} || exit; done; wc -l <all`;
  assertEquals(await shell(session, 1, script), { code: 0, stdout: "360000\n" });
});

Deno.test("32 MB of any bytes go into a task three hops away and come back", async () => {
  await using session = await startSession({ size: 8 });
  const script = "head -c 33554432 /dev/urandom >data && flux wreckrun cat <data | cmp - data && " +
    "FLUX_URI=${FLUX_URI%-7}-0 flux wreckrun -N8 -n8 -i -:7 -l md5sum <data | cut -d' ' -f2 && md5sum <data | cut -d' ' -f1";
  const { code, stdout } = await shell(session, 7, script);
  const [there, here] = stdout.split("\n");
  assertEquals([code, there], [0, here], stdout);
});

testUnless(unlessLong(), "a gigabyte goes through a task, and no broker grows by it", async () => {
  await using session = await startSession({ size: 3 });
  const script =
    "head -c 1073741824 /dev/zero | flux wreckrun cat | cmp - <(head -c 1073741824 /dev/zero) && echo same";
  assertEquals(await shell(session, 2, script), { code: 0, stdout: "same\n" });
  const status = Deno.readTextFileSync(`/proc/${session.pid(0)}/status`);
  const peak = Number(/VmHWM:\s+(\d+)/.exec(status)?.[1]);
  assert(peak < 400_000, `rank 0 had ${peak} kB`);
});

Deno.test("jobs are parts of a pipeline", async () => {
  await using session = await startSession({ size: 4 });
  const script = "printf 'c\\na\\nb\\n' | flux wreckrun sort | flux wreckrun -n2 -l tr a-z A-Z | sort; " +
    "yes | flux wreckrun head -n 3; flux wreckrun yes | head -n 2; echo ${PIPESTATUS[@]}; flux wreck attach -s 4 2>&1 >/dev/null | tail -1";
  const { code, stdout } = await shell(session, 3, script);
  assertEquals([code, stdout], [
    0,
    "0: A\n0: B\n0: C\n1: A\n1: B\n1: C\ny\ny\ny\ny\ny\n141 0\nwreck: task0: exited with signal 9\n",
  ]);
});

Deno.test("input that cannot be read is the end of it, and a job whose output cannot be written is not left behind", async () => {
  await using session = await startSession({ size: 2 });
  const script = "flux wreckrun -n2 cat 2>&1 </; echo $?; flux exec cat 2>&1 </; echo $?; " +
    "flux wreckrun yes 2>&1 >/dev/full; echo $?; flux wreck attach -s 2 2>&1 >/dev/null | tail -1";
  const { stdout } = await shell(session, 1, script);
  const unread = (name: string) => `${name}: cannot read standard input: Is a directory\n0\n`;
  assertEquals(
    stdout,
    `${unread("wreckrun")}${unread("exec")}wreckrun: cannot write standard output: No space left on device\n1\n` +
      "wreck: task0: exited with signal 9\n",
  );
});

Deno.test("a prompt is seen before its line has an end", async () => {
  await using session = await startSession({ size: 2 });
  const words = ["wreckrun", "sh", "-c", "printf 'name? '; read x; echo hello $x"];
  const child = spawnFlux(words, { env: { FLUX_URI: session.uri(1) }, stdin: "piped" });
  const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  assertEquals((await reader.read()).value, "name? ");
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode("flux\n"));
  assertEquals((await reader.read()).value, "hello flux\n");
  await writer.close();
  await Promise.all([reader.cancel(), child.stderr.cancel()]);
  assertEquals((await child.status).code, 0);
});

Deno.test("a task that closes its output, reads nothing, or leaves a process behind ends like any other", async () => {
  await using session = await startSession({ size: 2 });
  const closed = await session.flux(["wreckrun", "-n2", "sh", "-c", "exec >&- 2>&-; sleep 0.2; exit 4"]);
  assertEquals(closed.code, 4);
  const unread = await session.flux(["wreckrun", "sh", "-c", "exec <&-; sleep 0.1; echo done"], {
    stdin: "x".repeat(3_000_000),
  });
  assertEquals([unread.code, unread.stdout], [0, "done\n"]);
  const left = await session.flux(["wreckrun", "sh", "-c", "(sleep 0.5; echo later) & echo first"]);
  assertEquals([left.code, left.stdout], [0, "first\nlater\n"]);
});

Deno.test("a job is left and attached to again, by several at once, and one of them types", async () => {
  await using session = await startSession({ size: 3 });
  const { stdout } = await session.flux(["wreckrun", "-d", "-n2", "-N2", "sh", "-c", "echo begun; cat; echo over"]);
  assertEquals(stdout, "1\n");
  const watching = spawnFlux(["wreck", "attach", "1"], { env: { FLUX_URI: session.uri(1) }, stdin: "piped" });
  const reader = watching.stdout.getReader();
  await reader.read();
  reader.releaseLock();
  // The first has the input; when it goes, the next one does.
  watching.kill("SIGKILL");
  await watching.status;
  await Promise.all([watching.stdout.cancel(), watching.stderr.cancel(), watching.stdin.abort().catch(() => {})]);
  const state = async () => (await session.flux(["wreck", "status", "1"])).stdout;
  assertEquals(await state(), "Job 1 status: running\n");
  const both = await Promise.all([
    session.flux(["wreck", "attach", "-l", "1"], { rank: 2, stdin: "typed\n" }),
    session.flux(["wreck", "attach", "-l", "1"], { rank: 0, stdin: "typed\n" }),
  ]);
  const whole = ["0: begun", "0: over", "0: typed", "1: begun", "1: over", "1: typed"];
  for (const { code, stdout } of both) assertEquals([code, stdout.trim().split("\n").sort()], [0, whole]);
  const after = await session.flux(["wreck", "attach", "-l", "1"]);
  assertEquals(after.stdout.trim().split("\n").sort(), whole);
});

Deno.test("output goes to files by their templates, with labels, and standard error where it is sent", async () => {
  await using session = await startSession({ size: 3 });
  const words = "echo out $FLUX_TASK_RANK; echo err >&2";
  const own = await session.flux(["wreckrun", "-n3", "-O", "{{cmd}}.{{id}}.{{taskid}}", "sh", "-c", words]);
  assertEquals([own.code, own.stdout, own.stderr], [0, "", ""]);
  const read = (name: string) => Deno.readTextFile(`${session.directory}/${name}`);
  assertEquals((await read("sh.1.2")).split("\n").sort(), ["", "err", "out 2"]);
  const split = await session.flux(["wreckrun", "-n3", "-l", "-O", "out", "-E", "err", "sh", "-c", words]);
  assertEquals(split.code, 0);
  assertEquals((await read("out")).split("\n").sort(), ["", "0: out 0", "1: out 1", "2: out 2"]);
  assertEquals((await read("err")).split("\n").sort(), ["", "0: err", "1: err", "2: err"]);
  const refused = await session.flux(["wreckrun", "-O", "/nowhere/out", "true"]);
  assertEquals([refused.code, refused.stderr.split("\n")[0]], [
    1,
    "wreckrun: Error: output: /nowhere/out: No such file or directory",
  ]);
  const big = await session.flux(["wreckrun", "-o", "stdio-limit=1", "-O", "big", "seq", "1", "300000"]);
  assertEquals([big.code, (await read("big")).length], [0, 1_988_895]);
});

Deno.test("input comes from files, from standard input, or not at all, as it is mapped", async () => {
  await using session = await startSession({ size: 3 });
  for (const task of [0, 1]) await Deno.writeTextFile(`${session.directory}/in.${task}`, `file ${task}\n`);
  const lines = async (...words: string[]) => {
    const { stdout, stderr } = await session.flux(["wreckrun", "-n3", "-l", ...words, "cat"], { stdin: "typed\n" });
    return [stdout.split("\n").filter(Boolean).sort(), stderr] as const;
  };
  assertEquals(await lines("-i", "in.{{taskid}}:0-1;2"), [["0: file 0", "1: file 1", "2: typed"], ""]);
  assertEquals(await lines("-i", "1"), [["1: typed"], ""]);
  assertEquals(await lines("-i", "none"), [[], ""]);
  assertEquals(await lines("--input=./in.0"), [["0: file 0", "1: file 0", "2: file 0"], ""]);
  const failure = "wreckrun: Error: input: /no/file: No such file or directory\nwreckrun: job 5 failed\n";
  assertEquals(await lines("-i", "/no/file"), [[], failure]);
});

Deno.test("what a job writes is readable by name while it runs", async () => {
  await using session = await startSession({ size: 2 });
  await session.flux(["wreckrun", "-d", "sh", "-c", "echo one; sleep 1000"]);
  await until(
    "the first block",
    async () => (await session.flux(["kvs", "exists", "lwj.1.0.stdout.000000"])).code === 0,
  );
  assertEquals((await session.flux(["kvs", "get", "lwj.1.0.stdout.000000"])).stdout, '{"data":"b25lCg=="}\n');
  const copying = session.flux(["zio", "copy", "lwj.1.0.stdout", "-"], { rank: 1 });
  await session.flux(["wreck", "kill", "1"]);
  assertEquals((await copying).stdout, "one\n");
});
