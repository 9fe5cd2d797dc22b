/** Methods that are for the modules and clients of the same broker. */

import { FluxError, Role } from "../message/mod.ts";
import type { Request } from "../handle/mod.ts";

/** Throws EPROTO for a request from another rank. */
export function requireLocal({ topic, rolemask }: Request): void {
  if (!(rolemask & Role.local)) throw new FluxError("EPROTO", `${topic} must come from the same rank`);
}
