/** Programs of MPICH and of Open MPI, as a user compiles and starts them. */

import { assert, assertEquals } from "../assert.ts";
import { testUnless, unlessProgram } from "../skip.ts";
import { startHosts, withoutHosts } from "./hosts.ts";
import { startSession, until, workDirectory } from "./session.ts";

const fixtures = new URL("../fixtures/mpi/", import.meta.url).pathname;

const obstacle = unlessProgram("mpicc.mpich", "mpich, libmpich-dev");

const PYTHON = "/usr/bin/python3";
const SCALAPACK = "/usr/lib/x86_64-linux-gnu/scalapack/mpich-tests";

function unlessFile(path: string, packages: string): string | undefined {
  return exists(path) ? undefined : `there is no ${path} (Debian: ${packages})`;
}

/** Compiles programs of tests/fixtures/mpi into a directory. */
async function compile(names: readonly string[], into: string, compiler = "mpicc.mpich"): Promise<void> {
  await Promise.all(names.map(async (name) => {
    const args = ["-O", "-o", `${into}/${name}`, `${fixtures}${name}.c`];
    const { success, stderr } = await new Deno.Command(compiler, { args }).output();
    assert(success, new TextDecoder().decode(stderr));
  }));
}

const lines = (text: string) => text.trimEnd().split("\n").sort();

testUnless(obstacle, "a program of MPICH runs on 1 to 8 ranks over 1, 2 and 4 brokers", async () => {
  await using work = await workDirectory();
  await compile(["hello", "ring"], work.path);
  for (const [size, counts] of [[1, [1, 4]], [2, [3]], [4, [2, 6]]] as const) {
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

const README_LINE = "flux wreckrun -n 8 ./a.out";

testUnless(obstacle, `the line of the README, ${README_LINE}, runs a program as mpicc leaves it`, async () => {
  const readme = Deno.readTextFileSync(new URL("../../README.md", import.meta.url));
  assert(readme.includes(`    ${README_LINE} `), "README.md shows another line");
  await using session = await startSession({ size: 8 });
  const shell = async (line: string) => {
    const { code, stdout, stderr } = await session.flux([
      "env",
      "sh",
      "-c",
      `PATH=${session.rundir}/bin:$PATH; ${line}`,
    ]);
    assertEquals([code, stderr], [0, ""]);
    return stdout;
  };
  await shell(`mpicc.mpich ${fixtures}hello.c`);
  assertEquals(lines(await shell(README_LINE)), Array.from({ length: 8 }, (_, rank) => `hello from ${rank} of 8`));
});

testUnless(obstacle, "two programs of MPICH run at once in one session, and do not see each other", async () => {
  await using work = await workDirectory();
  await compile(["ring"], work.path);
  await using session = await startSession({ size: 2 });
  const runs = [2, 3].map((n) => session.flux(["wreckrun", "-n", `${n}`, `${work.path}/ring`, "3"]));
  assertEquals((await Promise.all(runs)).map(({ stdout }) => stdout), ["ok 2\n", "ok 3\n"]);
});

testUnless(
  obstacle ?? withoutHosts(),
  "a program of MPICH runs over several hosts, and knows which of its tasks share one",
  async () => {
    await using work = await workDirectory();
    await compile(["ring"], work.path);
    await using hosts = await startHosts(2);
    await using session = await hosts.startSession({ on: [0, 1, 1] });
    const mapping = await session.flux(["wreckrun", "-n4", "flux", "pmi", "get", "PMI_process_mapping"]);
    assertEquals([mapping.stdout, mapping.stderr], ["(vector,(0,2,2))\n", ""]);
    const ring = await session.flux(["wreckrun", "-n3", `${work.path}/ring`, "3"]);
    assertEquals([ring.code, ring.stdout, ring.stderr], [0, "ok 3\n", ""]);
    await session.stop();
    await hosts.quiet();
  },
);

testUnless(obstacle, "MPI_Abort ends a job with its code, and says which task it was", async () => {
  await using work = await workDirectory();
  await compile(["hello"], work.path);
  await using session = await startSession({ size: 2 });
  const { code, stderr } = await session.flux(["wreckrun", "-n3", `${work.path}/hello`, "abort", "13"]);
  assertEquals(code, 13);
  assert(stderr.includes(`task 2 (rank 1, ${Deno.hostname()}) has aborted the job`), stderr);
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
  assert(
    stderr.includes(`task 2 (rank 1, ${Deno.hostname()}) exited with signal 9 before it had finalized PMI`),
    stderr,
  );
});

testUnless(
  unlessFile(SCALAPACK, "scalapack-mpi-test"),
  "the programs with which ScaLAPACK checks itself find nothing wrong on 2 ranks",
  async () => {
    await using session = await startSession({ size: 2 });
    for (const name of ["xdlu", "xdqr"]) {
      const words = ["wreckrun", "-n2", `${SCALAPACK}/${name}`];
      const { code, stdout, stderr } = await session.flux(words, { cwd: SCALAPACK });
      assertEquals(code, 0, stderr);
      const [, passed, failed] = /(\d+) tests completed and passed[^]*?(\d+) tests completed and failed/.exec(stdout) ??
        [];
      assert(Number(passed) > 10 && failed === "0", stdout);
    }
  },
);

testUnless(
  unlessProgram("mpicc.openmpi", "openmpi-bin, libopenmpi-dev") ?? unlessProgram("cc", "gcc"),
  "a program of Open MPI runs on 1, 2 and 4 ranks over 2 brokers",
  async () => {
    await using work = await workDirectory();
    await compile(["ring"], work.path, "mpicc.openmpi");
    await using session = await startSession({ size: 2 });
    for (const n of [1, 2, 4]) {
      const { code, stdout, stderr } = await session.flux(["wreckrun", "-n", `${n}`, `${work.path}/ring`, "3"]);
      assertEquals([code, stdout, stderr], [0, `ok ${n}\n`, ""]);
    }
    assert(readNames(session.rundir).includes("libpmi.so"));
    await until(
      "the jobs' directories are gone",
      () => !readNames(session.rundir).some((name) => name.startsWith("job-")),
    );
  },
);

testUnless(
  unlessFile("/usr/lib/python3/dist-packages/mpi4py", "python3-mpi4py") ?? unlessProgram("cc", "gcc"),
  "mpi4py adds up over the tasks of a job",
  async () => {
    await using session = await startSession({ size: 2 });
    const program = "from mpi4py import MPI; c = MPI.COMM_WORLD; print(c.size, c.allreduce(c.rank + 1))";
    const { code, stdout, stderr } = await session.flux(["wreckrun", "-n3", PYTHON, "-c", program]);
    assertEquals([code, stdout, stderr], [0, "3 6\n".repeat(3), ""]);
  },
);

testUnless(
  unlessFile(PYTHON, "python3") ?? unlessProgram("cc", "gcc"),
  "libpmi.so has the calls of PMI-1, with their limits, and knows who shares a node",
  async () => {
    await using session = await startSession({ size: 2 });
    const { code, stdout, stderr } = await session.flux(["wreckrun", "-n3", PYTHON, `${fixtures}pmi_api.py`]);
    assertEquals([code, stderr, lines(stdout)], [0, "", [0, 1, 2].map((rank) => `${rank} 3 [0, 1, 2]`)]);
  },
);

function read(path: string): string {
  return exists(path) ? Deno.readTextFileSync(path) : "";
}

function readNames(path: string): string[] {
  return [...Deno.readDirSync(path)].map(({ name }) => name);
}

function exists(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch {
    return false;
  }
}
