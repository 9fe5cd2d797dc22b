/** `flux bcast` from the outside: a file to all ranks, onto real disks. */

import { assert, assertEquals } from "../assert.ts";
import { testUnless } from "../skip.ts";
import { startHosts, withoutHosts } from "./hosts.ts";
import { type Session, spawnFlux, startSession, until, workDirectory } from "./session.ts";

/** A directory for each rank, and a file to send. */
async function places(session: Session, bytes: number) {
  const work = await workDirectory();
  for (let rank = 0; rank < session.size; rank++) Deno.mkdirSync(`${work.path}/${rank}`);
  const content = new Uint8Array(bytes);
  for (let at = 0; at < bytes; at += 65536) crypto.getRandomValues(content.subarray(at, at + 65536));
  Deno.writeFileSync(`${work.path}/file`, content);
  Deno.chmodSync(`${work.path}/file`, 0o751);
  const digest = async (path: string) => {
    const bytes = Deno.readFileSync(`${work.path}/${path}`);
    return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
  };
  const names = (rank: number) => [...Deno.readDirSync(`${work.path}/${rank}`)].map(({ name }) => name);
  return { work, digest, names, directory: `${work.path}/{rank}`, file: `${work.path}/file` };
}

Deno.test("flux bcast copies a file to every rank, with its mode, from any of them", async () => {
  await using session = await startSession({ size: 4 });
  const { work, digest, names, directory, file } = await places(session, 3_000_001);
  await using _ = work;
  const sent = await session.flux(["bcast", file, directory], { rank: 3 });
  assertEquals([sent.code, sent.stdout, sent.stderr], [0, "", ""]);
  const expected = await digest("file");
  for (let rank = 0; rank < 4; rank++) {
    assertEquals([names(rank), await digest(`${rank}/file`)], [["file"], expected]);
    assertEquals(Deno.statSync(`${work.path}/${rank}/file`).mode! & 0o777, 0o751);
  }
  const some = await session.flux(["bcast", "--json", "-r", "1,2", "--name", "other", "-v", file, directory]);
  const { digest: told, duration, ...report } = JSON.parse(some.stdout);
  const whole = { path: `${directory}/other`, bytes: 3_000_001, ranks: "1-2", failed: [] };
  assertEquals([report, told.length, duration > 0], [whole, 64, true]);
  assert(/^flux-bcast: 3\.0 MB to 2 of 2 ranks in \d+\.\d\d s\n$/.test(some.stderr), some.stderr);
  assertEquals([0, 1, 2, 3].map((rank) => names(rank).length), [1, 2, 2, 1]);
});

Deno.test("flux bcast names the ranks that have no place for the file, and the others have it", async () => {
  await using session = await startSession({ size: 3 });
  const { work, names, directory, file } = await places(session, 1000);
  await using _ = work;
  Deno.removeSync(`${work.path}/1`);
  Deno.removeSync(`${work.path}/2`);
  Deno.writeTextFileSync(`${work.path}/2`, "");
  const host = Deno.hostname();
  const { code, stderr } = await session.flux(["bcast", file, directory]);
  const lines = [
    `flux-bcast: rank 1 (${host}): ${work.path}/1: No such file or directory`,
    `flux-bcast: rank 2 (${host}): ${work.path}/2: Not a directory`,
    "hint: the directory must be there: flux exec mkdir -p DIR",
  ];
  assertEquals([code, stderr.trimEnd().split("\n").sort()], [1, lines]);
  assertEquals(names(0), ["file"]);
});

testUnless(withoutHosts(), "flux bcast names the hosts of the ranks that have no place for the file", async () => {
  await using hosts = await startHosts(3);
  await using session = await hosts.startSession();
  const { code, stderr } = await session.flux(["bcast", "/etc/passwd", "/nowhere/{host}"], { rank: 0 });
  assertEquals([code, stderr.trimEnd().split("\n").slice(0, 3).sort()], [
    1,
    [0, 1, 2].map((rank) => `flux-bcast: rank ${rank} (host${rank}): /nowhere/host${rank}: No such file or directory`),
  ]);
});

Deno.test("flux bcast says what is wrong with what it is given", async () => {
  await using session = await startSession();
  await using work = await workDirectory();
  // Nobody writes to it: whoever opened it would wait.
  new Deno.Command("mkfifo", { args: [`${work.path}/pipe`] }).outputSync();
  const wrong: [string[], string][] = [
    [[`${work.path}/pipe`, "/tmp"], "/pipe: not a plain file"],
    [[], "bcast needs a file and a directory"],
    [["a", "b", "c"], "bcast needs a file and a directory"],
    [["/nonexistent", "/tmp"], "/nonexistent: No such file or directory"],
    [["/tmp", "/tmp"], "/tmp: Is a directory"],
    [["/dev/null", "/tmp"], "/dev/null: not a plain file"],
    [["--rank", "7", "/etc/passwd", "/tmp"], "--rank 7: there is no rank 7: the session has 1 ranks"],
    [["--name", "a/b", "/etc/passwd", "/tmp"], '"name" must be the name of a file'],
  ];
  for (const [words, text] of wrong) {
    const { code, stderr } = await session.flux(["bcast", ...words]);
    assertEquals(code, 1, stderr);
    assert(stderr.split("\n")[0]!.endsWith(text), stderr);
  }
});

for (const signal of ["SIGINT", "SIGKILL"] as const) {
  Deno.test(`a flux bcast that ends by ${signal} leaves nothing behind on any rank`, async () => {
    await using session = await startSession({ size: 3 });
    const { work, names, directory } = await places(session, 0);
    await using _ = work;
    // Nobody waits until so much is through.
    Deno.truncateSync(`${work.path}/file`, 4 * 2 ** 30);
    const sending = spawnFlux(["bcast", `${work.path}/file`, directory], { env: { FLUX_URI: session.uri(1) } });
    await until("ranks to begin", () => [0, 1, 2].every((rank) => names(rank).length === 1));
    sending.kill(signal);
    await sending.output();
    await until("ranks to clean up", () => [0, 1, 2].every((rank) => names(rank).length === 0));
    assertEquals((await session.flux(["ping", "--count=1", "2"])).code, 0);
  });
}
