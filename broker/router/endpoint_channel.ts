/** The channel of a Handle that lives inside the broker: messages are handed over by function call. */

import { FluxError, type Message } from "../message/mod.ts";
import type { Channel, ChannelEvents, Owner } from "../handle/mod.ts";
import type { Router } from "./router.ts";

/** Attaches an endpoint with this id and returns the channel a Handle speaks through; closing it detaches. */
export function endpointChannel(
  router: Router,
  owner: Owner,
  heard?: (message: Message) => void,
): Channel {
  let events: ChannelEvents | undefined;
  let closed = false;
  router.attach({
    ...owner,
    deliver(message) {
      heard?.(message);
      events?.message(message);
    },
    gone: (peer) => events?.gone?.(peer),
  });
  return {
    send(message) {
      if (closed) throw new FluxError("ECONNRESET", "handle is closed");
      router.fromEndpoint(owner.id, message);
    },
    open(listener) {
      events = listener;
    },
    close() {
      if (closed) return;
      closed = true;
      router.detach(owner.id);
    },
  };
}
