/** Keeps a parent from taking its child for dead when nothing else is said (wire.md §7.4). */

import type { Tree } from "../overlay/mod.ts";
import type { Router } from "../router/mod.ts";

/** A parent may go without a word for this many heartbeats (services.md §2: more than one). */
const QUIET = 2;

/** What to do at each heartbeat: says that we are there if nothing went to the parent for `QUIET` of them. */
export function idleKeepalive(router: Router, tree: Tree): () => void {
  let link: unknown;
  let sent = 0;
  let quiet = 0;
  return () => {
    const counters = tree.parent && router.counters(tree.parent.uuid);
    if (!counters) return;
    const { request, response, event } = counters.tx;
    const total = request + response + event;
    quiet = counters === link && total === sent ? quiet + 1 : 0;
    if (quiet === QUIET) {
      tree.keepalive();
      quiet = 0;
    }
    link = counters;
    sent = total;
  };
}
