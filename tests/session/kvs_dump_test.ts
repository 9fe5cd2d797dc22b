/** `flux kvs dump` and `restore`: what comes back is what was there. */

import { open } from "../../broker/handle/mod.ts";
import { Kvs } from "../../modules/kvs/client.ts";
import { assert, assertEquals } from "../assert.ts";
import { kvs, piped, refused } from "./kvs_session.ts";
import { runFlux, type Session, startSession, workDirectory } from "./session.ts";

/** A store with everything that a store may have. */
async function fill(session: Session): Promise<void> {
  using flux = await open(session.uri());
  const store = new Kvs(flux);
  const keys = store.transaction().put("a.b", 42).put("a.text", "hello").putBytes("empty.value", new Uint8Array(0));
  keys.putBytes("bin", Uint8Array.from({ length: 300_000 }, (_, i) => i * 31 & 0xff));
  keys.putText("big", "1152921504606846976").mkdir("dirs.none").mkdir("dirs.one.two");
  keys.put("odd.sl/ash", 1).put("odd.per%2Fcent", 2).put("odd.ümläut 🙂", 3).put(`odd.${"n".repeat(300)}`, 4);
  keys.put("odd.new\nline", 5);
  keys.symlink("links.in", "a.b").symlink("links.out", "far.key", "other").symlink("links.odd", "x::y");
  keys.symlink("links.long", `t.${"t".repeat(200)}`).append("log", "one\n");
  for (let i = 0; i < 3000; i++) keys.put(`many.k${i}`, i);
  await keys.commit();
  await store.transaction().append("log", "two\n").commit();
}

Deno.test("flux kvs restore of a dump in a fresh session gives the same tree", async () => {
  await using work = await workDirectory();
  const file = `${work.path}/store.tar`;
  let before: string[];
  {
    await using session = await startSession({ size: 2 });
    await fill(session);
    before = await Promise.all([kvs(session, ["ls", "-R"]), kvs(session, ["dir", "-r"])]);
    assertEquals(await kvs(session, ["dump", file], { rank: 1 }), "");
    assertEquals(await piped(session, ["dump", "-"]).then((bytes) => bytes.length), (await Deno.stat(file)).size);
  }
  const { code, stdout } = await new Deno.Command("tar", { args: ["tf", file] }).output();
  assertEquals(code, 0);
  assert(/^a\/\na\/b\na\/text\nbig\n/.test(new TextDecoder().decode(stdout)), "tar tf");
  {
    await using session = await startSession({ size: 2 });
    assertEquals(await kvs(session, ["restore", file], { rank: 1 }), "");
    assertEquals(await Promise.all([kvs(session, ["ls", "-R"]), kvs(session, ["dir", "-r"])]), before);
    await kvs(session, ["unlink", "many"]);
    await piped(session, ["restore", "-", "below.here"], await Deno.readFile(file));
    assertEquals(await kvs(session, ["dirsize", "below.here.many"]), "3000\n");
    await kvs(session, ["dump", `${work.path}/part.tar`, "below.here.odd"]);
    await kvs(session, ["restore", `${work.path}/part.tar`, "again"]);
    assertEquals(await kvs(session, ["ls", "again"]), await kvs(session, ["ls", "odd"]));
  }
});

Deno.test("flux kvs dump is of one version, and of the one it is told", async () => {
  await using session = await startSession();
  await kvs(session, ["put", "a=1"]);
  const root = (await kvs(session, ["getroot", "-b"])).trim();
  await kvs(session, ["put", "a=2", "b=3"]);
  await kvs(session, ["dump", "--at", root, "old.tar"]);
  await kvs(session, ["namespace", "create", "n"]);
  await kvs(session, ["restore", "-N", "n", "old.tar"]);
  assertEquals(await kvs(session, ["dir", "-N", "n"]), "a = 1\n");
});

Deno.test("flux kvs restore leaves alone what the archive does not have", async () => {
  await using session = await startSession();
  await kvs(session, ["put", "d.a=1"]);
  await kvs(session, ["mkdir", "e"]);
  await kvs(session, ["dump", "x.tar"]);
  await kvs(session, ["put", "d.a=2", "d.b=3", "e.f=4", "other=5"]);
  await kvs(session, ["restore", "x.tar"]);
  assertEquals(await kvs(session, ["dir", "-r"]), "d.a = 1\nd.b = 3\ne.f = 4\nother = 5\n");
});

