import { assert, assertEquals } from "../assert.ts";
import { captureNames, messagesOf, readCapture } from "../captures.ts";
import { plans } from "./replay_table.ts";

const entries = Object.entries(plans);
const of = (kind: string) => entries.filter(([, plan]) => plan.kind === kind).map(([name]) => name);

Deno.test("plans names every capture, once, and nothing else", () => {
  assertEquals(entries.map(([name]) => name).sort(), captureNames());
});

Deno.test("plans calls a capture silent if and only if it holds no message", () => {
  const wordless = captureNames().filter((name) => messagesOf(readCapture(name)).length === 0);
  assertEquals(of("silent").sort(), wordless);
});

Deno.test("plans replays only captures of which all bytes are known, or can be filled in", () => {
  for (const name of of("now")) {
    const plan = plans[name]!;
    if (plan.kind === "now" && plan.allowances.fill) continue;
    assert(messagesOf(readCapture(name)).every(({ bytes }) => bytes), `${name} withholds bytes`);
  }
});

Deno.test("plans lets a capture follow only others that are replayed before it", () => {
  const order = of("now");
  for (const [name, plan] of entries) {
    if (plan.kind !== "now") continue;
    for (const earlier of plan.allowances.after ?? []) {
      assert(order.includes(earlier) && order.indexOf(earlier) < order.indexOf(name), `${name} after ${earlier}`);
    }
  }
});
