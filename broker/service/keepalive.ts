/**
 * Keeps both ends of a link from taking the other for dead when nothing else is said (wire.md §7.4), and gives the guard its
 * ticks. Both happen as the pulse comes, so that a quiet broker is woken once a beat; those below a cut do not hear it, and go
 * on by their own time.
 */

import type { Events, Tree } from "../overlay/mod.ts";
import { type Clock, every, type Timer } from "../ports/mod.ts";
import type { Router } from "../router/mod.ts";
import { linksOf } from "./failover_service.ts";
import type { Guard } from "./guard.ts";
import type { Heartbeat } from "./heartbeat.ts";
import type { Kin } from "./kin.ts";

/** A parent may go without a word for this many heartbeats (services.md §2: more than one). */
const QUIET = 2;
/** After so many heartbeats without a pulse a broker goes on by its own time; those that have passed count. */
const PATIENCE = 2.5;

export interface KeepaliveParts {
  readonly router: Router;
  readonly tree: Tree;
  readonly events: Events;
  readonly guard: Guard;
  readonly heartbeat: Heartbeat;
  readonly kin: Kin;
}

export class Keepalive {
  readonly #clock: Clock;
  readonly #period: number;
  readonly #parts: KeepaliveParts;
  readonly #isQuiet: () => boolean;
  /** Goes on without a pulse. */
  #timer: Timer;
  /** When the last tick was. */
  #last = -Infinity;
  /** The last event of the beat before. */
  #passed = 0;

  /** Begins at once, with beats of `period` ms, until closed. */
  constructor(clock: Clock, period: number, parts: KeepaliveParts) {
    this.#clock = clock;
    this.#period = period;
    this.#parts = parts;
    this.#isQuiet = quietParent(parts);
    this.#timer = this.#wait();
  }

  /** The pulse is heard. Those that were missed and come all together are one. */
  beat(): void {
    this.#timer.cancel();
    this.#timer = this.#wait();
    if (this.#clock.now() - this.#last >= this.#period / 2) this.#tick();
  }

  close(): void {
    this.#timer.cancel();
  }

  /** For a pulse; when none comes, `PATIENCE` beats have passed, and from then on one in each period. */
  #wait(): Timer {
    return this.#clock.after(PATIENCE * this.#period, () => {
      this.#timer = every(this.#clock, this.#period, () => this.#tick());
      for (let beat = 1; beat <= PATIENCE; beat++) this.#tick();
    });
  }

  /** A heartbeat's time has passed. */
  #tick(): void {
    const { tree, events, guard, heartbeat } = this.#parts;
    this.#last = this.#clock.now();
    if (this.#isQuiet()) tree.keepalive();
    // The pulse, as any event, tells the children.
    if (events.last === this.#passed) tree.keepaliveDown();
    this.#passed = events.last;
    if (guard.isOn) guard.tell({ event: "tick", epoch: heartbeat.epoch, links: linksOf(this.#parts) });
  }
}

/** True whenever nothing went to the parent for `QUIET` calls. */
function quietParent({ router, tree }: KeepaliveParts): () => boolean {
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