Deno.test("flux kvs restore takes archives of another origin", async () => {
  await using session = await startSession();
  const { directory } = session;
  await Deno.mkdir(`${directory}/t/sub/none`, { recursive: true });
  await Deno.writeTextFile(`${directory}/t/sub/file.txt`, "text\n");
  await Deno.symlink("sub.file", `${directory}/t/link`);
  await new Deno.Command("tar", { args: ["cf", "own.tar", "-C", "t", "."], cwd: directory }).output();
  await kvs(session, ["restore", "own.tar"]);
  assertEquals(await kvs(session, ["dir", "-r"]), "link -> sub.file\nsub.file.txt = text\n");
  assertEquals(await kvs(session, ["ls", "sub"]), "file\nnone\n");
  await new Deno.Command("mkfifo", { args: ["t/pipe"], cwd: directory }).output();
  await new Deno.Command("tar", { args: ["cf", "fifo.tar", "-C", "t", "."], cwd: directory }).output();
  const said = await refused(session, ["restore", "fifo.tar", "x"]);
  assertEquals(said, "flux-kvs: fifo.tar: ./pipe: neither a file, a directory nor a symbolic link\n");
});

Deno.test("flux kvs restore writes nothing of a file that is cut short or damaged, and says so", async () => {
  await using session = await startSession();
  await kvs(session, ["put", ...Array.from({ length: 2500 }, (_, i) => `d.k${i}=${i}`)]);
  await kvs(session, ["dump", "x.tar"]);
  await kvs(session, ["unlink", "d"]);
  const whole = await Deno.readFile(`${session.directory}/x.tar`);
  await Deno.writeFile(`${session.directory}/cut.tar`, whole.subarray(0, 2_400_000));
  assertEquals(
    await refused(session, ["restore", "cut.tar"]),
    "flux-kvs: cut.tar: truncated: it stops after 2400000 bytes, without the end of an archive\n",
  );
  assertEquals(await kvs(session, ["dir"]), "");
  const input = new TextDecoder().decode(whole.subarray(0, 2_400_000));
  assertEquals(
    await refused(session, ["restore", "-", "part"], { stdin: input }),
    "flux-kvs: -: truncated: it stops after 2400000 bytes, without the end of an archive\n" +
      "hint: 2000 keys before that were restored\n",
  );
  assertEquals(await kvs(session, ["dirsize", "part.d"]), "2000\n");
  await kvs(session, ["unlink", "part"]);
  whole[2_000_000]! ^= 0xff;
  whole[2_000_600]! ^= 0xff;
  await Deno.writeFile(`${session.directory}/bad.tar`, whole);
  assert(/^flux-kvs: bad.tar: at byte \d+: not a tar header/.test(await refused(session, ["restore", "bad.tar"])));
  assertEquals(await kvs(session, ["dir"]), "");
  const { code, stderr } = await session.flux(["kvs", "restore", "/dev/stdin"], {
    stdin: new TextDecoder().decode(whole.subarray(0, 1500)),
  });
  assertEquals(code, 1);
  assert(stderr.includes(": truncated"), stderr);
  const said = await refused(session, ["restore", "nosuch.tar"]);
  assertEquals(said, "flux-kvs: nosuch.tar: No such file or directory\n");
});

Deno.test("flux kvs dump leaves no file behind when it fails", async () => {
  await using session = await startSession();
  await kvs(session, ["put", "a=1"]);
  assertEquals(await refused(session, ["dump", "x.tar", "nosuch"]), "flux-kvs: nosuch: No such file or directory\n");
  assertEquals(await refused(session, ["dump", "x.tar", "a"]), "flux-kvs: a: Not a directory\n");
  assertEquals(
    await refused(session, ["dump", "no/such/x.tar"]),
    "flux-kvs: no/such/x.tar: No such file or directory\n",
  );
  const names = [...Deno.readDirSync(session.directory)].map(({ name }) => name).filter((name) => name.includes("tar"));
  assertEquals(names, []);
  assertEquals((await runFlux(["kvs", "dump"])).code, 1);
});
