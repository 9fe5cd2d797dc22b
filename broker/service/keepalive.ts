/**
 * Keeps both ends of a link from taking the other for dead when nothing else is said (wire.md §7.4). It runs on this
 * broker's own time and not by the pulse, which those below a cut do not hear.
 */

import type { Events, Tree } from "../overlay/mod.ts";
import { type Clock, every, type Timer } from "../ports/mod.ts";
import type { Router } from "../router/mod.ts";
import type { Guard } from "./guard.ts";

/** A parent may go without a word for this many heartbeats (services.md §2: more than one). */
const QUIET = 2;

export interface KeepaliveParts {
  readonly router: Router;
  readonly tree: Tree;
  readonly events: Events;
  readonly guard: Guard;
}

/** Once each `period` ms, until cancelled: says that we are there to a parent that has long heard nothing else, and to children. */
export function keepalive(clock: Clock, period: number, { router, tree, events, guard }: KeepaliveParts): Timer {
  const up = quietParent(router, tree);
  let passed = events.last;
  return every(clock, period, () => {
    if (up()) tree.keepalive();
    // The pulse, as any event, tells the children.
    if (events.last === passed) tree.keepaliveDown();
    passed = events.last;
    guard.tell({ event: "tick" });
  });
}

/** True whenever nothing went to the parent for `QUIET` calls. */
function quietParent(router: Router, tree: Tree): () => boolean {
  let link: unknown;
  let sent = 0;
  let quiet = 0;
  return () => {
    const counters = tree.parent && router.counters(tree.parent.id);
    if (!counters) return false;
    const { request, response, event } = counters.tx;
    const total = request + response + event;
    quiet = counters === link && total === sent ? quiet + 1 : 0;
    link = counters;
    sent = total;
    if (quiet < QUIET) return false;
    quiet = 0;
    return true;
  };
}
