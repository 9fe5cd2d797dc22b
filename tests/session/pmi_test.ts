/** `flux pmi` under several launchers. */

import { assert, assertEquals } from "../assert.ts";
import { testUnless, unlessProgram } from "../skip.ts";
import { executable, plainEnvironment, runFlux, startSession } from "./session.ts";
import { startSlurm, withoutSlurm } from "./slurm.ts";

const untimed = (text: string) => text.replaceAll(/, [\d.]+ ms/g, "");

Deno.test("flux pmi as a job: barriers and exchanges of all tasks, one line each", async () => {
  await using session = await startSession({ size: 3 });
  const barrier = await session.flux(["wreckrun", "-n5", "flux", "pmi", "barrier", "--count=2"]);
  assertEquals([barrier.code, barrier.stderr], [0, ""]);
  assertEquals(untimed(barrier.stdout), "barrier 0: 5 tasks\nbarrier 1: 5 tasks\n");
  const exchange = await session.flux(["wreckrun", "-n3", "flux", "pmi", "exchange", "--json"]);
  const { operation, number, size } = JSON.parse(exchange.stdout);
  assertEquals([exchange.code, operation, number, size], [0, "exchange", 0, 3]);
});

Deno.test("flux pmi as a job: values that the server has, in the ranks that are asked for", async () => {
  await using session = await startSession({ size: 2 });
  const { stdout } = await session.flux([
    "wreckrun",
    "-n4",
    "flux",
    "pmi",
    "get",
    "--rank",
    "1-2",
    "PMI_process_mapping",
  ]);
  assertEquals(stdout, "(vector,(0,1,4))\n".repeat(2));
  const missing = await session.flux(["wreckrun", "-n2", "flux", "pmi", "get", "nosuch"]);
  assertEquals(missing.code, 1);
  assert(missing.stderr.includes("flux-pmi: PMI get of key nosuch: failure\n"), missing.stderr);
});

Deno.test("a job with the option pmi-port has PMI at a port, for programs that find no socket", async () => {
  await using session = await startSession({ size: 2 });
  const words = ["wreckrun", "-n3", "-o", "pmi-port", "sh", "-c", 'test -z "$PMI_FD" && exec flux pmi exchange'];
  const { code, stdout, stderr } = await session.flux(words);
  assertEquals([code, untimed(stdout), stderr], [0, "exchange 0: 3 tasks\n", ""]);
});

Deno.test("a job with the option pmi-trace has what is said in the log", async () => {
  await using session = await startSession({ size: 1 });
  await session.flux(["wreckrun", "-o", "pmi-trace", "flux", "pmi", "barrier"]);
  const { stdout } = await session.flux(["dmesg"]);
  assert(
    stdout.includes("job 1: 0 > cmd=barrier_in\n") && stdout.includes("job 1: 0 < cmd=barrier_out rc=0\n"),
    stdout,
  );
});

Deno.test("a job ends though a process that it leaves behind has the socket for PMI", async () => {
  await using session = await startSession({ size: 1 });
  const script = "sleep 1000 </dev/null >/dev/null 2>&1 & echo $!";
  const { code, stdout } = await session.flux(["wreckrun", "sh", "-c", script]);
  assertEquals(code, 0);
  Deno.kill(Number(stdout), "SIGKILL");
});

Deno.test("a job whose tasks wait for one on another broker that ends without PMI ends with its name", async () => {
  await using session = await startSession({ size: 3 });
  const script = (end: string) => `test $FLUX_TASK_RANK = 2 && { ${end}; }; exec flux pmi barrier`;
  for (const [end, status] of [["exit 0", 1], ["exec nosuch", 127], ["kill -9 $$", 137]] as const) {
    const { code, stderr } = await session.flux(["wreckrun", "-n3", "sh", "-c", script(end)]);
    assertEquals(code, status, stderr);
    const how = status === 137 ? "exited with signal 9" : `exited with exit code ${status === 1 ? 0 : status}`;
    const line =
      `wreckrun: task 2 \\(rank 2, ${Deno.hostname()}\\) ${how}, and tasks? [01-]+ waits? for it in a PMI barrier`;
    assert(new RegExp(line).test(stderr), stderr);
  }
  const wrapped = await session.flux(["wreckrun", "-n3", "sh", "-c", "flux pmi barrier; sleep 0.$FLUX_TASK_RANK"]);
  assertEquals([wrapped.code, untimed(wrapped.stdout), wrapped.stderr], [0, "barrier 0: 3 tasks\n", ""]);
});

Deno.test("flux pmi -v shows each line behind the rank", async () => {
  await using session = await startSession({ size: 1 });
  const { stderr } = await session.flux(["wreckrun", "flux", "pmi", "-v", "barrier"]);
  assert(stderr.includes("flux-pmi: 0 > cmd=barrier_in\nflux-pmi: 0 < cmd=barrier_out rc=0\n"), stderr);
});

testUnless(unlessProgram("mpiexec.hydra", "mpich"), "flux pmi under mpiexec.hydra", async () => {
  const args = ["-n", "3", executable, "pmi", "exchange"];
  const { stdout, stderr } = await new Deno.Command("mpiexec.hydra", {
    args,
    stdin: "null",
    clearEnv: true,
    env: plainEnvironment(),
  }).output();
  assertEquals(untimed(new TextDecoder().decode(stdout)), "exchange 0: 3 tasks\n", new TextDecoder().decode(stderr));
});

testUnless(withoutSlurm(), "flux pmi under srun", async () => {
  await using slurm = await startSlurm(2);
  const words = ["srun", "-N2", "-n4", "--ntasks-per-node=2", "--mpi=pmi2", executable, "pmi", "exchange"];
  const { code, stdout, stderr } = await slurm.run(words);
  assertEquals([code, untimed(stdout)], [0, "exchange 0: 4 tasks\n"], stderr);
});

Deno.test("flux pmi without a launcher says so, and what to do", async () => {
  const { code, stderr } = await runFlux(["pmi", "barrier"]);
  assertEquals(code, 1);
  assertEquals(
    stderr,
    "flux-pmi: no launcher offers PMI here: neither PMI_FD nor PMI_PORT is set\n" +
      "hint: run it as a program of several tasks: flux wreckrun -n4 flux pmi barrier\n",
  );
});

for (
  const [env, text] of [
    [{ PMI_FD: "99", PMI_RANK: "0", PMI_SIZE: "1" }, "PMI_FD=99 is not an open file descriptor"],
    [{ PMI_FD: "3", PMI_SIZE: "1" }, "PMI_RANK is not set"],
    [{ PMI_FD: "x", PMI_RANK: "0", PMI_SIZE: "1" }, "PMI_FD=x is not a number"],
    [{ PMI_PORT: "127.0.0.1:1", PMI_ID: "0" }, "PMI_PORT=127.0.0.1:1: nobody answers there"],
    [{ PMI_PORT: "here", PMI_ID: "0" }, "PMI_PORT=here is not HOST:PORT"],
  ] as const
) {
  Deno.test(`flux pmi says of what its launcher told it: ${text}`, async () => {
    const { code, stderr } = await runFlux(["pmi", "barrier"], { env });
    assertEquals([code, stderr], [1, `flux-pmi: ${text}\n`]);
  });
}
