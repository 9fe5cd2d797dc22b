/** `cmb.lspeer`, `cmb.reparent`: the tree as the 0.1.0 tools know it (services.md §3). */

import { anyone, type Methods, stringField } from "../../handle/mod.ts";
import type { BrokerParts } from "../native.ts";

export function cmbOverlayService({ tree, reparent, options: { heartrate }, ports: { clock } }: BrokerParts): Methods {
  return {
    // Idle time is in heartbeats, as the child's own keepalive is.
    "cmb.lspeer": anyone(() => {
      const idle = (since: number) => Math.floor((clock.now() - since) / heartrate);
      return Object.fromEntries(tree.children.map(({ rank, lastSeen }) => [`${rank}`, { idle: idle(lastSeen) }]));
    }),
    "cmb.reparent": ({ payload }) => reparent.move(stringField(payload, "uri")),
  };
}
