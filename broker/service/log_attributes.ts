/** The attributes of the log (rulings "attributes", "log"): `log-level`, `log-ring-size` and their kin, 0.1.0's names beside. */

import { FluxError } from "../message/mod.ts";
import { parseLevel } from "../handle/mod.ts";
import type { Attributes } from "./attributes.ts";
import type { LogService } from "./log_service.ts";

const RING_LIMIT = 10_000_000;
const SETTABLE = new Set(["log-level", "log-forward-level", "log-critical-level", "log-ring-size", "log-buflimit"]);

/**
 * Puts the log behind its attributes; `log-forward-level` is `log-level` by its name in 0.88. `given` holds values from
 * the command line. Throws EINVAL for one that cannot be.
 */
export function registerLogAttributes(
  log: LogService,
  attributes: Attributes,
  given: Readonly<Record<string, string>>,
): void {
  for (const name of ["log-level", "log-forward-level"]) {
    attributes.register(name, {
      value: () => `${log.level}`,
      immutable: false,
      update: (value) => void (log.level = levelValue(name, value)),
    });
  }
  attributes.register("log-critical-level", {
    value: () => `${log.criticalLevel}`,
    immutable: false,
    update: (value) => void (log.criticalLevel = levelValue("log-critical-level", value)),
  });
  attributes.register("log-ring-size", {
    value: () => `${log.ring.limit}`,
    immutable: false,
    update: (value) => void (log.ring.limit = sizeValue("log-ring-size", value)),
  });
  attributes.register("log-bufcount", { value: () => `${log.ring.size}` });
  attributes.register("log-count", { value: () => `${log.ring.next}` });
  for (const [name, value] of Object.entries(given)) if (SETTABLE.has(name)) attributes.set(name, value);
}

function levelValue(name: string, value: string): number {
  const level = parseLevel(value);
  if (level === undefined) throw new FluxError("EINVAL", `${name} must be 0 to 7 or a level's name, not "${value}"`);
  return level;
}

function sizeValue(name: string, value: string): number {
  const size = /^\d{1,8}$/.test(value) ? Number(value) : NaN;
  if (!(size <= RING_LIMIT)) throw new FluxError("EINVAL", `${name} must be 0 to ${RING_LIMIT}, not "${value}"`);
  return size;
}
