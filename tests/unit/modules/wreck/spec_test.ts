import { jobEnvironment, taskEnvironment } from "../../../../modules/wreck/environment.ts";
import { readSpec } from "../../../../modules/wreck/spec.ts";
import { assertEquals, assertThrows } from "../../../assert.ts";

Deno.test("readSpec() reads what a job is asked for, and fills in what is not said", () => {
  assertEquals(readSpec({ cmdline: ["true"] }), {
    cmdline: ["true"],
    environ: {},
    ntasks: 1,
    walltime: 0,
    options: {},
  });
  const { options, ...rest } = readSpec({
    cmdline: ["a"],
    nnodes: 2,
    "walltime-signal": "SIGTERM",
    options: { x: 1, y: 0 },
  });
  assertEquals([options, rest.nnodes, rest["walltime-signal"]], [{ x: 1 }, 2, "SIGTERM"]);
});

Deno.test("readSpec() names the field that is wrong", () => {
  assertThrows(() => readSpec({}), { errno: "EPROTO", text: '"cmdline" must be an array of strings' });
  assertThrows(() => readSpec({ cmdline: [] }), { errno: "EINVAL", text: '"cmdline" is empty' });
  assertThrows(() => readSpec({ cmdline: ["a"], environ: { A: 1 } }), { text: '"environ.A" must be a string' });
  assertThrows(() => readSpec({ cmdline: ["a"], ntasks: 0 }), { errno: "EINVAL" });
  assertThrows(() => readSpec({ cmdline: ["a"], walltime: "1" }), { text: '"walltime" must be seconds' });
  assertThrows(() => readSpec({ cmdline: ["a"], "walltime-signal": "SIGNO" }), { text: "is no signal" });
  assertThrows(() => readSpec({ cmdline: ["a"], output: { files: { stderr: 2 } } }), {
    errno: "EPROTO",
    text: '"output.files.stderr" must be a string',
  });
});

Deno.test("readSpec() reads what single tasks have of their own", () => {
  const tasks = { 1: { cpumask: "0-1", environ: { A: "b" } }, 3: { cwd: "/" } };
  assertEquals(readSpec({ cmdline: ["a"], tasks }).tasks, tasks);
  assertThrows(() => readSpec({ cmdline: ["a"], tasks: { x: {} } }), { text: '"tasks.x" is no task' });
  assertThrows(() => readSpec({ cmdline: ["a"], tasks: { 1: { cpumask: "z" } } }), {
    text: '"z" is no list of processors',
  });
});

Deno.test("jobEnvironment() leaves out what speaks of the place where a job is asked for", () => {
  assertEquals(
    jobEnvironment({
      HOME: "/h",
      HOSTNAME: "a",
      SLURM_JOBID: "1",
      FLUX_URI: "x",
      FLUX_API_PATH: "y",
      ENVIRONMENT: "z",
    }),
    { HOME: "/h", MPIRUN_RSH_LAUNCH: "1" },
  );
});

Deno.test("taskEnvironment() tells a task its place", () => {
  const place = { nodeid: 1, tasks: [2, 3] };
  assertEquals(taskEnvironment({ jobid: 7, cc: 5, ntasks: 4, nnodes: 2, place, task: 3 }), {
    FLUX_JOB_ID: "7",
    FLUX_JOB_NNODES: "2",
    FLUX_NODE_ID: "1",
    FLUX_JOB_SIZE: "4",
    FLUX_LOCAL_RANKS: "2,3",
    FLUX_TASK_RANK: "3",
    FLUX_TASK_LOCAL_ID: "1",
    PMI_SIZE: "4",
    PMI_RANK: "3",
    MPIRUN_NPROCS: "4",
    MPIRUN_RANK: "3",
    FLUX_JOB_CC: "5",
  });
});
