import { LogFollower } from "../../../broker/service/log_follower.ts";
import { LogRing } from "../../../broker/service/log_ring.ts";
import { assert, assertEquals } from "../../assert.ts";
import { virtualClock } from "../../sim/mod.ts";

const MIB = 1 << 20;

function world(limit: number, range: { from: number; to: number }) {
  const clock = virtualClock();
  const ring = new LogRing(limit);
  const sent: string[] = [];
  const reader = { taken: 0 };
  const follower = new LogFollower(ring, clock, {
    send: (line) => void sent.push(line),
    backlog: () => sent.slice(reader.taken).reduce((sum, line) => sum + line.length, 0),
    skipped: (count) => `${count} skipped`,
  }, range);
  const push = (line: string) => {
    ring.push(line);
    follower.wake();
    ring.trim();
  };
  return { clock, ring, sent, reader, follower, push };
}

Deno.test("LogFollower sends what is there and ends", async () => {
  const { ring, follower, sent } = world(10, { from: 0, to: 2 });
  ring.push("a");
  ring.push("b");
  ring.push("c");
  follower.wake();
  await follower.done;
  assertEquals(sent, ["a", "b"]);
});

Deno.test("LogFollower goes on with each new line, even when the ring keeps none", () => {
  const { push, sent } = world(0, { from: 0, to: Infinity });
  for (const line of ["a", "b", "c"]) push(line);
  assertEquals(sent, ["a", "b", "c"]);
});

Deno.test("LogFollower holds still while its reader has too much coming, and goes on when it has taken it", async () => {
  const { clock, push, sent, reader } = world(100, { from: 0, to: Infinity });
  push("x".repeat(MIB));
  push("a");
  push("b");
  await clock.run(100);
  assertEquals(sent.length, 1);
  reader.taken = 1;
  await clock.run(100);
  assertEquals(sent.slice(1), ["a", "b"]);
  assertEquals(clock.pending, 0);
});

Deno.test("LogFollower says how many lines left the ring before a slow reader could have them, and keeps none itself", async () => {
  const { clock, push, sent, reader } = world(3, { from: 0, to: Infinity });
  push("x".repeat(MIB));
  for (let i = 0; i < 1000; i++) push(`${i}`);
  assertEquals(sent.length, 1);
  reader.taken = 1;
  await clock.run(100);
  assertEquals(sent.slice(1), ["997 skipped", "997", "998", "999"]);
});

Deno.test("LogFollower of a range that left the ring counts only the lines of the range", async () => {
  const { clock, ring, follower, push, sent, reader } = world(3, { from: 0, to: 4 });
  push("x".repeat(MIB));
  for (let i = 0; i < 10; i++) push(`${i}`);
  reader.taken = 1;
  await clock.run(100);
  await follower.done;
  assertEquals(sent.slice(1), ["3 skipped"]);
  assertEquals(ring.next, 11);
});

Deno.test("LogFollower.stop() ends it and its timer", async () => {
  const { clock, follower, push, sent, reader } = world(3, { from: 0, to: Infinity });
  push("x".repeat(MIB));
  push("a");
  assert(clock.pending > 0);
  follower.stop();
  await follower.done;
  reader.taken = 1;
  push("b");
  assertEquals([sent.length, clock.pending], [1, 0]);
});
