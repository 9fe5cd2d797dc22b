/**
 * Events under the names of the 0.1.0 tools: `hb` is the heartbeat, `kvs.setroot` a new root of the primary namespace
 * (rulings.md, "heartbeat").
 */

import { decodeJson, encodeJson, type Message, renamed } from "../../message/mod.ts";
import { PULSE } from "../heartbeat.ts";

const SETROOT = "kvs.namespace-primary-setroot";
const OLD_SETROOT = "kvs.setroot";

/** The event as subscribers of older names get it; undefined when it has none. For `Router.alias`. */
export function olderEvent(event: Message, isWanted: (topic: string) => boolean): Message | undefined {
  if (event.topic === PULSE) return renamed(event, "hb", event.payload);
  if (event.topic !== SETROOT || !isWanted(OLD_SETROOT)) return undefined;
  const { rootseq, rootref } = decodeJson(event.payload);
  return renamed(event, OLD_SETROOT, encodeJson({ rootseq, rootdir: rootref }));
}
