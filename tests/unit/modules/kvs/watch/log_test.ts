import fc from "fast-check";
import { FluxError } from "../../../../../broker/message/mod.ts";
import { val, valref } from "../../../../../modules/kvs/tree/treeobj.ts";
import { ValueLog } from "../../../../../modules/kvs/watch/log.ts";
import { assert, assertEquals, assertRejects } from "../../../../assert.ts";
import { checkAsync } from "../../../../property.ts";
import { text } from "../tree/tree_store.ts";

/** Blobs by made-up names, and how often each was loaded. */
class Blobs {
  readonly bytes = new Map<string, Uint8Array>();
  readonly loads: string[] = [];
  readonly load = (name: string): Promise<Uint8Array> => {
    this.loads.push(name);
    const bytes = this.bytes.get(name);
    return bytes ? Promise.resolve(bytes) : Promise.reject(new FluxError("ENOENT", name));
  };

  /** A valref of these texts, each a blob of its own. */
  value(...texts: string[]) {
    for (const part of texts) this.bytes.set(part, text(part));
    return valref(texts);
  }
}

const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

async function readAll(log: ValueLog, blobs: Blobs, from = 0): Promise<string> {
  const parts: Uint8Array[] = [];
  for (let at = from; at < log.length; at += parts.at(-1)!.length) parts.push(await log.read(at, blobs.load));
  return parts.map(decode).join("");
}

Deno.test("ValueLog.update() loads only what was appended", async () => {
  const blobs = new Blobs(), log = new ValueLog();
  await log.update(blobs.value("one", "two"), blobs.load);
  assertEquals([log.length, await readAll(log, blobs)], [6, "onetwo"]);
  log.release();
  blobs.loads.length = 0;
  await log.update(blobs.value("one", "two", "three"), blobs.load);
  assertEquals(await readAll(log, blobs, 6), "three");
  assertEquals(blobs.loads, ["three"]);
});

Deno.test("ValueLog.update() goes on from a value within its directory to blobs", async () => {
  const blobs = new Blobs(), log = new ValueLog();
  await log.update(val(text("old")), blobs.load);
  await log.update(blobs.value("old", "new"), blobs.load);
  assertEquals(await readAll(log, blobs, 3), "new");
  await log.update(blobs.value("old", "new"), blobs.load);
  assertEquals(log.length, 6);
});

Deno.test("ValueLog.update() takes joined blobs for what they were joined from, also when those are gone", async () => {
  for (const isGone of [false, true]) {
    const blobs = new Blobs(), log = new ValueLog();
    await log.update(blobs.value("first", "a", "b"), blobs.load);
    log.release();
    if (isGone) { for (const name of ["a", "b"]) blobs.bytes.delete(name); }
    await log.update(blobs.value("first", "abc"), blobs.load);
    assertEquals([log.length, await readAll(log, blobs, 7)], [8, "c"]);
  }
});

Deno.test("ValueLog.update() refuses what was overwritten or truncated, and stays as it was", async () => {
  const blobs = new Blobs(), log = new ValueLog();
  await log.update(blobs.value("one", "two"), blobs.load);
  await assertRejects(log.update(blobs.value("one"), blobs.load), { errno: "EINVAL", text: "truncated" });
  await assertRejects(log.update(blobs.value("one", "twx", "more"), blobs.load), {
    errno: "EINVAL",
    text: "overwritten",
  });
  await assertRejects(log.update(val(text("onetwx")), blobs.load), { errno: "EINVAL", text: "overwritten" });
  assertEquals(await readAll(log, blobs), "onetwo");
});

Deno.test("ValueLog.read() gives small blobs together and large ones alone", async () => {
  const blobs = new Blobs(), log = new ValueLog();
  const large = "x".repeat(100_000);
  await log.update(blobs.value("a", "b", "c", large, "d"), blobs.load);
  const lengths: number[] = [];
  for (let at = 0; at < log.length; at += lengths.at(-1)!) lengths.push((await log.read(at, blobs.load)).length);
  assertEquals(lengths, [100_003, 1]);
  assertEquals((await log.read(log.length, blobs.load)).length, 0);
});

Deno.test("ValueLog.release() keeps nothing of much at hand, and loads it again when it is read", async () => {
  const blobs = new Blobs(), log = new ValueLog();
  await log.update(blobs.value("one", "two"), blobs.load);
  log.release();
  blobs.loads.length = 0;
  assertEquals(await readAll(log, blobs), "onetwo");
  assertEquals(blobs.loads, ["one", "two"]);
});

Deno.test("ValueLog gives every byte once, wherever appends begin and end and whatever is joined", async () => {
  const part = fc.string({ maxLength: 5, unit: fc.constantFrom("a", "b") });
  await checkAsync(
    fc.asyncProperty(fc.array(fc.tuple(part, fc.boolean()), { maxLength: 20 }), async (steps) => {
      const blobs = new Blobs(), log = new ValueLog();
      let parts: string[] = [], seen = "";
      for (const [part, isJoined] of steps) {
        if (part !== "") parts.push(part);
        if (isJoined && parts.length > 1) {
          parts = [parts.slice(0, -2).join(""), parts.slice(-2).join("")].filter(Boolean);
        }
        if (parts.length === 0) continue;
        await log.update(parts.length === 1 && isJoined ? val(text(parts[0]!)) : blobs.value(...parts), blobs.load);
        seen += await readAll(log, blobs, seen.length);
        if (!isJoined) log.release();
      }
      assert(seen === parts.join(""));
    }),
  );
});
