/** Room for connections that have not said who they are. */

import { assertEquals } from "../../../assert.ts";
import { HalfOpen } from "../../../../broker/overlay/zmq/half_open.ts";

Deno.test("HalfOpen ends the oldest connection when there are too many, and forgets those that are over", () => {
  const ended: string[] = [];
  const halfOpen = new HalfOpen((descriptor, remote) => ended.push(`${remote}=${descriptor}`), 3);
  for (const [i, remote] of ["a", "b", "c"].entries()) halfOpen.accepted(remote, i);
  halfOpen.over("b");
  halfOpen.over("unknown");
  halfOpen.accepted("d", 3);
  assertEquals([ended, halfOpen.size], [[], 3]);
  for (const [i, remote] of ["e", "f"].entries()) halfOpen.accepted(remote, 4 + i);
  assertEquals([ended, halfOpen.size], [["a=0", "c=2"], 3]);
});
