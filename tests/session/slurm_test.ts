/** `flux start` and a real Slurm. */

import { assert, assertEquals } from "../assert.ts";
import { testUnless } from "../skip.ts";
import { startHosts, withoutHosts } from "./hosts.ts";
import { executable } from "./session.ts";
import { startSlurm, withoutSlurm } from "./slurm.ts";

testUnless(
  withoutSlurm(),
  "flux start -N runs a session through srun, and so does flux start inside an allocation",
  async () => {
    await using slurm = await startSlurm(4);
    const command = await slurm.run([executable, "start", "-N", "4", "flux getattr hostlist; exit 3"]);
    assertEquals([command.code, command.stdout], [3, "node[1-4]\n"], command.stderr);
  },
);

testUnless(withoutSlurm() ?? withoutHosts(), "tasks that Slurm serves no PMI meet at rank 0's node", async () => {
  await using hosts = await startHosts(5);
  await using slurm = await startSlurm(4, hosts);
  const script = "flux getattr hostlist; flux exec -r all -l hostname";
  const words = ["srun", "--mpi=none", "-N4", "-n6", executable, "start", script];
  const strangers = await slurm.run(words);
  const lines = strangers.stderr.split("\n").filter((line) => !line.startsWith("srun: "));
  assertEquals([strangers.code, lines], [1, [
    "flux-broker: Slurm serves no PMI to these tasks, and they have no key by which to know each other",
    "hint: srun --mpi=pmi2 flux start …, or flux start -N …; or once: flux keygen",
    "",
  ]]);
  assertEquals((await slurm.run([executable, "keygen"])).code, 0);
  const { code, stdout, stderr } = await slurm.run(words);
  assertEquals(code, 0, stderr);
  assert(stdout.startsWith("host[0"), stdout);
  assertEquals(stdout.split("\n").length, 8, stdout);
  assertEquals(slurm.rundirs(), []);
});
