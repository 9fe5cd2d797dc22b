/** Opening a handle by URI: what a client starts with. */

import { FluxError, type Message } from "../message/mod.ts";
import { systemClock } from "../ports/mod.ts";
import type { Channel } from "./channel.ts";
import { Handle } from "./handle.ts";
import { connectLocal } from "./local_connector.ts";

/**
 * Connects to the broker at `uri` (`local:///path/to/socket`), or else behind FLUX_URI.
 * `trace` sees every message that goes out and comes in, before anyone acts on it. Throws EINVAL for a missing or malformed URI, ENOENT for a socket or scheme that does not exist, ECONNREFUSED, EPERM.
 */
export async function open(uri?: string, trace?: (message: Message) => void): Promise<Handle> {
  const target = uri ?? Deno.env.get("FLUX_URI");
  if (!target) throw new FluxError("EINVAL", "FLUX_URI is not set");
  const at = target.indexOf("://");
  if (at < 0) throw new FluxError("EINVAL", `Cannot parse URI "${target}"`);
  const scheme = target.slice(0, at);
  if (scheme !== "local") throw new FluxError("ENOENT", `no connector for scheme "${scheme}" in URI "${target}"`);
  const channel = await connectLocal(target.slice(at + 3).trim(), systemClock);
  return new Handle(trace ? traced(channel, trace) : channel, { clock: systemClock });
}

function traced(channel: Channel, trace: (message: Message) => void): Channel {
  return {
    ...channel,
    send(message) {
      trace(message);
      channel.send(message);
    },
    open: (events) =>
      channel.open({
        ...events,
        message(message) {
          trace(message);
          events.message(message);
        },
      }),
  };
}
