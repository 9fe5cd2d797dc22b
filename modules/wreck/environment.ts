/** The environment of a task (services.md §12.2). Pure. */

import type { Place } from "./layout.ts";

export interface TaskPlace {
  readonly jobid: number;
  readonly cc?: number | undefined;
  /** Tasks, and ranks, of the whole job. */
  readonly ntasks: number;
  readonly nnodes: number;
  readonly place: Place;
  /** Its global id. */
  readonly task: number;
}

/** What every task is told of its place; it overrides what the user has set. */
export function taskEnvironment({ jobid, cc, ntasks, nnodes, place, task }: TaskPlace): Record<string, string> {
  const { nodeid, tasks } = place;
  return {
    FLUX_JOB_ID: `${jobid}`,
    FLUX_JOB_NNODES: `${nnodes}`,
    FLUX_NODE_ID: `${nodeid}`,
    FLUX_JOB_SIZE: `${ntasks}`,
    FLUX_LOCAL_RANKS: tasks.join(","),
    FLUX_TASK_RANK: `${task}`,
    FLUX_TASK_LOCAL_ID: `${task - tasks[0]!}`,
    PMI_SIZE: `${ntasks}`,
    PMI_RANK: `${task}`,
    MPIRUN_NPROCS: `${ntasks}`,
    MPIRUN_RANK: `${task}`,
    ...(cc !== undefined && { FLUX_JOB_CC: `${cc}` }),
  };
}

/** Not carried over from where a job is asked for to where it runs: it speaks of that place. */
const LEFT_OUT = /^(HOSTNAME|ENVIRONMENT|SLURM_.*|FLUX_API.*|FLUX_URI)$/;

/** The environment of a job, of that of who asks for it. */
export function jobEnvironment(own: Readonly<Record<string, string>>): Record<string, string> {
  const kept = Object.entries(own).filter(([name]) => !LEFT_OUT.test(name));
  return { ...Object.fromEntries(kept), MPIRUN_RSH_LAUNCH: "1" };
}
