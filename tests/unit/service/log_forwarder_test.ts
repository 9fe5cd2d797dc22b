import { LogForwarder } from "../../../broker/service/log_forwarder.ts";
import { assert, assertEquals } from "../../assert.ts";
import { virtualClock } from "../../sim/mod.ts";

function world() {
  const clock = virtualClock();
  const parent = { here: true };
  const messages: { at: number; lines: string }[] = [];
  const forwarder = new LogForwarder({
    clock,
    level: 1,
    maxLevel: 1,
    send(lines) {
      if (parent.here) messages.push({ at: clock.now(), lines });
      return parent.here;
    },
    lost: (count) => `${count} lost`,
  });
  return { clock, parent, messages, forwarder };
}

Deno.test("LogForwarder sends what comes within its window in one message", async () => {
  const { clock, messages, forwarder } = world();
  for (const line of ["a", "b\nc", "d"]) forwarder.add(line);
  await clock.runUntilIdle();
  assertEquals(messages, [{ at: 10, lines: "a\nb\nc\nd" }]);
});

Deno.test("LogForwarder sends a full message at once", () => {
  const { messages, forwarder } = world();
  forwarder.add("a");
  forwarder.add("x".repeat(48 << 10));
  assertEquals(messages.length, 1);
});

Deno.test("LogForwarder keeps lines while there is no parent, in order, and sends each once", async () => {
  const { clock, parent, messages, forwarder } = world();
  parent.here = false;
  forwarder.add("a");
  forwarder.flush();
  await clock.run(500);
  forwarder.add("b");
  await clock.run(500);
  assertEquals(messages, []);
  parent.here = true;
  await clock.run(200);
  forwarder.add("c");
  await clock.runUntilIdle();
  assertEquals(messages.map(({ lines }) => lines), ["a\nb", "c"]);
});

Deno.test("LogForwarder gives up the oldest lines when too many wait, and says how many", async () => {
  const { clock, parent, messages, forwarder } = world();
  parent.here = false;
  for (let i = 0; i < 30; i++) {
    forwarder.add(`${i} ${"x".repeat(48 << 10)}`);
    forwarder.add("tail");
  }
  parent.here = true;
  await clock.runUntilIdle();
  const lines = messages.flatMap(({ lines }) => lines.split("\n"));
  const lost = Number(/^(\d+) lost$/.exec(lines[0]!)?.[1]);
  assert(lost > 0);
  assertEquals(lines.length - 1 + lost, 60);
  assertEquals(lines.at(-1), "tail");
});

Deno.test("LogForwarder.close() gives back what never left, and leaves no timer", () => {
  const { clock, parent, forwarder } = world();
  parent.here = false;
  forwarder.add("a");
  forwarder.add("b");
  assertEquals(forwarder.close(), "a\nb");
  assertEquals(clock.pending, 0);
});
