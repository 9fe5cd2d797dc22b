/** How the tasks of a job ended, in words. */

import { exitCode, signalOf } from "../../broker/ports/mod.ts";
import { Idset } from "../../broker/message/mod.ts";
import type { Ends } from "../../modules/wreck/protocol.ts";

/** `exited with exit code 1`, `exited with signal 14`. */
export function howEnded(status: number): string {
  const signal = signalOf(status);
  return signal > 0 ? `exited with signal ${signal}` : `exited with exit code ${exitCode(status)}`;
}

/** `[0-3]`, or the number alone. */
export function taskSet({ tasks }: Ends): { text: string; isOne: boolean } {
  const set = Idset.parse(tasks);
  return { text: set.toNodeset(), isOne: set.size === 1 };
}
