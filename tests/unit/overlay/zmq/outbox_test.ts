import fc from "fast-check";
import { Inbox, Outbox, WINDOW } from "../../../../broker/overlay/zmq/outbox.ts";
import { assert, assertEquals } from "../../../assert.ts";

const body = (size: number, mark = 0) => new Uint8Array(size).fill(mark);

Deno.test("Outbox.admit() lets through one window and keeps the rest", () => {
  const outbox = new Outbox(1 << 30);
  let through = 0;
  while (outbox.admit(body(1000))) through++;
  assertEquals(through, Math.ceil(WINDOW / 1064));
  assertEquals([outbox.isEmpty, outbox.next()], [false, undefined]);
});

Deno.test("Outbox.admit() lets a body larger than the window through when nothing is under way", () => {
  const outbox = new Outbox(1 << 30);
  assert(outbox.admit(body(3 * WINDOW)));
  assert(!outbox.admit(body(1)));
  outbox.credit(3 * WINDOW + 64);
  assertEquals(outbox.next()?.length, 1);
});

Deno.test("Outbox.admit() lets nothing overtake what waits", () => {
  const outbox = new Outbox(1 << 30);
  outbox.wait(body(1, 1));
  assertEquals(outbox.admit(body(1, 2)), false);
  assertEquals([outbox.next()?.[0], outbox.next()?.[0], outbox.next()], [1, 2, undefined]);
});

Deno.test("Outbox.isOver holds when more waits than may, small messages included", () => {
  const outbox = new Outbox(10_000);
  outbox.wait(body(9000));
  assertEquals(outbox.isOver, false);
  outbox.wait(body(1000));
  assertEquals(outbox.isOver, true);
  outbox.next();
  assertEquals(outbox.isOver, false);
  for (let i = 0; i < 100; i++) outbox.wait(body(0));
  assertEquals(outbox.isOver, true);
  outbox.clear();
  assertEquals([outbox.isOver, outbox.isEmpty], [false, true]);
});

Deno.test("Outbox.isOver does not hold for a single message, however large", () => {
  const outbox = new Outbox(10_000);
  outbox.wait(body(20_000));
  assertEquals(outbox.isOver, false);
  outbox.wait(body(0));
  assertEquals(outbox.isOver, true);
});

Deno.test("Outbox and Inbox deliver everything in order within the window, whatever the sizes and the pace", () => {
  const step = fc.record({ send: fc.nat(20), size: fc.oneof(fc.nat(200), fc.nat(WINDOW * 2)), take: fc.nat(30) });
  fc.assert(fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
    const outbox = new Outbox(Infinity), inbox = new Inbox(), wire: Uint8Array[] = [];
    let sent = 0, received = 0, underWay = 0;
    const carry = (bytes: Uint8Array) => {
      assert(underWay < WINDOW, `${underWay} bytes under way`);
      underWay += bytes.length + 64;
      wire.push(bytes);
    };
    const take = () => {
      const bytes = wire.shift()!;
      assertEquals(new Uint32Array(bytes.buffer, 0, 1)[0], received++);
      underWay -= bytes.length + 64;
      outbox.credit(inbox.take(bytes.length));
      for (let next = outbox.next(); next; next = outbox.next()) carry(next);
    };
    for (const { send, size, take: count } of steps) {
      for (let i = 0; i < send; i++) {
        const bytes = new Uint8Array(4 * Math.ceil(size / 4) + 4);
        new Uint32Array(bytes.buffer, 0, 1)[0] = sent++;
        if (outbox.admit(bytes)) carry(bytes);
      }
      for (let i = 0; i < count && wire.length > 0; i++) take();
    }
    while (wire.length > 0) take();
    assertEquals([received, outbox.isEmpty], [sent, true]);
  }));
});
