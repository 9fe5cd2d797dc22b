/** Room for connections that have not said who they are. */

import { assertEquals } from "../../../assert.ts";
import { HalfOpen, HANDSHAKE_BYTES } from "../../../../broker/overlay/zmq/half_open.ts";

/** Connections that have said so much, by descriptor; and which of them were ended. */
function world(limit: number, said: Record<number, number> = {}) {
  const ended: string[] = [];
  const end = (descriptor: number, remote: string) => void ended.push(`${remote}=${descriptor}`);
  return { ended, halfOpen: new HalfOpen({ end, received: (descriptor) => said[descriptor] }, limit) };
}

Deno.test("HalfOpen ends the oldest connection when there are too many, and forgets those that are over", () => {
  const { ended, halfOpen } = world(3);
  for (const [i, remote] of ["a", "b", "c"].entries()) halfOpen.accepted(remote, i);
  halfOpen.over("b");
  halfOpen.over("unknown");
  halfOpen.accepted("d", 3);
  assertEquals([ended, halfOpen.size], [[], 3]);
  for (const [i, remote] of ["e", "f"].entries()) halfOpen.accepted(remote, 4 + i);
  assertEquals([ended, halfOpen.size], [["a=0", "c=2"], 3]);
});

Deno.test("HalfOpen ends connections that say more than a handshake takes", () => {
  const { ended, halfOpen } = world(9, { 1: 700, 2: HANDSHAKE_BYTES + 1, 3: 1e9 });
  for (const [i, remote] of ["a", "b", "c", "d"].entries()) halfOpen.accepted(remote, i);
  halfOpen.over("d");
  halfOpen.inspect();
  assertEquals([ended, halfOpen.size], [["c=2"], 2]);
});
