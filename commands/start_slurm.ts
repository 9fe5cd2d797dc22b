/** What `flux start` makes of Slurm: whether this is a task of a step, or in an allocation, and the words for srun. Pure. */

type Env = (name: string) => string | undefined;

/** Steps from this number on are no parallel program: the batch script, the shell of salloc. */
const SPECIAL_STEPS = 0xffff_fff0;

/** The number of tasks of the step that this process is a task of; undefined when it is none. */
export function stepTasks(env: Env): number | undefined {
  const step = env("SLURM_STEP_ID"), tasks = env("SLURM_STEP_NUM_TASKS");
  if (step === undefined || tasks === undefined || env("SLURM_PROCID") === undefined) return undefined;
  return Number(step) < SPECIAL_STEPS ? Number(tasks) : undefined;
}

/** The number of nodes of the allocation that this process is in, but not as a task of a step; undefined without one. */
export function allocatedNodes(env: Env): number | undefined {
  const nodes = Number(env("SLURM_JOB_NUM_NODES") ?? env("SLURM_NNODES"));
  const isAllocated = env("SLURM_JOB_ID") !== undefined && Number.isInteger(nodes) && nodes > 0;
  return isAllocated && stepTasks(env) === undefined ? nodes : undefined;
}

export interface SlurmStart {
  readonly nodes: number | undefined;
  readonly tasks: number | undefined;
  readonly partition: string | undefined;
  readonly overcommit: boolean;
  /** Where Slurm is to put a copy of this program on every node. */
  readonly bcast: string | undefined;
  /** Somebody sits at a terminal, and there is no command: the shell gets it. */
  readonly isInteractive: boolean;
  /** The caller has said by his environment how srun serves PMI. */
  readonly isMpiChosen: boolean;
}

/** The words of srun in front of those of the broker. */
export function srunWords(start: SlurmStart): string[] {
  const { nodes, tasks, partition, overcommit, bcast, isInteractive, isMpiChosen } = start;
  return [
    "srun",
    ...(nodes === undefined ? [] : [`--nodes=${nodes}`]),
    // One broker a node, unless a number was given.
    ...(tasks !== undefined
      ? [`--ntasks=${tasks}`]
      : nodes === undefined
      ? []
      : [`--ntasks=${nodes}`, "--ntasks-per-node=1"]),
    ...(partition === undefined ? [] : [`--partition=${partition}`]),
    ...(overcommit ? ["--overcommit"] : []),
    ...(bcast === undefined ? [] : [`--bcast=${bcast}`]),
    ...(isMpiChosen ? [] : ["--mpi=pmi2"]),
    // A broker or a node that is lost is not the end of the session, unless it is rank 0's.
    "--kill-on-bad-exit=0",
    "--no-kill",
    "--job-name=flux",
    ...(isInteractive ? ["--pty"] : ["--input=0"]),
  ];
}
