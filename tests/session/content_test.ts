/** Content on a disk: what survives, what is refused and in which words, with the built executable. */

import { DatabaseSync } from "node:sqlite";
import { type Handle, open } from "../../broker/handle/mod.ts";
import { digestOf, encodeText } from "../../broker/message/mod.ts";
import { loadHash } from "../../broker/ports/mod.ts";
import { encodeCommit } from "../../modules/content/protocol.ts";
import { assert, assertEquals, assertRejects } from "../assert.ts";
import { skip } from "../skip.ts";
import { runFlux, startSession, until, workDirectory } from "./session.ts";

const hash = await loadHash();
const NAMESPACE = "test";
const blobOf = encodeText;
const digestOfText = (text: string) => digestOf(hash(blobOf(text)));

/** Commits a text of at least `size` bytes as version `rootseq`. */
async function commit(handle: Handle, rootseq: number, size = 0): Promise<void> {
  const blob = blobOf(`version ${rootseq}`.padEnd(size));
  const ref = hash(blob);
  const roots = { [NAMESPACE]: { rootref: ref, rootseq, owner: 0, flags: 0, timestamp: 0 } };
  await handle.rpcRaw("content.commit", encodeCommit({ refs: [ref], blobs: [blob], roots }), { rank: 0 });
}

async function version(handle: Handle): Promise<number> {
  const { roots } = await handle.rpc<{ roots: Record<string, { rootseq: number }> }>("content.roots", {}, { rank: 0 });
  return roots[NAMESPACE]?.rootseq ?? 0;
}

function load(handle: Handle, rootseq: number, size = 0): Promise<Uint8Array | undefined> {
  return handle.rpcRaw("content.load", digestOfText(`version ${rootseq}`.padEnd(size)));
}

const stateful = (size: number, statedir: string) => startSession({ size, args: ["--statedir", statedir] });

/** A small file system of its own; undefined where that cannot be had. */
async function smallDisk(path: string, bytes: number): Promise<((options: string) => Promise<void>) | undefined> {
  const mount = async (...args: string[]) => {
    const { success } = await new Deno.Command(args[0]!, { args: args.slice(1), stderr: "null" }).output();
    return success;
  };
  await Deno.mkdir(path);
  if (!await mount("mount", "-t", "tmpfs", "-o", `size=${bytes},mode=700`, "none", path)) return undefined;
  return async (options) => {
    const words = options === "umount" ? ["umount", "-l", path] : ["mount", "-o", options, path];
    if (!await mount(...words)) throw new Error(`${words.join(" ")} failed`);
  };
}

Deno.test("flux start --statedir has every answered commit after kill -9 of everything, at another size", async () => {
  await using work = await workDirectory();
  const statedir = `${work.path}/state`;
  let last = 0;
  for (const size of [3, 1, 2]) {
    await using session = await stateful(size, statedir);
    const handle = await open(session.uri(size - 1));
    assert(await version(handle) >= last, `${await version(handle)} after the restart, ${last} was answered`);
    for (let seq = Math.max(1, last - 20); seq <= last; seq++) {
      assertEquals(await load(handle, seq), blobOf(`version ${seq}`));
    }
    last = await version(handle);
    const writing = (async () => {
      for (;;) {
        await commit(handle, last + 1);
        last++;
      }
    })().catch(() => {});
    const target = last + 200;
    await until("200 commits", () => last >= target);
    await session.crash();
    await writing;
  }
});

Deno.test("flux start --statedir makes the directory for its owner alone, and tells of it by an attribute", async () => {
  await using work = await workDirectory();
  await using session = await startSession({ args: ["--statedir", `${work.path}/a/b`, "--sync", "full"] });
  assertEquals((await session.flux(["getattr", "statedir"])).stdout, `${work.path}/a/b\n`);
  assertEquals((await session.flux(["getattr", "content.backing-module"])).stdout, "content-sqlite\n");
  assertEquals(Deno.statSync(`${work.path}/a/b`).mode! & 0o777, 0o700);
  assertEquals([...Deno.readDirSync(session.rundir)].some(({ name }) => name === "content"), false);
});

