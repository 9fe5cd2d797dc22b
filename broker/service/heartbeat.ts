/**
 * The session's pulse: rank 0 publishes `heartbeat.pulse {"epoch":N}` once a period, and every rank follows it
 * (wire.md §3.11; rulings.md, "heartbeat").
 */

import { real, Role } from "../message/mod.ts";
import { anyone, type Event, type Methods } from "../handle/mod.ts";
import { type Clock, every, type Timer } from "../ports/mod.ts";

/** The event's topic. */
export const PULSE = "heartbeat.pulse";

export interface HeartbeatOptions {
  readonly rank: number;
  readonly clock: Clock;
  /** Milliseconds between two beats. */
  readonly period: number;
  /** Publishes an event; asked for at rank 0 only. */
  publish(topic: string, payload: object): void;
}

export class Heartbeat {
  readonly #options: HeartbeatOptions;
  readonly #followers = new Set<(epoch: number) => void>();
  #timer: Timer | undefined;
  #next = 0;
  #epoch = -1;
  #count = 0;

  constructor(options: HeartbeatOptions) {
    this.#options = options;
  }

  /** The number of the last beat, -1 before the first; it never goes back. */
  get epoch(): number {
    return this.#epoch;
  }

  get methods(): Methods {
    const period = real(this.#options.period / 1000);
    return {
      // Nobody ends for want of a beat here: a broker that loses its parent hears of it from the link.
      "heartbeat.stats-get": anyone(() => ({ period, timeout: real(0), count: this.#count, warn_thresh: 0 })),
      "heartbeat.stats-clear": () => void (this.#count = 0),
    };
  }

  /** Begins to beat, first after one period. At rank 0; elsewhere nothing happens. */
  start(): void {
    const { rank, clock, period, publish } = this.#options;
    if (rank !== 0 || this.#timer) return;
    this.#timer = every(clock, period, () => publish(PULSE, { epoch: this.#next++ }));
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  /** Calls `follower` at each beat that this rank hears, until disposed. */
  follow(follower: (epoch: number) => void): Disposable {
    this.#followers.add(follower);
    return { [Symbol.dispose]: () => this.#followers.delete(follower) };
  }

  /** A pulse was heard. One that is not the owner's, or not later than the last, is passed over. Throws EPROTO. */
  heard({ message, payload }: Event): void {
    const { epoch } = payload;
    if (!(message.rolemask & Role.owner) || typeof epoch !== "number" || epoch <= this.#epoch) return;
    this.#epoch = epoch;
    this.#count++;
    for (const follower of [...this.#followers]) follower(epoch);
  }
}
