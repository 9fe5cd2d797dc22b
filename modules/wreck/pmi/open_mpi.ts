/**
 * What Open MPI needs besides PMI_FD: libpmi.so, which it loads to speak PMI (FLUX_PMI_LIBRARY_PATH), and a directory of the job's own
 * for shared memory, whose names would otherwise be those of equal job numbers in other sessions of this host.
 */

import type { ModulePorts } from "../../../broker/handle/mod.ts";
import type { Contribution, Contributor } from "../contribution.ts";

const NAME = "libpmi.so";

/**
 * The library goes into the run directory with the first job; the packed executable has it beside the program, unless there was no
 * C compiler when it was built. FLUX_LIBPMI names another one.
 */
export function openMpi(ports: Pick<ModulePorts, "attribute" | "log" | "rank">): Contributor {
  /** Null when there is none. */
  let library: string | null | undefined;
  return ({ jobid, rank, spec }): Contribution | undefined => {
    const rundir = ports.attribute("rundir")!;
    if (library === undefined) library = placeLibrary(rundir, ports) ?? null;
    if (library === null) return undefined;
    const directory = `${rundir}/job-${jobid}-${rank}`;
    const isShared = spec.ntasks > 1;
    const environment = {
      FLUX_PMI_LIBRARY_PATH: library,
      I_MPI_PMI_LIBRARY: library,
      ...(isShared && { OMPI_MCA_btl_vader_backing_directory: directory }),
    };
    return {
      environment: () => environment,
      ...(isShared && {
        begin: () => Deno.mkdir(directory, { mode: 0o700 }),
        close: () => void Deno.remove(directory, { recursive: true }).catch(() => {}), // gone with the run directory
      }),
    };
  };
}

/** Where tasks of this session find the library; undefined when there is none. */
function placeLibrary(rundir: string, { log, rank }: Pick<ModulePorts, "log" | "rank">): string | undefined {
  const source = Deno.env.get("FLUX_LIBPMI") ?? `${import.meta.dirname}/${NAME}`;
  const path = `${rundir}/${NAME}`;
  const draft = `${path}.${rank}`;
  try {
    // The file of the `deno compile` form is inside the executable, where no other program can open it.
    Deno.writeFileSync(draft, Deno.readFileSync(source), { mode: 0o755 });
    Deno.renameSync(draft, path);
    return path;
  } catch (error) {
    const why = error instanceof Deno.errors.NotFound ? "flux was built without libpmi.so" : `${path}: ${error}`;
    log("info", `programs of Open MPI do not find each other in jobs: ${why}`);
    return undefined;
  }
}
