/** What `flux start` makes of Slurm. */

import { allocatedNodes, srunWords, stepTasks } from "../../../commands/start_slurm.ts";
import { assert, assertEquals } from "../../assert.ts";

const reader = (env: Record<string, string>) => (name: string) => env[name];

/** As Slurm 22.05 sets them. */
const task = {
  SLURM_JOB_ID: "7",
  SLURM_JOB_NUM_NODES: "4",
  SLURM_STEP_ID: "0",
  SLURM_STEP_NUM_TASKS: "4",
  SLURM_PROCID: "2",
};
const batch = { SLURM_JOB_ID: "7", SLURM_JOB_NUM_NODES: "2", SLURM_NNODES: "2", SLURM_PROCID: "0", SLURM_LOCALID: "0" };
const allocation = { SLURM_JOB_ID: "7", SLURM_JOB_NUM_NODES: "3", SLURM_NNODES: "3" };
/** The shell of salloc where `use_interactive_step` is on. */
const shell = { ...task, SLURM_STEP_ID: "4294967290", SLURM_STEP_NUM_TASKS: "1", SLURM_PROCID: "0" };

Deno.test("a task of a step knows how many there are", () => {
  assertEquals([task, batch, allocation, shell, {}].map((env) => stepTasks(reader(env))), [
    4,
    undefined,
    undefined,
    undefined,
    undefined,
  ]);
});

Deno.test("an allocation is used by who is in it, but not by a task of a step", () => {
  assertEquals([task, batch, allocation, shell, {}].map((env) => allocatedNodes(reader(env))), [
    undefined,
    2,
    3,
    4,
    undefined,
  ]);
});

const nothing = {
  nodes: undefined,
  tasks: undefined,
  partition: undefined,
  overcommit: false,
  bcast: undefined,
  isInteractive: false,
  isMpiChosen: false,
};

Deno.test("srunWords() starts a broker on each node unless a number is given", () => {
  const words = (more: object) => srunWords({ ...nothing, ...more }).filter((word) => /^--n(odes|tasks)/.test(word));
  assertEquals(words({ nodes: 4 }), ["--nodes=4", "--ntasks=4", "--ntasks-per-node=1"]);
  assertEquals(words({ tasks: 8 }), ["--ntasks=8"]);
  assertEquals(words({ nodes: 2, tasks: 8 }), ["--nodes=2", "--ntasks=8"]);
});

Deno.test("srunWords() gives a terminal to the shell only", () => {
  const words = (isInteractive: boolean) => srunWords({ ...nothing, nodes: 1, isInteractive });
  assert(words(true).includes("--pty") && !words(true).includes("--input=0"));
  assert(words(false).includes("--input=0") && !words(false).includes("--pty"));
});

Deno.test("srunWords() asks for PMI-1 unless the caller has chosen", () => {
  assert(srunWords({ ...nothing, nodes: 1 }).includes("--mpi=pmi2"));
  assert(!srunWords({ ...nothing, nodes: 1, isMpiChosen: true }).some((word) => word.startsWith("--mpi")));
});

Deno.test("srunWords() passes on what Slurm is to be told", () => {
  const words = srunWords({ ...nothing, nodes: 2, partition: "debug", overcommit: true, bcast: "/tmp/flux" });
  for (const word of ["--partition=debug", "--overcommit", "--bcast=/tmp/flux"]) assert(words.includes(word), word);
});