Deno.test("flux start --statedir says who uses the directory, and leaves that session alone", async () => {
  await using work = await workDirectory();
  await using session = await stateful(1, `${work.path}/state`);
  const second = await runFlux(["start", "--statedir", `${work.path}/state`, "true"], {
    cwd: work.path,
    env: { FLUX_TMPDIR: work.path },
  });
  assertEquals(second.code, 1);
  const text = `content-sqlite: ${work.path}/state: in use by pid ${session.pid(0)} on ${Deno.hostname()}`;
  assert(second.stderr.includes(text), second.stderr);
  assertEquals((await session.flux(["content", "store"], { stdin: "x" })).code, 0);
});

Deno.test("flux start --statedir on a directory that cannot be made says why", async () => {
  await using work = await workDirectory();
  await Deno.writeTextFile(`${work.path}/file`, "");
  const { code, stderr } = await runFlux(["start", "--statedir", `${work.path}/file/state`, "true"], {
    cwd: work.path,
    env: { FLUX_TMPDIR: work.path },
  });
  assertEquals([code, stderr.includes(`${work.path}/file/state: Not a directory`)], [1, true], stderr);
});

Deno.test("a session on a disk that is read-only does not start, and says why", async (t) => {
  await using work = await workDirectory();
  const disk = await smallDisk(`${work.path}/disk`, 1 << 20);
  if (!disk) return skip(t, "no file system can be mounted here");
  try {
    await disk("remount,ro");
    const { code, stderr } = await runFlux(["start", "--statedir", `${work.path}/disk`, "true"], {
      cwd: work.path,
      env: { FLUX_TMPDIR: work.path },
    });
    assertEquals([code, stderr.includes(`${work.path}/disk: Read-only file system`)], [1, true], stderr);
  } finally {
    await disk("umount");
  }
});

Deno.test("a full disk refuses commits with ENOSPC; reads go on, and commits when there is space again", async (t) => {
  await using work = await workDirectory();
  const disk = await smallDisk(`${work.path}/disk`, 4 << 20);
  if (!disk) return skip(t, "no file system can be mounted here");
  try {
    let answered = 0;
    {
      await using session = await stateful(2, `${work.path}/disk/state`);
      const handle = await open(session.uri(1));
      const error = await assertRejects(async () => {
        for (;; answered++) await commit(handle, answered + 1, 100_000);
      }, { errno: "ENOSPC", text: "database or disk is full" });
      assert(error.message.includes(`${work.path}/disk/state/content.sqlite`), error.message);
      assert(answered > 5, `${answered} commits of 100 kB fitted into 4 MiB`);
      assertEquals(await version(handle), answered);
      for (const rank of [0, 1]) await session.flux(["content", "dropcache"], { rank });
      for (let seq = 1; seq <= answered; seq++) assertEquals((await load(handle, seq, 100_000))?.length, 100_001);
      const { code, stderr } = await session.flux(["content", "store"], { rank: 1, stdin: "y".repeat(100_000) });
      assertEquals([code, stderr.split("\n")[0]], [1, "flux: content.store: No space left on device"]);
      await disk("remount,size=16m");
      for (const last = answered + 5; answered < last; answered++) await commit(handle, answered + 1, 100_000);
      await session.crash();
    }
    await using again = await stateful(1, `${work.path}/disk/state`);
    const handle = await open(again.uri());
    assertEquals(await version(handle), answered);
    for (let seq = 1; seq <= answered; seq++) assertEquals((await load(handle, seq, 100_000))?.length, 100_001);
  } finally {
    await disk("umount");
  }
});

