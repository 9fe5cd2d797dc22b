/** Opening a handle by URI: what a client starts with. */

import { FluxError } from "../message/mod.ts";
import { systemClock } from "../ports/mod.ts";
import { Handle } from "./handle.ts";
import { connectLocal } from "./local_connector.ts";

/**
 * Connects to the broker at `uri` (`local:///path/to/socket`), or else behind FLUX_URI.
 * Throws EINVAL for a missing or malformed URI, ENOENT for a socket or scheme that does not exist, ECONNREFUSED, EPERM.
 */
export async function open(uri?: string): Promise<Handle> {
  const target = uri ?? Deno.env.get("FLUX_URI");
  if (!target) throw new FluxError("EINVAL", "FLUX_URI is not set");
  const at = target.indexOf("://");
  if (at < 0) throw new FluxError("EINVAL", `Cannot parse URI "${target}"`);
  const scheme = target.slice(0, at);
  if (scheme !== "local") throw new FluxError("ENOENT", `no connector for scheme "${scheme}" in URI "${target}"`);
  return new Handle(await connectLocal(target.slice(at + 3).trim(), systemClock), { clock: systemClock });
}
