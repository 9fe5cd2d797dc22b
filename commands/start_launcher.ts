/** What `flux start` finds of a parallel launcher (mpiexec, mpirun) that has started it. Pure. */

type Env = (name: string) => string | undefined;

/** True as a task of another launcher that serves PMI-1: then the session is made of its tasks, and this is one. */
export function isPmiOffered(env: Env): boolean {
  return ["PMI_FD", "PMI_RANK", "PMI_SIZE"].every((name) => env(name) !== undefined);
}

/** The variable by which a launcher that serves no PMI-1 says that this is one of many tasks; undefined when there is none. */
export function silentLauncher(env: Env): string | undefined {
  const size = ["PMI_SIZE", "OMPI_COMM_WORLD_SIZE"].find((name) => Number(env(name)) > 1);
  const sign = size ?? ["PMI_PORT"].find((name) => env(name) !== undefined);
  return sign && `${sign}=${env(sign)}`;
}
