/** Sessions whose brokers are the tasks of a job. */

import { assert, assertEquals } from "../assert.ts";
import { processState } from "../../broker/boot/process_tree.ts";
import { type Outcome, type Session, startSession, until } from "./session.ts";

/** A session of `size` brokers as a job; its initial program is a shell's command line. */
function nested(session: Session, size: number, program: string): Promise<Outcome> {
  const env = { FLUX_TMPDIR: session.directory };
  return session.flux(["wreckrun", `-N${size}`, `-n${size}`, "flux", "start", program], { env });
}

/** Run directories in the test's own, of this session and of those in it. */
function runDirectories({ directory }: Session): string[] {
  return [...Deno.readDirSync(directory)].flatMap(({ name }) =>
    name.startsWith("flux-") ? [`${directory}/${name}`] : []
  );
}

Deno.test("flux start as a job is a session of its tasks, which knows the one it is in and gives its status back", async () => {
  await using session = await startSession({ size: 3 });
  const { code, stdout } = await nested(
    session,
    3,
    "flux getattr size; flux getattr parent-uri; flux exec -r all -n true; exit 7",
  );
  assertEquals([code, stdout], [7, `3\n${session.uri()}\n`]);
  assertEquals(runDirectories(session), [session.rundir]);
});

Deno.test("sessions nest to any depth: each runs jobs of its own, and nothing is left of them", async () => {
  await using session = await startSession({ size: 2 });
  const second =
    "flux getattr parent-uri; flux getattr instance-level; flux wreckrun -n3 flux pmi get PMI_process_mapping";
  const first = `flux getattr parent-uri; flux wreckrun -n2 flux start '${second}'`;
  const { code, stdout, stderr } = await nested(session, 2, `flux wreckrun -n2 flux start "${first}"`);
  assertEquals([code, stderr], [0, ""]);
  const [one, two, level, mapping] = stdout.split("\n");
  assertEquals([level, mapping], ["3", "(vector,(0,1,3))"]);
  assert(new Set([session.uri(), one, two]).size === 3, stdout);
  assertEquals(runDirectories(session), [session.rundir]);
});

Deno.test("a nested session ends with its job, and so does its initial program", async () => {
  await using session = await startSession({ size: 2 });
  const file = `${session.directory}/pid`;
  const run = nested(session, 2, `echo $$ >${file}.new; mv ${file}.new ${file}; exec sleep 1000`);
  await until("the initial program runs", () => exists(file));
  const pid = Number(Deno.readTextFileSync(file));
  const kill = await session.flux(["wreck", "kill", "1"]);
  assertEquals([kill.code, kill.stderr], [0, ""]);
  assert((await run).code > 0);
  assertEquals(processState(pid)?.state ?? "Z", "Z");
  assertEquals(runDirectories(session), [session.rundir]);
});

function exists(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch {
    return false;
  }
}
