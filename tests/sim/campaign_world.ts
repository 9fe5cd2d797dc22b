/** What all traffic of a campaign shares: where it may begin, and how each request is followed to its end. */

import type { Broker } from "../../broker/broker.ts";
import type { Handle } from "../../broker/handle/mod.ts";
import { errname, FluxError } from "../../broker/message/mod.ts";
import type { SeededRandom } from "./seeded_random.ts";
import type { SimSession } from "./session.ts";

export interface World {
  readonly session: SimSession;
  readonly random: SeededRandom;
  /** What does not hold. */
  readonly broken: string[];
  count(what: string, n?: number): void;
}

export interface Load {
  /** Does a little, without waiting. */
  step(): void;
  /** All has settled: says in `World.broken` what was not as it must be, and closes its clients. */
  finish(): Promise<void>;
}

/** What a request may fail with while things break. */
export const BROKEN_LINKS = ["EHOSTUNREACH", "ENOSYS", "ECANCELED", "ECONNRESET"];

/** A rank whose broker runs, so that its clients may ask it for something. */
export function isReady(session: SimSession, rank: number): boolean {
  return session.isAlive(rank) && !session.isStill(rank) && session.brokers[rank]!.machine.state === "run";
}

/** One life of a rank, until its broker begins to end. */
export class Life {
  readonly rank: number;
  readonly #session: SimSession;
  readonly #broker: Broker;

  constructor(session: SimSession, rank: number) {
    this.rank = rank;
    this.#session = session;
    this.#broker = session.brokers[rank]!;
  }

  get goesOn(): boolean {
    return this.#session.isAlive(this.rank) && this.#session.brokers[this.rank] === this.#broker &&
      !this.#broker.machine.reached("cleanup");
  }
}

/** Clients on any rank. One belongs to one life of its rank. */
export class Clients {
  readonly #world: World;
  readonly #made = new Map<number, { life: Life; handle: Handle }>();

  constructor(world: World) {
    this.#world = world;
  }

  at(rank: number): Handle {
    const known = this.#made.get(rank);
    if (known?.life.goesOn) return known.handle;
    const handle = this.#world.session.handle(rank);
    this.#made.set(rank, { life: new Life(this.#world.session, rank), handle });
    return handle;
  }

  /** A random rank that is ready; rank 0 when many tries find none. */
  pick(): number {
    const { session, random } = this.#world;
    for (let tries = 0; tries < 100; tries++) {
      const rank = random.below(session.size);
      if (isReady(session, rank)) return rank;
    }
    return 0;
  }

  close(): void {
    for (const { life, handle } of this.#made.values()) if (life.goesOn) handle.close();
    this.#made.clear();
  }
}

export interface Expected {
  /** What it may fail with; {@link BROKEN_LINKS} unless given. */
  readonly allowed?: readonly string[];
  /** How long it may take, ms of the clock. */
  readonly within?: number;
}

/** A silent link is noticed after 7 heartbeats, one rank further up after 9. */
const IN_TIME = 60_000;

/** Requests that are followed: each is answered, or fails with a reason, in time, unless who asked has died. */
export class Requests {
  readonly #world: World;
  readonly #open = new Map<string, Life>();

  constructor(world: World) {
    this.#world = world;
  }

  get open(): number {
    return this.#open.size;
  }

  /**
   * Follows one request of a client at rank `from`. The first word of `what` is what it is counted under. Resolves with the errno it
   * failed with, undefined when it was answered.
   */
  async ask(
    what: string,
    from: number,
    request: () => Promise<unknown>,
    { allowed = BROKEN_LINKS, within = IN_TIME }: Expected = {},
  ): Promise<FluxError | undefined> {
    const { session, broken, count } = this.#world;
    const life = new Life(session, from), start = session.clock.now();
    let failure: FluxError | undefined;
    this.#open.set(what, life);
    try {
      await request();
    } catch (error) {
      if (!(error instanceof FluxError)) {
        broken.push(`${what}: ${error instanceof Error ? error.stack : error}`);
        return undefined;
      }
      failure = error;
    } finally {
      this.#open.delete(what);
    }
    const outcome = failure ? errname(failure.errnum) ?? failure.code : "answered";
    count(`${what.split(" ", 1)[0]} ${outcome}`);
    if (!life.goesOn) return failure;
    if (failure && !allowed.includes(outcome)) broken.push(`${what} failed with ${outcome}: ${failure.message}`);
    const took = session.clock.now() - start;
    if (took > within) broken.push(`${what} took ${(took / 1000).toFixed(1)} s (${outcome})`);
    return failure;
  }

  finish(): void {
    for (const [what, life] of this.#open) if (life.goesOn) this.#world.broken.push(`${what} was never answered`);
  }
}
