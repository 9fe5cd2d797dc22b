/** What rank 0 runs on the user's terminal: its words, and the environment it finds (wire.md §4.1). Pure. */

import { START_SECRET } from "./key_directory.ts";
import { START_ANEW, START_PID, START_SESSION, START_SOCKET } from "./control.ts";

/** Tells of the caller's own job or launcher; inside the session it would be wrong. */
const FOREIGN = new Set([
  "FLUX_JOB_ID",
  "FLUX_JOB_SIZE",
  "FLUX_JOB_NNODES",
  "FLUX_JOB_TMPDIR",
  "FLUX_TASK_RANK",
  "FLUX_TASK_LOCAL_ID",
  "FLUX_NODE_ID",
  "FLUX_LOCAL_RANKS",
  "MPIRUN_NPROCS",
  "MPIRUN_RANK",
  "MPI_LOCALRANKID",
  "MPI_LOCALNRANKS",
  "FLUX_KVS_NAMESPACE",
  "FLUX_PROXY_REMOTE",
  "FLUX_PMI_LIBRARY_PATH",
  "FLUX_START_URI",
  "NOTIFY_SOCKET",
  "I_MPI_PMI_LIBRARY",
  START_ANEW,
  START_PID,
  START_SECRET,
  START_SESSION,
  START_SOCKET,
]);
const FOREIGN_PREFIX = /^(PMI|PMIX|SLURM|PALS)_/;

/** One word is a command line for the shell, several are a program with its arguments, none is the shell itself. */
export function programArgv(words: readonly string[], env: Readonly<Record<string, string>>): string[] {
  const shell = env.SHELL || "/bin/bash";
  if (words.length === 0) return [shell];
  return words.length === 1 ? [shell, "-c", words[0]!] : [...words];
}

/** `env` without what concerns the caller's job only, with the way to the broker at `uri` and to `bin` of the run directory. */
export function programEnvironment(
  env: Readonly<Record<string, string>>,
  uri: string,
  rundir: string,
): Record<string, string> {
  const kept = Object.entries(env).filter(([name]) => !FOREIGN.has(name) && !FOREIGN_PREFIX.test(name));
  const path = env.PATH === undefined || env.PATH === "" ? "/usr/local/bin:/usr/bin:/bin" : env.PATH;
  return { ...Object.fromEntries(kept), FLUX_URI: uri, PATH: `${rundir}/bin:${path}` };
}
