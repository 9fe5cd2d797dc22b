/** A rank's place on its host. */

import { Place } from "../../../broker/boot/place.ts";
import { lettersOf, shareRunDirectory } from "../../../broker/boot/shared_directory.ts";
import { systemRandom } from "../../../broker/ports/mod.ts";
import { assert, assertEquals, assertNotEquals, assertThrows } from "../../assert.ts";

async function inScratch(test: (path: string) => void | Promise<void>): Promise<void> {
  const path = await Deno.makeTempDir({ prefix: "flux-unit-" });
  try {
    await test(path);
  } finally {
    await Deno.remove(path, { recursive: true });
  }
}

const shared = (base: string, rank: number, session = "7.0 host 0") =>
  new Place(rank, { kind: "shared", session, size: 8 }, { FLUX_TMPDIR: base }, ["/bin/flux"], systemRandom);
const there = (path: string) => [...Deno.readDirSync(path)].map(({ name }) => name).sort();

Deno.test("ranks of one session on one host find the same directory, and the last one to leave removes it", () =>
  inScratch((base) => {
    const [one, two] = [shared(base, 3), shared(base, 4)];
    one.take();
    two.take();
    assertEquals(one.path, two.path);
    assertEquals(there(one.path), ["bin", "broker-3.pid", "broker-4.pid"]);
    assertEquals(Deno.readTextFileSync(`${one.path}/broker-3.pid`), `${Deno.pid}\n`);
    assertEquals(Deno.statSync(one.path).mode! & 0o777, 0o700);
    one.leave(false);
    assertEquals(there(one.path), ["bin", "broker-4.pid"]);
    two.leave(false);
    assertEquals(there(base), []);
  }));

Deno.test("a rank that was killed does not keep the directory of the others", () =>
  inScratch((base) => {
    const place = shared(base, 0);
    place.take();
    // Its number is that of a living process, but nobody holds the lock.
    Deno.writeTextFileSync(`${place.path}/broker-1.pid`, `${Deno.pid}\n`);
    place.leave(false);
    assertEquals(there(base), []);
  }));

Deno.test("a directory that goes away before the rank has taken its place is made again", () =>
  inScratch((base) => {
    const place = shared(base, 0);
    Deno.removeSync(place.path, { recursive: true });
    place.take();
    assertEquals(there(place.path), ["bin", "broker-0.pid"]);
    place.leave(false);
  }));

Deno.test("sessions have directories of their own", () =>
  inScratch((base) => {
    assertNotEquals(shared(base, 0, "7.0 host 0").path, shared(base, 0, "7.1 host 0").path);
    const letters = new Set(Array.from({ length: 1000 }, (_, job) => lettersOf(`${job}.0 node1 0`)));
    assertEquals(letters.size, 1000);
    assert([...letters].every((one) => /^[A-Za-z0-9]{6}$/.test(one)));
  }));

Deno.test("shareRunDirectory() takes no directory that others could write to", () =>
  inScratch((base) => {
    const path = `${base}/flux-${lettersOf("s")}`;
    Deno.mkdirSync(path);
    Deno.chmodSync(path, 0o777);
    const env = (name: string) => ({ FLUX_TMPDIR: base, XDG_RUNTIME_DIR: "/nowhere" })[name];
    const next = shareRunDirectory(env, 8, "s");
    assertEquals([next.startsWith(base), there(path)], [false, []]);
    Deno.removeSync(next, { recursive: true });
  }));

Deno.test("ranks whose TMPDIR lies too deep for sockets share a short link", () =>
  inScratch((base) => {
    const deep = `${base}/${"d".repeat(60)}/${"e".repeat(60)}`;
    Deno.mkdirSync(deep, { recursive: true });
    const [one, two] = [shared(deep, 0), shared(deep, 1)];
    one.take();
    two.take();
    assertEquals([one.path === two.path, one.path.length < 40], [true, true]);
    one.leave(false);
    two.leave(false);
    assertEquals(there(deep), []);
    assertEquals(there("/tmp").includes(one.path.slice("/tmp/".length)), false);
  }));

Deno.test("whoever comes next removes the directory of ranks that were all killed, and no other", () =>
  inScratch((base) => {
    const living = shared(base, 0, "living");
    living.take();
    const abandoned = `${base}/flux-AAAAAA`, young = `${base}/flux-BBBBBB`, other = `${base}/flux-other`;
    for (const path of [abandoned, young, other]) Deno.mkdirSync(path);
    for (const path of [abandoned, other]) Deno.writeTextFileSync(`${path}/broker-0.pid`, `${Deno.pid}\n`);
    const place = shared(base, 0, "next");
    place.take();
    const names = [living.path, place.path, young, other].map((path) => path.slice(base.length + 1));
    assertEquals(there(base), names.sort());
    place.leave(false);
    living.leave(false);
  }));

Deno.test("a rank that is there already is told of, and keeps its place", () =>
  inScratch((base) => {
    const first = shared(base, 3), second = shared(base, 3);
    first.take();
    const text = `rank 3 of this session is already running in ${first.path}, pid ${Deno.pid}`;
    assertThrows(() => second.take(), { errno: "EEXIST", text });
    second.leave(false);
    assertEquals(there(first.path), ["bin", "broker-3.pid"]);
    first.leave(false);
    assertEquals(there(base), []);
  }));

Deno.test("a disk without space is told of with the file that it had none for", () =>
  inScratch((base) => {
    Deno.symlinkSync("/dev/full", `${base}/broker-0.pid.${Deno.pid}`);
    const place = new Place(0, { kind: "given", path: base }, {}, ["/bin/flux"], systemRandom);
    const text = `${base}/broker-0.pid: No space left on device`;
    assertThrows(() => place.take(), { errno: "ENOSPC", text });
  }));
