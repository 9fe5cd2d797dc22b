/** Keeps a parent from taking its child for dead when nothing else is said (wire.md §7.4). */

import type { Tree } from "../overlay/mod.ts";
import type { Router } from "../router/mod.ts";

/** What to do at each heartbeat: says that we are there if nothing went to the parent since the last one. */
export function idleKeepalive(router: Router, tree: Tree): () => void {
  let link: unknown;
  let sent = 0;
  return () => {
    const counters = tree.parent && router.counters(tree.parent.uuid);
    if (!counters) return;
    const { request, response, event } = counters.tx;
    const total = request + response + event;
    if (counters === link && total === sent) tree.keepalive();
    link = counters;
    sent = total;
  };
}
