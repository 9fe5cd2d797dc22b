/** Where a session's sockets go, and that nothing of it stays. */

import { assert, assertEquals, assertThrows } from "../../assert.ts";
import { systemRandom } from "../../../broker/ports/mod.ts";
import { createRunDirectory, linkProgram, removeRunDirectory } from "../../../broker/boot/run_directory.ts";

async function inScratch(test: (path: string) => void | Promise<void>): Promise<void> {
  const path = await Deno.makeTempDir({ prefix: "flux-unit-" });
  try {
    await test(path);
  } finally {
    await Deno.remove(path, { recursive: true });
  }
}

const create = (env: Record<string, string>, size = 8) => createRunDirectory((name) => env[name], size, systemRandom);

Deno.test("createRunDirectory() makes flux-XXXXXX for its owner only, and removeRunDirectory() removes it", () =>
  inScratch((base) => {
    const { path, notes } = create({ TMPDIR: `${base}/` });
    assert(path.startsWith(`${base}/flux-`) && /flux-[A-Za-z0-9]{6}$/.test(path), path);
    assertEquals([Deno.statSync(path).mode! & 0o777, notes.length], [0o700, 0]);
    removeRunDirectory(path);
    removeRunDirectory(path);
    assertEquals([...Deno.readDirSync(base)], []);
  }));

Deno.test("createRunDirectory() prefers FLUX_TMPDIR, then XDG_RUNTIME_DIR, then TMPDIR", () =>
  inScratch((base) => {
    for (const name of ["a", "b", "c"]) Deno.mkdirSync(`${base}/${name}`);
    const env: Record<string, string> = { TMPDIR: `${base}/c` };
    assert(create(env).path.startsWith(`${base}/c/`));
    env.XDG_RUNTIME_DIR = `${base}/b`;
    assert(create(env).path.startsWith(`${base}/b/`));
    env.FLUX_TMPDIR = `${base}/a`;
    assert(create(env).path.startsWith(`${base}/a/`));
  }));

Deno.test("createRunDirectory() goes on to the next place when one cannot be used, and says so", () =>
  inScratch((base) => {
    const { path, notes } = create({ FLUX_TMPDIR: "/nowhere", TMPDIR: base });
    assert(path.startsWith(base), path);
    assertEquals(notes, ["FLUX_TMPDIR=/nowhere: No such directory"]);
  }));

Deno.test("createRunDirectory() puts a short link in front of a directory too deep for sockets", () =>
  inScratch((base) => {
    const deep = `${base}/${"d".repeat(60)}/${"e".repeat(60)}`;
    Deno.mkdirSync(deep, { recursive: true });
    const { path, notes } = create({ TMPDIR: deep });
    assert(`${path}/event-7`.length <= 107, path);
    assert(Deno.realPathSync(path).startsWith(deep));
    assert(notes[0]?.includes(`${path} stands for it`), notes[0]);
    removeRunDirectory(path);
    assertEquals([...Deno.readDirSync(deep)], []);
    assertThrowsNotFound(() => Deno.lstatSync(path));
  }));

Deno.test("createRunDirectory() counts bytes, not characters, and the digits of the highest rank", () =>
  inScratch((base) => {
    // base/uuu…/flux-XXXXXX/event-N: 107 bytes with one digit.
    const room = 107 - base.length - 1 - "/flux-XXXXXX/event-7".length;
    const name = "ü".repeat(Math.floor(room / 2)) + "x".repeat(room % 2);
    Deno.mkdirSync(`${base}/${name}`);
    const fits = create({ TMPDIR: `${base}/${name}` }, 8).path;
    assert(fits.startsWith(base), fits);
    const link = create({ TMPDIR: `${base}/${name}` }, 11).path;
    assert(!link.startsWith(base), link);
    removeRunDirectory(link);
  }));

Deno.test("linkProgram() makes bin/flux a link to an executable, or a script that starts several words", () =>
  inScratch((base) => {
    for (const [name, self] of [["one", ["/opt/flux"]], ["many", ["/opt/deno", "run", "it's.ts"]]] as const) {
      Deno.mkdirSync(`${base}/${name}/bin`, { recursive: true });
      linkProgram(`${base}/${name}`, self);
    }
    assertEquals(Deno.readLinkSync(`${base}/one/bin/flux`), "/opt/flux");
    assertEquals(
      Deno.readTextFileSync(`${base}/many/bin/flux`),
      `#!/bin/sh\nexec /opt/deno run 'it'\\''s.ts' "$@"\n`,
    );
    assertEquals(Deno.statSync(`${base}/many/bin/flux`).mode! & 0o100, 0o100);
  }));

function assertThrowsNotFound(action: () => unknown): void {
  try {
    action();
  } catch (error) {
    assert(error instanceof Deno.errors.NotFound);
    return;
  }
  assert(false, "it is still there");
}

Deno.test("createRunDirectory() fails with a line for each place when none can be used", () => {
  const taken = { ...systemRandom, bytes: () => new Uint8Array([1, 2, 3, 4, 5, 6]) };
  const real = Deno.mkdirSync;
  Deno.mkdirSync = () => {
    throw new Deno.errors.PermissionDenied("Permission denied (os error 13): mkdir");
  };
  try {
    const failure = { errno: "EACCES", text: /TMPDIR=\/a: Permission denied\n {2}\/tmp: Permission denied$/ } as const;
    assertThrows(() => createRunDirectory((name) => ({ TMPDIR: "/a" })[name], 1, taken), failure);
  } finally {
    Deno.mkdirSync = real;
  }
});
