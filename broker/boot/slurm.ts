/** What Slurm tells a task of a step in its environment (`SLURM_*`), for brokers that it starts without PMI. Pure. */

import { FluxError, parseHostlist } from "../message/mod.ts";

export interface SlurmStep {
  readonly rank: number;
  readonly size: number;
  /** `JOB.STEP`. */
  readonly session: string;
  /** The nodes of the step. Rank 0 is on the first one, however Slurm deals the others out. */
  readonly nodes: readonly string[];
}

/** The step this process is a task of; undefined when it is none. Throws EINVAL for what makes no sense. */
export function slurmStep(env: (name: string) => string | undefined): SlurmStep | undefined {
  const [job, step, rank, size, nodes] = [
    "SLURM_JOB_ID",
    "SLURM_STEP_ID",
    "SLURM_PROCID",
    "SLURM_STEP_NUM_TASKS",
    "SLURM_STEP_NODELIST",
  ].map(env);
  if (job === undefined || step === undefined || rank === undefined || size === undefined) return undefined;
  if (nodes === undefined) return undefined;
  if (![rank, size].every((text) => /^\d{1,9}$/.test(text)) || Number(rank) >= Number(size)) {
    throw new FluxError("EINVAL", `SLURM_PROCID=${rank} is no rank of SLURM_STEP_NUM_TASKS=${size}`);
  }
  return { rank: Number(rank), size: Number(size), session: `${job}.${step}`, nodes: parseHostlist(nodes) };
}

/** Ports where rank 0 may wait for the others, in the order in which they are tried: the same for all ranks of a session. */
export function meetingPorts(session: string): number[] {
  const FIRST = 20_000, COUNT = 12_000, TRIES = 6, STRIDE = 1999; // below the ports that systems give to clients
  let hash = 0;
  for (const character of session) hash = (hash * 31 + character.charCodeAt(0)) >>> 0;
  return Array.from({ length: TRIES }, (_, at) => FIRST + (hash + at * STRIDE) % COUNT);
}
