/** `flux start --hosts` and remote shells that do not do what ssh does: scripts stand for them, and every host is this one. */

import { assert, assertEquals } from "../assert.ts";
import { type Outcome, runFlux, workDirectory } from "./session.ts";

/** What `flux start` says when the second of two hosts is reached by `script`, which finds host and command line in `$1` and `$2`. */
async function startBy(script: string, ...words: string[]): Promise<Outcome> {
  await using work = await workDirectory();
  Deno.writeTextFileSync(`${work.path}/rsh`, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  const options = [`--rsh=${work.path}/rsh`, "--hosts=localhost,there", ...words];
  const outcome = await runFlux(["start", ...options, "flux getattr size"], {
    cwd: work.path,
    env: { FLUX_TMPDIR: work.path },
  });
  const left = [...Deno.readDirSync(work.path)].map(({ name }) => name).filter((name) => name.startsWith("flux-"));
  assertEquals(left, []);
  return outcome;
}

Deno.test("what a user's start-up files print before a broker speaks is passed over", async () => {
  const { code, stdout, stderr } = await startBy('echo "Welcome to $1"; echo "{ hm"; exec sh -c "$2"');
  assertEquals([code, stdout, stderr], [0, "2\n", ""]);
});

Deno.test("a remote shell that ends well, but without a broker, is named", async () => {
  const { code, stderr } = await startBy("echo maintenance >&2");
  const [said, line] = stderr.split("\n");
  assertEquals(code, 1);
  assert(/^flux-start: rank 1 \(there\): \S+\/rsh exited with rc=0: maintenance$/.test(said!), stderr);
  assert(/^flux-start: {3}\S+\/rsh there 'exec /.test(line!), stderr);
});

Deno.test("a remote shell that says anything but what a broker says is named at once", async () => {
  const lines = await startBy("exec yes");
  assertEquals([lines.code, lines.stderr], [1, 'flux-start: rank 1: what it says is not a broker\'s: "y"\n']);
  const bytes = await startBy("exec cat /dev/zero");
  assertEquals([bytes.code, bytes.stderr], [1, "flux-start: rank 1: a line is longer than 65536 bytes\n"]);
});

Deno.test("a remote shell that waits for something is named, with its last words and the line to try", async () => {
  const { code, stderr } = await startBy("printf 'Password: ' >&2; exec sleep 1000", "--timeout=2");
  const [said, line] = stderr.split("\n");
  assertEquals(code, 1);
  assert(
    /rank 1 \(there, .*\) did not come up within 2 s: it has not answered, and says "Password:"$/.test(said!),
    stderr,
  );
  assert(/^flux-start: {3}\S+\/rsh there 'exec /.test(line!), stderr);
});
