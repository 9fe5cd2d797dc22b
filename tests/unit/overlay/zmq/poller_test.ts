/** The event loop as what wakes the clock: no word to either is lost. */

import { assert, assertEquals } from "../../../assert.ts";
import { Poller, type Source } from "../../../../broker/overlay/zmq/poller.ts";
import { TimerDescriptor } from "../../../../broker/overlay/zmq/timer_descriptor.ts";
import { sleep, systemClock } from "../../../../broker/ports/mod.ts";

/** A source that has something to drain `ms` from now. */
function source(ms: number, drained: () => void): Source & Disposable {
  const timer = new TimerDescriptor();
  timer.set(ms);
  let isLeft = true;
  const drain = () => {
    if (isLeft && ms !== Infinity) drained();
    isLeft = false;
    return false;
  };
  return { fd: timer.fd, isReadable: () => false, drain, [Symbol.dispose]: () => timer.close() };
}

Deno.test("Poller fires the timers of its clock that were set before, while and after it runs, and none early", async () => {
  const poller = new Poller(systemClock);
  const wait = async (ms: number) => {
    const before = systemClock.now();
    await sleep(systemClock, ms);
    assert(systemClock.now() - before >= ms, `${systemClock.now() - before} of ${ms}`);
  };
  const early = [1, 20, 1, 40].map(wait);
  using idle = source(Infinity, () => {});
  poller.add(idle);
  const meanwhile = [0, 30, 10, 2.5].map(wait);
  await Promise.all([early[0], ...meanwhile]);
  const late = [20, 0].map(wait);
  poller.remove(idle);
  await poller.ended();
  await Promise.all([...early, ...late]);
});

Deno.test("Poller.add() is noticed although a timer is set at the same moment", async () => {
  const poller = new Poller(systemClock);
  using idle = source(Infinity, () => {});
  poller.add(idle);
  for (let i = 0; i < 200; i++) {
    await sleep(systemClock, 0);
    const { promise, resolve } = Promise.withResolvers<void>();
    using added = source(0, resolve);
    poller.add(added);
    const timer = systemClock.after(1e6, () => {});
    await promise;
    timer.cancel();
    poller.remove(added);
  }
  poller.remove(idle);
  await poller.ended();
});

Deno.test("Poller runs again after it has ended for a source that had become readable as it was removed", async () => {
  const poller = new Poller(systemClock);
  using first = source(0, () => {});
  poller.add(first);
  // Until the waiting is over, and the loop has not heard of it.
  const until = systemClock.now() + 20;
  while (systemClock.now() < until);
  poller.remove(first);
  await poller.ended();
  using second = source(Infinity, () => {});
  poller.add(second);
  await sleep(systemClock, 1);
  poller.remove(second);
  await poller.ended();
});

Deno.test("Poller goes on, and its clock too, when a timer throws", async () => {
  const poller = new Poller(systemClock);
  using idle = source(Infinity, () => {});
  poller.add(idle);
  const { promise: thrown, resolve } = Promise.withResolvers<string>();
  addEventListener("error", (event) => {
    event.preventDefault();
    resolve(event.error.message);
  }, { once: true });
  systemClock.after(1, () => {
    throw new Error("a timer's own");
  });
  await sleep(systemClock, 5);
  assertEquals(await thrown, "a timer's own");
  await sleep(systemClock, 1);
  poller.remove(idle);
  await poller.ended();
});
