/** Programs of MPICH, as a user compiles and starts them. */

import { assert, assertEquals } from "../assert.ts";
import { testUnless, unlessProgram } from "../skip.ts";
import { startSession, until, workDirectory } from "./session.ts";

const fixtures = new URL("../fixtures/mpi/", import.meta.url).pathname;

const obstacle = unlessProgram("mpicc.mpich", "mpich, libmpich-dev");

/** Compiles programs of tests/fixtures/mpi into a directory. */
async function compile(names: readonly string[], into: string): Promise<void> {
  await Promise.all(names.map(async (name) => {
    const args = ["-O", "-o", `${into}/${name}`, `${fixtures}${name}.c`];
    const { success, stderr } = await new Deno.Command("mpicc.mpich", { args }).output();
    assert(success, new TextDecoder().decode(stderr));
  }));
}

const lines = (text: string) => text.trimEnd().split("\n").sort();

testUnless(obstacle, "a program of MPICH runs on 1 to 8 ranks over 1, 2 and 4 brokers", async () => {
  await using work = await workDirectory();
  await compile(["hello", "ring"], work.path);
  for (const [size, counts] of [[1, [1, 4]], [2, [3]], [4, [2, 8]]] as const) {
    await using session = await startSession({ size });
    for (const n of counts) {
      const hello = await session.flux(["wreckrun", "-n", `${n}`, `${work.path}/hello`]);
      assertEquals([hello.code, hello.stderr], [0, ""]);
      assertEquals(lines(hello.stdout), Array.from({ length: n }, (_, rank) => `hello from ${rank} of ${n}`));
      const ring = await session.flux(["wreckrun", "-n", `${n}`, `${work.path}/ring`, "3"]);
      assertEquals([ring.code, ring.stdout, ring.stderr], [0, `ok ${n}\n`, ""]);
    }
  }
});

testUnless(obstacle, "two programs of MPICH run at once in one session, and do not see each other", async () => {
  await using work = await workDirectory();
  await compile(["ring"], work.path);
  await using session = await startSession({ size: 2 });
  const runs = [2, 3].map((n) => session.flux(["wreckrun", "-n", `${n}`, `${work.path}/ring`, "3"]));
  assertEquals((await Promise.all(runs)).map(({ stdout }) => stdout), ["ok 2\n", "ok 3\n"]);
});

testUnless(obstacle, "MPI_Abort ends a job with its code, and says which task it was", async () => {
  await using work = await workDirectory();
  await compile(["hello"], work.path);
  await using session = await startSession({ size: 2 });
  const { code, stderr } = await session.flux(["wreckrun", "-n3", `${work.path}/hello`, "abort", "13"]);
  assertEquals(code, 13);
  assert(stderr.includes("task 2 (rank 1) has aborted the job"), stderr);
});

testUnless(obstacle, "a program of MPICH one of whose tasks is killed ends, and it is said which", async () => {
  await using work = await workDirectory();
  await compile(["hello"], work.path);
  await using session = await startSession({ size: 2 });
  const run = session.flux(["wreckrun", "-n3", `${work.path}/hello`, "wait", `${work.path}/pid`]);
  let pid = 0;
  await until("the last task writes its pid", () => {
    pid = Number(/(\d+)\n/.exec(read(`${work.path}/pid`))?.[1] ?? 0);
    return pid > 0;
  });
  Deno.kill(pid, "SIGKILL");
  const { code, stderr } = await run;
  assertEquals(code, 137);
  assert(stderr.includes("task 2 (rank 1) was killed by signal 9 before it had finalized PMI"), stderr);
});

function read(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    return "";
  }
}