Deno.test("flux module load and remove content-sqlite keep contents, and flux content tells of them", async () => {
  await using session = await startSession({ size: 3 });
  const flux = async (rank: number, ...args: string[]) => {
    const { code, stdout, stderr } = await session.flux(args, { rank });
    assertEquals(code, 0, stderr);
    return stdout;
  };
  const blobref = (await session.flux(["content", "store"], { rank: 2, stdin: "foo\n" })).stdout.trim();
  assertEquals(blobref, "sha1-f1d2d2f924e986ac86fdf7b36c94bcdf32beec15");
  const refused = await session.flux(["content", "load", "-b", blobref]);
  assertEquals(refused.stderr.split("\n")[0], "flux: content-backing.load: Function not implemented");
  for (let round = 0; round < 2; round++) {
    await flux(0, "module", "load", "content-sqlite");
    await flux(0, "content", "flush");
    await flux(0, "content", "dropcache");
    assertEquals(JSON.parse(await flux(0, "content", "stats", "--json")).dirty, 0);
    assertEquals(await flux(1, "content", "load", blobref), "foo\n");
    assertEquals(await flux(2, "content", "load", "-b", blobref), "foo\n");
    await flux(0, "module", "remove", "content-sqlite");
    await flux(1, "content", "dropcache");
    assertEquals(await flux(1, "content", "load", blobref), "foo\n");
    assert(JSON.parse(await flux(0, "content", "stats", "--json")).dirty > 0);
  }
});

Deno.test("a blob that is damaged in the file is named when it is loaded and in the log, and harms no other", async () => {
  await using work = await workDirectory();
  const statedir = `${work.path}/state`;
  {
    await using session = await stateful(1, statedir);
    const handle = await open(session.uri());
    for (let seq = 1; seq <= 20; seq++) await commit(handle, seq);
  }
  const blobref = hash(blobOf("version 7"));
  using database = new DatabaseSync(`${statedir}/content.sqlite`);
  const damaged = database.prepare(
    "UPDATE blobs SET blob = CAST('version X' AS BLOB) WHERE id = (SELECT id FROM refs WHERE hash = ?)",
  ).run(digestOf(blobref));
  assertEquals(damaged.changes, 1);
  database.close();
  await using session = await stateful(2, statedir);
  const handle = await open(session.uri(1));
  await assertRejects(load(handle, 7), { errno: "EIO", text: blobref });
  assertEquals(await version(handle), 20);
  for (let seq = 8; seq <= 20; seq++) assertEquals(await load(handle, seq), blobOf(`version ${seq}`));
  await commit(handle, 21);
  const { code, stderr } = await session.flux(["content", "load", blobref]);
  assertEquals([code, stderr.split("\n")[0]], [1, "flux: content.load: Input/output error"]);
  await until("the log to name it", () => session.log.includes(`${blobref}: damaged`));
});

Deno.test("a state directory whose file is no database is refused by name", async () => {
  await using work = await workDirectory();
  await Deno.writeTextFile(
    `${work.path}/content.sqlite`,
    "not a database, but long enough to look like one".repeat(99),
  );
  const { code, stderr } = await runFlux(["start", "--statedir", work.path, "true"], {
    cwd: work.path,
    env: { FLUX_TMPDIR: work.path },
  });
  assertEquals([code, stderr.includes(`${work.path}/content.sqlite: file is not a database`)], [1, true], stderr);
});

Deno.test("flux content fails with the words of 0.1.0", async () => {
  await using session = await startSession({ args: ["-O", "content:blob-size-limit=1000"] });
  const cases: [string[], string, string][] = [
    [["load", "sha1-f1d2d2f924e986ac86fdf7b36c94bcdf32beec16"], "", "flux: content.load: No such file or directory"],
    [["load", "sha1-XY"], "", "flux: sha1-XY: not a blobref"],
    [["store", "-d"], "x".repeat((1 << 20) + 1), "flux: content-store: File too large"],
    [["store"], "x".repeat(2000), "flux: content.store: File too large"],
    [["flush"], "", "flux: content.flush: Function not implemented"],
  ];
  for (const [words, stdin, text] of cases) {
    const { code, stderr } = await session.flux(["content", ...words], { stdin });
    assertEquals([code, stderr.split("\n")[0]], [1, text]);
  }
});
