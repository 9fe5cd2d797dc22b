/** Jobs as a client sees them, over any Handle. */

import type { Handle, RpcOptions } from "../../broker/handle/mod.ts";
import type { Idset } from "../../broker/message/mod.ts";
import type { JobNews, JobSpec } from "./protocol.ts";

export { JobWatch, type Output } from "./io/client.ts";

export class Jobs {
  readonly #handle: Handle;

  constructor(handle: Handle) {
    this.#handle = handle;
  }

  /**
   * Makes a job and runs it: its number first, then each state, the last one with the result. Throws EINVAL, and then there is no
   * job. Who leaves the loop leaves the job running.
   */
  run(spec: JobSpec, options: RpcOptions = {}): AsyncGenerator<JobNews, void> {
    return this.#handle.stream<JobNews>("job.run", spec, options);
  }

  /**
   * Makes jobs that wait for their turn, one for each of `cc` (one, unless given); returns the number of the first, the others follow it.
   * Throws EINVAL, and then there is none.
   */
  async submit(spec: JobSpec, cc?: Idset): Promise<number> {
    return (await this.#handle.rpc<{ jobid: number }>("job.submit", { ...spec, ...(cc && { cc: `${cc}` }) })).jobid;
  }

  /** The state of a job, then those that follow, the last one with the result. Throws ENOENT. */
  follow(jobid: number, options: RpcOptions = {}): AsyncGenerator<JobNews, void> {
    return this.#handle.stream<JobNews>("job.follow", { jobid }, options);
  }

  /** The results of jobs, in the order they end. Throws ENOENT when one does not exist. */
  wait(jobids: Idset, options: RpcOptions = {}): AsyncGenerator<JobNews, void> {
    return this.#handle.stream<JobNews>("job.wait", { jobids: `${jobids}` }, options);
  }

  /** Signals all tasks. Throws ENOENT, ESRCH (with its state in the text) for a job that does not run, EINVAL. */
  async kill(jobid: number, signal: number): Promise<void> {
    await this.#handle.rpc("job.kill", { jobid, signal });
  }
}
