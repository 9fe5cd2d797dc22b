/** The end of a session when something stands in its way: it comes all the same, and who held it up is named. */

import { assert, assertEquals } from "../assert.ts";
import { runFlux, spawnFlux, startSession, until, workDirectory } from "./session.ts";

Deno.test("flux shutdown ends a session in which brokers are stopped, and names them and no others", async () => {
  await using session = await startSession({
    size: 8,
    program: ["sh", "-c", 'trap "" TERM; echo "$FLUX_URI"; exec cat'],
  });
  for (const rank of [1, 5, 7]) Deno.kill(session.pid(rank), "SIGSTOP");
  // By option and not by its environment, since flux start ends what it finds there.
  const { code, stdout, stderr } = await runFlux(["--uri", session.uri(), "shutdown"]);
  assertEquals([code, stderr], [0, ""]);
  assert(/not ended yet: rank 1 \(\S+\), rank 2 /.test(stdout), stdout);
  const ended = await session.ended;
  assertEquals(ended.stderr, "flux-start: ranks 1,5,7 (stopped) did not end within 1 s: killed\n");
  await session.gone();
});

Deno.test("a client that is stopped does not hold up the end of its session", async () => {
  await using session = await startSession({ size: 2 });
  const client = spawnFlux(["--uri", session.uri(1), "event", "sub", "stopped"], { stderr: "null" });
  const reader = client.stdout.getReader();
  let hears = false;
  const first = reader.read().then(() => hears = true);
  try {
    await until("the client to hear events", async () => {
      await session.flux(["event", "pub", "stopped"]);
      return hears;
    });
    client.kill("SIGSTOP");
    for (let n = 0; n < 20; n++) await session.flux(["event", "pub", "stopped", `{"pad":"${"x".repeat(60_000)}"}`]);
    const { code, stderr } = await session.stop();
    assertEquals([code, stderr], [0, ""]);
  } finally {
    client.kill("SIGKILL");
    await Promise.all([client.status, first, reader.cancel()]);
  }
});

Deno.test("a session whose log cannot be written any more says so once, and goes on and ends as ever", async () => {
  await using work = await workDirectory();
  await Deno.symlink("/dev/full", `${work.path}/cmbd.log`);
  const { code, stdout, stderr } = await runFlux(["start", "--size=2", "flux logger told; flux dmesg; exit 4"], {
    cwd: work.path,
    env: { FLUX_TMPDIR: work.path },
  });
  assertEquals(code, 4, stderr);
  assert(stdout.includes("told"), stdout);
  assertEquals(stderr.match(/cannot write \S+cmbd\.log/g)?.length, 1, stderr);
});
