/** What the tasks of a job find for Open MPI, on a disk of their own. */

import { assertEquals } from "../../../../assert.ts";
import type { Handle } from "../../../../../broker/handle/mod.ts";
import type { JobReins, LocalJob } from "../../../../../modules/wreck/contribution.ts";
import { openMpi } from "../../../../../modules/wreck/pmi/open_mpi.ts";
import { until } from "../../../../session/session.ts";
import { virtualClock } from "../../../../sim/virtual_clock.ts";

function job(jobid: number, ntasks: number): LocalJob {
  return {
    jobid,
    name: `${jobid}.a1`,
    spec: { cmdline: ["a.out"], environ: {}, ntasks, walltime: 0, options: {} },
    layout: { ranks: [3], cores: [ntasks] },
    rank: 3,
    place: { nodeid: 0, tasks: Array.from({ length: ntasks }, (_, task) => task) },
    handle: undefined as unknown as Handle, // not used here
    clock: virtualClock(),
  };
}

const reins = undefined as unknown as JobReins;

async function world(source: string | undefined) {
  const rundir = await Deno.makeTempDir();
  const log: string[] = [];
  const contribute = openMpi({ attribute: () => rundir, rank: 3, log: (_level, text) => void log.push(text) });
  if (source !== undefined) Deno.writeTextFileSync(`${rundir}/source`, source);
  Deno.env.set("FLUX_LIBPMI", `${rundir}/source`);
  const names = () => [...Deno.readDirSync(rundir)].map(({ name }) => name).sort();
  const end = async () => {
    Deno.env.delete("FLUX_LIBPMI");
    await Deno.remove(rundir, { recursive: true });
  };
  return { rundir, log, contribute, names, end };
}

Deno.test("openMpi() puts the library into the run directory and gives each job of several tasks a directory", async () => {
  const { rundir, log, contribute, names, end } = await world("library");
  try {
    const single = contribute(job(1, 1), reins)!;
    assertEquals(single.environment!(0), {
      FLUX_PMI_LIBRARY_PATH: `${rundir}/libpmi.so`,
      I_MPI_PMI_LIBRARY: `${rundir}/libpmi.so`,
    });
    await single.begin?.();
    assertEquals(Deno.readTextFileSync(`${rundir}/libpmi.so`), "library");
    const several = contribute(job(2, 2), reins)!;
    const directory = `${rundir}/job-2-3`;
    assertEquals(several.environment!(1)["OMPI_MCA_btl_vader_backing_directory"], directory);
    await several.begin!();
    assertEquals(names(), ["job-2-3", "libpmi.so", "source"]);
    Deno.writeTextFileSync(`${directory}/left`, "by a task that was killed");
    several.close!();
    await until("the job's directory is gone", () => !names().includes("job-2-3"));
    assertEquals(log, []);
  } finally {
    await end();
  }
});

Deno.test("openMpi() without the library leaves jobs alone, and says so once", async () => {
  const { log, contribute, names, end } = await world(undefined);
  try {
    assertEquals([contribute(job(1, 2), reins), contribute(job(2, 2), reins)], [undefined, undefined]);
    assertEquals(log, ["programs of Open MPI do not find each other in jobs: flux was built without libpmi.so"]);
    assertEquals(names(), []);
  } finally {
    await end();
  }
});
