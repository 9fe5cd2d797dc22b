import { Mismatches } from "../../../broker/overlay/mismatches.ts";
import { type Greeting, refusal } from "../../../broker/overlay/hello.ts";
import { virtualClock } from "../../sim/mod.ts";
import { assertEquals } from "../../assert.ts";

const own = { rank: 0, hostname: "node0", version: "1.0", size: 99 };
const greeting = (rank: number, version = "9.0"): Greeting => ({
  rank,
  uuid: `uuid-${rank}`,
  hostname: `node${rank}`,
  ranks: `${rank}`,
  version,
  protocol: [8, 9],
});

Deno.test("refusal() of another protocol names both hosts, what they speak and their versions", () => {
  assertEquals(
    refusal(greeting(3), own),
    "rank 3 on node3 speaks protocol 8-9 (flux 9.0), rank 0 on node0 speaks 1-1 (flux 1.0): use the same flux on both",
  );
  assertEquals(refusal({ ...greeting(3), protocol: [1, 9] }, own), undefined);
});

Deno.test("Mismatches tells of many hosts in one line for each version", async () => {
  const clock = virtualClock();
  const told: string[] = [];
  const mismatches = new Mismatches(clock, own, (text) => void told.push(text));
  for (const rank of [1, 2, 3, 7]) mismatches.add(greeting(rank));
  mismatches.add(greeting(5, "8.0"));
  assertEquals(told, []);
  await clock.run(1000);
  assertEquals(told, [
    "refused node[1-3,7] (ranks 1-3,7): protocol 8-9 (flux 9.0) there, rank 0 on node0 speaks protocol 1-1 (flux 1.0)",
    "refused node5 (rank 5): protocol 8-9 (flux 8.0) there, rank 0 on node0 speaks protocol 1-1 (flux 1.0)",
  ]);
});
