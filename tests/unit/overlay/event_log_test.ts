import { assert, assertEquals } from "../../assert.ts";
import { EventLog, HISTORY_BYTES, HISTORY_EVENTS } from "../../../broker/overlay/event_log.ts";

const event = (n: number) => new Uint8Array([n & 0xff, n >> 8]);

Deno.test("EventLog.after() returns the events after a number, oldest first", () => {
  const log = new EventLog();
  for (let n = 1; n <= 5; n++) log.append(event(n));
  assertEquals(log.after(2), [event(3), event(4), event(5)]);
  assertEquals(log.after(5), []);
});

Deno.test("EventLog keeps the last events of a long history and knows which it forgot", () => {
  const log = new EventLog();
  const count = 2 * HISTORY_EVENTS + 10;
  for (let n = 1; n <= count; n++) log.append(event(n));
  assertEquals([log.last, log.first], [count, count - HISTORY_EVENTS + 1]);
  const kept = log.after(log.first - 1);
  assertEquals([kept?.length, kept?.at(0), kept?.at(-1)], [HISTORY_EVENTS, event(log.first), event(count)]);
  assertEquals(log.after(log.first - 2), null);
});

Deno.test("EventLog keeps no more events than it was told to", () => {
  const log = new EventLog(3);
  for (let sequence = 1; sequence <= 10; sequence++) log.append(event(sequence));
  assertEquals([log.last, log.first], [10, 8]);
  assertEquals([log.after(6), log.after(7)], [null, [event(8), event(9), event(10)]]);
});

Deno.test("EventLog forgets what goes beyond its bytes", () => {
  const log = new EventLog();
  const quarter = new Uint8Array(HISTORY_BYTES / 4);
  for (let n = 0; n < 6; n++) log.append(quarter);
  assertEquals([log.first, log.last], [3, 6]);
  log.append(new Uint8Array(HISTORY_BYTES + 1));
  assertEquals([log.first, log.last, log.after(7)], [8, 7, []]);
});

Deno.test("EventLog.startAfter() begins anew", () => {
  const log = new EventLog();
  log.append(event(1));
  log.startAfter(41);
  assert(log.judge(42) === "next" && log.judge(41) === "duplicate" && log.judge(43) === "gap");
  log.append(event(42));
  assertEquals([log.after(40), log.after(41)], [null, [event(42)]]);
});

Deno.test("EventLog.append() does not keep what an event shared its memory with", () => {
  const log = new EventLog();
  const shared = new Uint8Array(1 << 20);
  for (let at = 0; at < 3; at++) log.append(shared.subarray(at, at + 100));
  const buffers = new Set(log.after(0)!.map(({ buffer }) => buffer));
  assertEquals([buffers.size, buffers.has(shared.buffer)], [1, false]);
});
