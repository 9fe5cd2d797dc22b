import type { Handle } from "../../../../broker/handle/mod.ts";
import { type Errno, FluxError } from "../../../../broker/message/mod.ts";
import { recoverHome } from "../../../../modules/live/places.ts";
import { assertEquals, assertRejects } from "../../../assert.ts";
import { virtualClock } from "../../../sim/virtual_clock.ts";

/** A broker below rank 0 whose first parent is rank 1; each move ends with the next of `ends`, and works when there is none. */
function away(...ends: Errno[]) {
  const clock = virtualClock(), stop = new AbortController();
  const moves: number[] = [];
  let parent = 0;
  const handle = {
    rpc(topic: string) {
      if (topic === "overlay.links") {
        return Promise.resolve({ parent: { rank: parent }, home: { rank: 1, uri: "sim://1" }, ancestors: [] });
      }
      moves.push(clock.now());
      const end = ends.shift();
      if (end !== undefined) return Promise.reject(new FluxError(end));
      parent = 1;
      return Promise.resolve({});
    },
  } as unknown as Handle;
  return { clock, stop, moves, home: () => recoverHome(handle, clock, stop.signal) };
}

Deno.test("recoverHome() tries again after a while what passes: others move, or the first parent does", async () => {
  const { clock, moves, home } = away("EHOSTUNREACH", "EAGAIN", "ETIMEDOUT");
  await clock.settle(home());
  assertEquals(moves, [0, 500, 1000, 1500]);
});

Deno.test("recoverHome() says what does not pass, and what has not passed in five tries", async () => {
  const dead = away("ENOENT");
  await assertRejects(dead.clock.settle(dead.home()), { errno: "EINVAL", text: "rank 1 has failed" });
  const busy = away(...Array<Errno>(9).fill("EAGAIN"));
  await assertRejects(busy.clock.settle(busy.home()), { errno: "EAGAIN" });
  assertEquals(busy.moves.length, 5);
});

Deno.test("recoverHome() gives up when the module ends", async () => {
  const { clock, stop, home } = away("EAGAIN");
  const over = home();
  over.catch(() => {});
  await clock.run(100);
  stop.abort(new FluxError("ECANCELED"));
  await assertRejects(clock.settle(over), { errno: "ECANCELED" });
});
