/** `flux start --hosts … --bcast PATH`: a program that other hosts do not have. */

import { assert, assertEquals } from "../assert.ts";
import { testUnless } from "../skip.ts";
import { startHosts, withoutHosts } from "./hosts.ts";
import { executable } from "./session.ts";

testUnless(withoutHosts(), "flux start --bcast copies the program to other hosts and starts it there", async () => {
  await using hosts = await startHosts(3);
  const path = `${hosts.directory}/pushed flux`;
  const ask =
    'for rank in 1 2; do flux exec -r $rank sh -c "tr \\\\\\\\0 \\\\\\\\n </proc/\\$PPID/environ" | grep ^FLUX_SELF=; done';
  const words = ["start", "-v", "--hosts=host[0-2]", `--rsh=${hosts.rsh}`, `--bcast=${path}`, ask];
  const { code, stdout, stderr } = await hosts.flux(0, words);
  assertEquals([code, stdout], [0, `FLUX_SELF=${path}\n`.repeat(2)], stderr);
  assert(stderr.includes(`flux-start: copied to ${path} of 2 hosts in `), stderr);
  const [own, copy] = [executable, path].map((file) => Deno.statSync(file));
  assertEquals([copy!.size, copy!.mode! & 0o777], [own!.size, 0o755]);
  assertEquals([...Deno.readDirSync(hosts.directory)].filter(({ name }) => name.startsWith("pushed")).length, 1);
  await hosts.quiet();
});

testUnless(
  withoutHosts(),
  "flux start --bcast brings the program to a first host that is another, and that to the rest",
  async () => {
    await using hosts = await startHosts(3);
    const path = `${hosts.directory}/pushed`;
    const words = [
      "start",
      "-v",
      "--hosts=host[1-2]",
      `--rsh=${hosts.rsh}`,
      `--bcast=${path}`,
      "flux getattr hostlist",
    ];
    const { code, stdout, stderr } = await hosts.flux(0, words);
    assertEquals([code, stdout], [0, "host[1-2]\n"], stderr);
    assertEquals(stderr.match(/copied to .* of 1 hosts/g)?.length, 2, stderr);
    assert(stderr.includes(`${path} start --`), stderr);
    await hosts.quiet();
  },
);

testUnless(
  withoutHosts(),
  "flux start --bcast names the host that cannot take the program, and starts nothing",
  async () => {
    await using hosts = await startHosts(2);
    const words = ["start", "--hosts=host[0-1]", `--rsh=${hosts.rsh}`, "--bcast=/nonexistent/flux", "true"];
    const { code, stderr } = await hosts.flux(0, words);
    assertEquals(code, 1);
    assert(/^flux-start: host1: .* exited with rc=1: .*\/nonexistent\/flux\S*: \S.*\n$/.test(stderr), stderr);
    const relative = await hosts.flux(0, words.with(3, "--bcast=flux"));
    assert(relative.stderr.startsWith("flux-start: --bcast flux: the absolute path of a file\n"), relative.stderr);
    await hosts.quiet();
  },
);
