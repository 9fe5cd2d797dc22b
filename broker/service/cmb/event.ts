/** Events under the names of the 0.1.0 tools: `hb` is the heartbeat (rulings.md, "heartbeat"). */

import { type Message, renamed } from "../../message/mod.ts";
import { PULSE } from "../heartbeat.ts";

/** The event as subscribers of older names get it; undefined when it has none. For `Router.alias`. */
export function olderEvent(event: Message): Message | undefined {
  return event.topic === PULSE ? renamed(event, "hb", event.payload) : undefined;
}
