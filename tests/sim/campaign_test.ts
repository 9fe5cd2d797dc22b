import { testUnless, unlessLong } from "../skip.ts";
import { assert, assertEquals } from "../assert.ts";
import { campaign } from "./campaign.ts";
import { FAULTS } from "./campaign_faults.ts";
import { forSeeds } from "./session.ts";

/** Virtual time with faults, ms. */
const TIME = 30_000;

Deno.test("a session of 64 ranks is whole again after whatever happens to it", () =>
  forSeeds(100, async (seed) => {
    const { broken } = await campaign({ ranks: 64, seed, faults: FAULTS, time: TIME });
    assertEquals(broken, [], `deno task sim --ranks 64 --seed ${seed} --time ${TIME / 1000} --verbose`);
  }));

Deno.test("a session of 1024 ranks is whole again after whatever happens to it", () =>
  forSeeds(1, async (seed) => {
    const { broken } = await campaign({ ranks: 1024, seed, faults: FAULTS, time: TIME / 3 });
    assertEquals(broken, [], `deno task sim --ranks 1024 --seed ${seed} --time ${TIME / 3000} --verbose`);
  }));

testUnless(
  unlessLong(),
  "a session of 4096 ranks is whole again after whatever happens to it",
  () =>
    forSeeds(1, async (seed) => {
      const { broken } = await campaign({ ranks: 4096, seed, faults: FAULTS, time: TIME / 3 });
      assertEquals(broken, [], `deno task sim --ranks 4096 --seed ${seed} --time ${TIME / 3000} --verbose`);
    }),
);

Deno.test("a campaign runs the same way whenever its seed is the same, and another with another", async () => {
  const run = async (seed: number) => (await campaign({ ranks: 15, seed, faults: FAULTS, time: TIME })).fingerprint;
  const first = await run(3);
  assertEquals(await run(3), first);
  assert(await run(4) !== first);
});
