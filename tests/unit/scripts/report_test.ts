import { assertEquals } from "../../assert.ts";
import { closing, type Run, tally } from "../../../scripts/runner/report.ts";

const run = (values: Partial<Run>): Run => ({
  title: "unit",
  success: true,
  output: "",
  junit: "",
  skips: [],
  ...values,
});
const names = (values: Partial<Run>) => tally(run(values)).failed.map(({ name }) => name);
const testCase = (name: string, body = "") => `<testcase name="${name}" classname="x">\n${body}\n</testcase>`;

Deno.test("tally() counts what the summary line says and names what the report names", () => {
  const junit = testCase("a") + testCase("b &lt;1&gt;", '<failure message="x">one &amp; two</failure>') +
    testCase("c", "<skipped/>");
  const output = "noise\nFAILED | 1 passed (2 steps) | 1 failed (1 step) | 1 ignored (3ms)\n";
  assertEquals(tally(run({ success: false, output, junit, skips: [{ name: "c", reason: "no srun", ran: false }] })), {
    passed: 1,
    failed: [{ name: "b <1>", why: "one & two" }],
    skipped: [{ name: "c", reason: "no srun" }],
  });
});

Deno.test("tally() does not count steps", () => {
  const junit = testCase("a", '<failure message="x">y</failure>') +
    testCase("a &gt; one", '<failure message="x">y</failure>');
  const output = "FAILED | 0 passed | 1 failed (1 step) (3ms)";
  assertEquals(names({ success: false, output, junit }), ["a"]);
});

Deno.test("tally() moves a test that gave up while it ran from passed to skipped", () => {
  const skips = [{ name: "a", reason: "no srun", ran: true }];
  assertEquals(tally(run({ output: "ok | 2 passed | 0 failed (1ms)", junit: testCase("a") + testCase("b"), skips })), {
    passed: 1,
    failed: [],
    skipped: [{ name: "a", reason: "no srun" }],
  });
});

Deno.test("tally() shows that a skipped test gave no reason", () => {
  const one = tally(run({ output: "ok | 0 passed | 0 failed | 1 ignored (1ms)", junit: testCase("a", "<skipped/>") }));
  assertEquals(one.skipped, [{ name: "a", reason: "no reason given" }]);
});

Deno.test("tally() counts a file that did not load, which the report leaves out", () => {
  const failed = names({ success: false, output: "FAILED | 3 passed | 1 failed (1ms)", junit: testCase("a") });
  assertEquals(failed, ["unit (a file that did not load or left an error)"]);
});

Deno.test("tally() counts a run that broke off as one failure, and a failing exit status too", () => {
  assertEquals(names({ success: false, output: "error: Module not found" }), ["unit (did not finish)"]);
  assertEquals(names({ success: false, output: "ok | 3 passed | 0 failed (1ms)" }), ["unit (exit status)"]);
});

Deno.test("closing() ends with the sum of all phases, alone on its line", () => {
  const text = closing([
    ["unit", { passed: 2, failed: [], skipped: [{ name: "c", reason: "no srun" }] }],
    ["session", { passed: 1, failed: [{ name: "d", why: "not so:\n1" }], skipped: [] }],
  ]);
  assertEquals(text.split("\n"), [
    "unit: 2 passed, 0 failed, 1 skipped",
    "session: 1 passed, 1 failed, 0 skipped",
    "",
    "Skipped:",
    "  c: no srun",
    "",
    "Failed:",
    "  d",
    "    not so:",
    "    1",
    "",
    "3 passed, 1 failed, 1 skipped",
  ]);
});

Deno.test("closing() tells the first and the last lines of what a failed test said", () => {
  const why = Array.from({ length: 100 }, (_, i) => `line ${i}`).join("\n");
  const text = closing([["unit", { passed: 0, failed: [{ name: "a", why }], skipped: [] }]]);
  const told = text.split("\n").filter((line) => /^ {4}/.test(line));
  assertEquals([told.length, told[0], told[12], told.at(-1)], [25, "    line 0", "    [76 lines]", "    line 99"]);
});
