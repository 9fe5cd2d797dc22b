/** Waiting for others: the client's side of `barrier`. */

import type { Handle } from "../../broker/handle/mod.ts";
import { FluxError } from "../../broker/message/mod.ts";

export interface BarrierOptions {
  /** Ranks of those who take part, an idset: the death of one of them fails the barrier. */
  readonly ranks?: string;
  /** Seconds from the first who enters until ETIMEDOUT; for ever unless given. */
  readonly timeout?: number | undefined;
  readonly signal?: AbortSignal;
}

/**
 * Resolves when `nprocs` parties have entered the barrier `name`. Throws ETIMEDOUT, whose text says who has; ECONNABORTED
 * when one of them went away; EEXIST when this handle is in it already; EINVAL for another `nprocs` than the first said.
 */
export async function enterBarrier(
  handle: Pick<Handle, "rpc">,
  name: string,
  nprocs: number,
  { signal, ...options }: BarrierOptions = {},
): Promise<void> {
  await handle.rpc("barrier.enter", { name, count: 1, nprocs, ...options }, signal ? { signal } : {});
}

/**
 * Names for barriers that nobody named, one after the other: equal in all tasks of a job that ask equally often. Throws
 * EINVAL outside of a job (services.md §10).
 */
export function* anonymousNames(env: { get(name: string): string | undefined }): Generator<string, never> {
  const job = env.get("FLUX_JOB_ID") ?? env.get("SLURM_STEPID");
  if (job === undefined) throw new FluxError("EINVAL", "a barrier outside of a job needs a name");
  for (let count = 0;; count++) yield `${job}${count}`;
}
