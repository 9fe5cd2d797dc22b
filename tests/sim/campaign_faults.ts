/** What goes wrong in a campaign, and when: drawn from the seed, so that many things overlap and all of it ends some time. */

import type { SeededRandom } from "./seeded_random.ts";
import type { SimSession } from "./session.ts";

export const FAULTS = [
  "kill",
  "restart",
  "recover",
  "stop",
  "slow",
  "cut",
  "oneway",
  "loss",
  "reset",
  "delay",
  "partition",
] as const;
export type Faults = (typeof FAULTS)[number];

/** How long a fault lasts, ms: from a moment that nobody notices to one that ends ranks. */
const SHORTEST = 100, LONGEST = 40_000;
/** The longest that messages of a slow rank take, and everybody's while there is a delay, ms. */
const SLOWEST = 9000, LONGEST_DELAY = 500;
/** Of so many ranks that are stopped one is rank 0. */
const ROOT_STOPS = 4;
/** Of the ranks at least this share stays alive, as far as the plan has to do with it. */
const SURVIVORS = 0.6;

export class FaultPlan {
  readonly #session: SimSession;
  readonly #random: SeededRandom;
  readonly #kinds: readonly Faults[];
  readonly #say: (line: string) => void;
  /** What is to be undone, with the time. */
  #repairs: { at: number; repair(): void }[] = [];
  #next = 0;

  constructor(session: SimSession, kinds: readonly Faults[], say: (line: string) => void) {
    this.#session = session;
    this.#random = session.random.fork("faults");
    this.#kinds = kinds;
    this.#say = say;
  }

  /** Lets happen what is due; a new fault begins about every `pace` ms. */
  step(pace: number): void {
    const now = this.#session.clock.now();
    for (const { repair } of this.#repairs.filter(({ at }) => at <= now)) repair();
    this.#repairs = this.#repairs.filter(({ at }) => at > now);
    if (now < this.#next || this.#kinds.length === 0) return;
    this.#next = now + pace * (0.2 + this.#random.float() * 1.6);
    this.#begin(this.#kinds[this.#random.below(this.#kinds.length)]!);
  }

  /** Ends every fault. */
  heal(): void {
    for (const { repair } of this.#repairs) repair();
    this.#repairs = [];
    this.#session.network.heal();
    this.#say("heal");
  }

  /** Ends processes that were started anew and have found no parent: whoever started them would give up. */
  buryLate(): void {
    for (const rank of this.#living) {
      if (this.#session.brokers[rank]!.machine.reached("run")) continue;
      this.#say(`bury rank ${rank}, which was started anew and has not joined`);
      this.#session.kill(rank);
    }
  }

  get #living(): number[] {
    return [...this.#session.brokers.keys()].filter((rank) => this.#session.isAlive(rank));
  }

  #begin(kind: Faults): void {
    const { network, size } = this.#session;
    const living = this.#living.filter((rank) => rank > 0);
    const victim = living[this.#random.below(living.length)];
    if (victim === undefined) return;
    const host = this.#session.host(victim);
    switch (kind) {
      case "kill":
        if (living.length < SURVIVORS * size) return;
        this.#say(`kill rank ${victim}`);
        return this.#session.kill(victim);
      case "restart": {
        const dead = [...this.#session.brokers.keys()].filter((rank) => rank > 0 && !this.#session.isAlive(rank));
        const rank = dead[this.#random.below(dead.length)];
        if (rank === undefined) return;
        this.#say(`restart rank ${rank}`);
        return void this.#session.restart(rank).catch(() => {});
      }
      case "recover":
        this.#say("recover: all go back to their first parents");
        return this.#session.brokers[0]!.handle.publish("live.recover", {});
      case "stop": {
        // Rank 0 may be stopped too, of all that can happen to it: the session waits for it.
        const rank = this.#random.below(ROOT_STOPS) === 0 ? 0 : victim;
        this.#session.stop(rank);
        return this.#until(`stop rank ${rank}`, () => this.#session.go(rank));
      }
      case "slow":
        network.slow(host, SHORTEST + this.#random.float() * SLOWEST);
        return this.#until(`slow rank ${victim}`, () => network.slow(host, 0));
      case "delay":
        network.lag(this.#random.float() * LONGEST_DELAY);
        return this.#until("delay of everything", () => network.lag(0));
      case "loss": {
        const parent = this.#parentOf(victim);
        this.#say(`loss of the link of rank ${victim} and rank ${parent}`);
        return network.reset(host, this.#session.host(parent));
      }
      case "reset":
        this.#say(`reset the links of rank ${victim}`);
        for (const other of this.#living) network.reset(host, this.#session.host(other));
        return;
      case "partition": {
        const [away, here] = this.#halves();
        const hosts = [away, here].map((ranks) => ranks.map((rank) => this.#session.host(rank)));
        return this.#until(`partition of ${away.length} ranks`, network.partition(...hosts));
      }
      case "cut":
      case "oneway": {
        const parent = this.#parentOf(victim);
        const ends = [host, this.#session.host(parent)] as const;
        const [from, to] = this.#random.below(2) === 0 ? ends : [ends[1], ends[0]];
        if (kind === "cut") network.cut(from, to);
        else network.oneWay(from, to);
        return this.#until(`${kind} of rank ${victim} and rank ${parent}`, () => network.heal(from, to));
      }
    }
  }

  #parentOf(rank: number): number {
    return this.#session.brokers[rank]!.tree.parent?.rank ?? 0;
  }

  /** A random few ranks, or all below one of them, and the others; rank 0 is among the latter. */
  #halves(): [away: number[], here: number[]] {
    const all = [...this.#session.brokers.keys()];
    const root = 1 + this.#random.below(all.length - 1);
    const share = this.#random.float() / 2;
    const below = this.#session.brokers[root]!.tree.ranks;
    const isAway = this.#random.below(2) === 0 ? (rank: number) => below.has(rank) : () => this.#random.float() < share;
    const away = new Set(all.filter((rank) => rank > 0 && isAway(rank)));
    return [[...away], all.filter((rank) => !away.has(rank))];
  }

  #until(what: string, repair: () => void): void {
    // Durations of every size: as many below a second as above ten.
    const ms = SHORTEST * (LONGEST / SHORTEST) ** this.#random.float();
    this.#say(`${what} for ${(ms / 1000).toFixed(1)} s`);
    this.#repairs.push({ at: this.#session.clock.now() + ms, repair });
  }
}
