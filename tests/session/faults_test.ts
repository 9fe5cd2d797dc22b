/** Whole sessions of real processes whose brokers are killed, stopped and started anew under load. */

import { assert } from "../assert.ts";
import { testUnless, unlessLong } from "../skip.ts";
import { faultCampaign } from "./faults.ts";
import { startSession } from "./session.ts";

/** Half a second's heartbeats: silence is noticed in 3 s, and nobody is taken for dead who only had to wait for a processor. */
const BEAT = ["-o", "-H0.5"];

async function campaign(seconds: number): Promise<void> {
  const seed = Number(Deno.env.get("FLUX_TEST_SEED") ?? Math.floor(Math.random() * 1e6));
  console.log(`FLUX_TEST_SEED=${seed}`);
  await using session = await startSession({ size: 32, args: BEAT });
  const counts = await faultCampaign(session, { seed, ms: seconds * 1000 });
  console.log([...counts].sort().map(([what, n]) => `${what}: ${n}`).join(", "));
  assert(counts.get("commit answered")! > 0 && counts.get("event answered")! > 0 && counts.get("ping answered")! > 0);
}

Deno.test("a session of 32 lives through kill -9, SIGSTOP, SIGCONT and restarts under load", () => campaign(20));

testUnless(unlessLong(), "a session of 32 lives through a minute of them", () => campaign(60));
