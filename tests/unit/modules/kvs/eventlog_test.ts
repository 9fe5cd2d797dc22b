import fc from "fast-check";
import { Kvs } from "../../../../modules/kvs/client.ts";
import {
  append,
  EventlogReader,
  follow,
  formatEntry,
  get,
  parseEntry,
  parseEventlog,
  wait,
} from "../../../../modules/kvs/eventlog.ts";
import { KvsFlag } from "../../../../modules/kvs/protocol.ts";
import { val } from "../../../../modules/kvs/tree/treeobj.ts";
import { assert, assertEquals, assertRejects, assertThrows } from "../../../assert.ts";
import { messagesOf, readCapture } from "../../../captures.ts";
import { check } from "../../../property.ts";
import { served } from "../../service/served.ts";
import { put, text } from "./tree/tree_store.ts";
import { ServedWatch } from "./watch/served_watch.ts";

const line = (name: string, at = 1) => formatEntry({ timestamp: at, name });

Deno.test("formatEntry() is one line of compact JSON, its time a real number", () => {
  assertEquals(
    formatEntry({ timestamp: 1795356661.9925349, name: "hello", context: { a: 1 } }),
    '{"timestamp":1795356661.9925349,"name":"hello","context":{"a":1}}\n',
  );
  assertEquals(formatEntry({ timestamp: 12, name: "x" }), '{"timestamp":12.0,"name":"x"}\n');
});

Deno.test("formatEntry() refuses events that cannot be", () => {
  for (const timestamp of [0, -1, NaN, Infinity]) {
    assertThrows(() => formatEntry({ timestamp, name: "x" }), { errno: "EINVAL", text: "timestamp" });
  }
  assertThrows(() => formatEntry({ timestamp: 1, name: "" }), { errno: "EINVAL", text: "name" });
});

Deno.test("parseEntry() reads what real tools wrote", async () => {
  const [request] = messagesOf(await readCapture("kvs-evapp"));
  const { ops } = JSON.parse(new TextDecoder().decode(request!.message!.payload!).slice(0, -1));
  const [entry] = parseEventlog(Uint8Array.fromBase64(ops[0].dirent.data));
  const { text: written, ...fields } = entry!;
  assertEquals(fields, { timestamp: 1795356661.9925349, name: "hello", context: { a: 1 } });
  assertEquals(formatEntry(fields), `${written}\n`);
});

Deno.test("parseEntry() refuses what is no event and says why", () => {
  const refused: [string, string][] = [
    ["", "not JSON"],
    ["[]", "not an object"],
    ['{"name":"x"}', "timestamp"],
    ['{"timestamp":"1","name":"x"}', "timestamp"],
    ['{"timestamp":0,"name":"x"}', "timestamp"],
    ['{"timestamp":1}', "name"],
    ['{"timestamp":1,"name":"x","context":[]}', "context"],
    ['{"timestamp":1,"name":"x","more":1}', '"more"'],
  ];
  for (const [text, reason] of refused) assertThrows(() => parseEntry(text), { errno: "EINVAL", text: reason });
});

Deno.test("parseEventlog() of nothing is empty, and of a line without end is refused", () => {
  assertEquals(parseEventlog(new Uint8Array()), []);
  assertEquals(parseEventlog(text(line("a") + line("b"))).map(({ name }) => name), ["a", "b"]);
  assertThrows(() => parseEventlog(text(line("a") + '{"timestamp":1')), { errno: "EINVAL", text: "has no end" });
  assertThrows(() => parseEventlog(text(line("a") + "\n")), { errno: "EINVAL" });
  assertThrows(() => parseEventlog(new Uint8Array([0xff, 0x0a])), { errno: "EINVAL", text: "UTF-8" });
});

Deno.test("EventlogReader.push() gives every line once, wherever its bytes are cut", () => {
  const names = fc.array(fc.string({ minLength: 1, maxLength: 8, unit: "binary" }), { maxLength: 10 });
  check(
    fc.property(names, fc.array(fc.nat(40)), (names, cuts) => {
      const whole = text(names.map((name) => line(name.toWellFormed())).join(""));
      const reader = new EventlogReader();
      const seen: string[] = [];
      let at = 0;
      for (const cut of [...cuts, whole.length]) {
        seen.push(...reader.push(whole.subarray(at, at + cut)).map(({ name }) => name));
        at = Math.min(whole.length, at + cut);
      }
      reader.end();
      assertEquals(seen, names.map((name) => name.toWellFormed()));
    }),
    100,
  );
});

Deno.test("append() adds all its events in one operation", async () => {
  const seen: unknown[] = [];
  const world = await served({
    "kvs.commit"(request) {
      seen.push(request.payload.ops);
      return { rootref: "sha1-" + "0".repeat(40), rootseq: 1 };
    },
  });
  await append(new Kvs(world.client()), "log", [{ timestamp: 1, name: "a" }, { timestamp: 2, name: "b" }]);
  assertEquals(seen, [[{ key: "log", flags: 32, dirent: { ...val(text(line("a") + line("b", 2))) } }]]);
});

Deno.test("get() refuses a value that is no eventlog", async () => {
  const world = await served({ "kvs.lookup": () => ({ val: val(text("42")) }) });
  await assertRejects(get(new Kvs(world.client()), "log"), { errno: "EINVAL" });
});

Deno.test("wait() finds an event that has been, and one that comes, and lets go of the watch", async () => {
  const bench = await ServedWatch.open();
  const kvs = new Kvs(bench.served.client());
  const add = (name: string) => bench.commit(put("log", line(name), KvsFlag.append));
  add("first");
  assertEquals((await wait(kvs, "log", "first")).timestamp, 1);
  const waiting = wait(kvs, "log", ({ name }) => name.startsWith("th"));
  for (const name of ["second", "third", "fourth"]) add(name);
  assertEquals((await waiting).name, "third");
  await assertRejects(wait(kvs, "none", "x"), { errno: "ENOENT" });
  const late = wait(kvs, "none", "x", { waitcreate: true });
  bench.commit(put("none", line("x"), KvsFlag.append));
  assertEquals((await late).name, "x");
  assertEquals(await bench.watchers(), 0);
});

Deno.test("follow() yields each event once, in order", async () => {
  const bench = await ServedWatch.open();
  bench.commit(put("log", line("0"), KvsFlag.append));
  const seen: string[] = [];
  for await (const { name } of follow(new Kvs(bench.served.client()), "log")) {
    seen.push(name);
    if (seen.length === 100) break;
    bench.commit(put("log", line(`${seen.length}`), KvsFlag.append));
  }
  assert(seen.every((name, i) => name === `${i}`), seen.join());
});
