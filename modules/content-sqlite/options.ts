/** What `content-sqlite` is told: `dir=DIRECTORY`, `sync=normal|full`. */

import { FluxError } from "../../broker/message/mod.ts";
import type { ModulePorts } from "../../broker/handle/mod.ts";
import type { Sync } from "../../broker/ports/mod.ts";

/**
 * Where the store is (an argument, else the state directory, else a place in the run directory) and how much an answered
 * write survives. Throws EINVAL for what is no option.
 */
export function storeOptions(
  args: readonly string[],
  ports: Pick<ModulePorts, "attribute">,
): { directory: string; sync: Sync } {
  let directory = ports.attribute("statedir") ?? `${ports.attribute("rundir") ?? "."}/content`;
  let sync: Sync = "normal";
  for (const arg of args) {
    const [, name, value = ""] = /^([^=]*)=(.*)$/s.exec(arg) ?? [];
    if (name === "dir" && value !== "") directory = value;
    else if (name === "sync" && (value === "normal" || value === "full")) sync = value;
    else throw new FluxError("EINVAL", `content-sqlite: ${arg}: not dir=DIRECTORY, sync=normal or sync=full`);
  }
  return { directory, sync };
}
