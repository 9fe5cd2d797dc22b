import { assertEquals } from "../../assert.ts";
import plugin, { guarded } from "../../../scripts/lint_doors.ts";

const messages = (source: string, path = "broker/service/log.ts") =>
  Deno.lint.runPlugin(plugin, path, source).map((diagnostic) => diagnostic.message);

const FORBIDDEN: readonly (readonly [source: string, named: string])[] = [
  ["const now = Date.now();", "Date.now"],
  ["const clock = Date.now;", "Date.now"],
  ['const now = Date["now"]();', "Date.now"],
  ["const today = new Date();", "new Date()"],
  ["const text = Date();", "Date()"],
  ["performance.now();", "performance.now"],
  ["globalThis.performance.now();", "performance.now"],
  ["setTimeout(() => {}, 1);", "setTimeout"],
  ["globalThis.setTimeout(() => {}, 1);", "setTimeout"],
  ["setInterval(() => {}, 1);", "setInterval"],
  ["Math.random();", "Math.random"],
  ["crypto.getRandomValues(new Uint8Array(1));", "crypto.getRandomValues"],
  ["crypto.randomUUID();", "crypto.randomUUID"],
  ['new Deno.Command("true");', "Deno.Command"],
  ['Deno.dlopen("libc.so.6", {});', "Deno.dlopen"],
];

Deno.test("doors/use-ports reports each way around the doors, once", () => {
  for (const [source, named] of FORBIDDEN) {
    assertEquals(messages(source), [`${named} goes around the doors to the outside`], source);
  }
});

Deno.test("doors/use-ports leaves the doors themselves and harmless names alone", () => {
  const harmless =
    "new Date(ms); clock.now(); random.float(); clearTimeout(id); Math.max(1, 2); crypto.subtle; Deno.cwd();";
  assertEquals(messages(harmless), []);
  assertEquals(messages("Date.now();", "broker/ports/clock.ts"), []);
});

Deno.test("guarded() holds for all of the program but the files on the list", () => {
  assertEquals(guarded("commands/ping.ts"), true);
  assertEquals(guarded("broker/portside.ts"), true);
  assertEquals(guarded("broker/overlay/zmq/poller.ts"), false);
  assertEquals(guarded("tests/sim/mod.ts"), false);
});
