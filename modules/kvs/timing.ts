/** How long answers take. */

import type { Clock } from "../../broker/ports/mod.ts";
import type { Tally } from "./stats.ts";

/** The same answer; the seconds until it comes to good are added to `tally`, which is looked up then. */
export async function timed<T>(clock: Clock, tally: () => Tally, answer: Promise<T>): Promise<T> {
  const began = clock.now();
  const reply = await answer;
  tally().add((clock.now() - began) / 1000);
  return reply;
}
