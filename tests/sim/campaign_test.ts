import { testUnless, unlessLong } from "../skip.ts";
import { assert, assertEquals } from "../assert.ts";
import { campaign } from "./campaign.ts";
import { FAULTS } from "./campaign_faults.ts";
import { campaigns } from "./campaign_processes.ts";

/** Seconds of virtual time with faults, and faults in it. */
const FEW = { time: 15, intensity: 20 };

Deno.test("a session of 64 ranks is whole again after whatever happens to it", async () =>
  assertEquals(await campaigns({ ranks: 64, count: 100, jobs: 2, ...FEW }), ""));

Deno.test("a session of 1024 ranks is whole again after whatever happens to it", async () =>
  assertEquals(await campaigns({ ranks: 1024, count: 1, ...FEW }), ""));

testUnless(
  unlessLong(),
  "a session of 4096 ranks is whole again after whatever happens to it",
  async () => assertEquals(await campaigns({ ranks: 4096, count: 1, ...FEW }), ""),
);

Deno.test("a campaign runs the same way whenever its seed is the same, and another with another", async () => {
  const run = async (seed: number) => (await campaign({ ranks: 15, seed, faults: FAULTS, time: 30_000 })).fingerprint;
  const first = await run(3);
  assertEquals(await run(3), first);
  assert(await run(4) !== first);
});
