/**
 * Ranks that are started anew while the session runs: on request, and by themselves if that was asked for. A rank whose
 * process is there still loses it first, so that nobody is in two places.
 */

import type { Clock, Timer } from "../ports/mod.ts";

/** A rank that has died waits this long, ms, before it is started by itself; twice as long each time, up to a limit. */
const FIRST_DELAY = 1000, LONGEST_DELAY = 60_000;

export interface RevivalsOptions {
  readonly clock: Clock;
  /** How long a rank may take to come up, ms. */
  readonly timeout: number;
  /** Ranks that die are started anew without a request. */
  readonly automatic: boolean;
  /** Kills the process of a rank, if there is one; resolves when it is gone. */
  bury(rank: number): Promise<void>;
  spawn(rank: number): void;
  /** A rank that was asked for is up, or why it is not. */
  answer(rank: number, error?: string): void;
  say(line: string): void;
}

interface Revival {
  /** Somebody waits for it. */
  isAsked: boolean;
  isSpawned: boolean;
  /** The pause before it begins, then the time it has. */
  timer?: Timer;
}

export class Revivals {
  readonly #options: RevivalsOptions;
  readonly #now = new Map<number, Revival>();
  /** The pause before the next time, ms, and when the rank was up last. */
  readonly #delays = new Map<number, { next: number; up: number }>();
  #isClosed = false;

  constructor(options: RevivalsOptions) {
    this.#options = options;
  }

  /** Somebody asks for a rank; it is answered once. */
  request(rank: number): void {
    if (this.#isClosed) return this.#options.answer(rank, "the session is ending");
    const revival = this.#now.get(rank) ?? { isAsked: true, isSpawned: false };
    revival.isAsked = true;
    // One that waits for its time begins now; one that has begun goes on.
    if (this.#now.get(rank) && (revival.isSpawned || !revival.timer)) return;
    void this.#begin(rank, revival);
  }

  /** A rank that was started anew is up. */
  up(rank: number): void {
    const { clock, answer } = this.#options;
    const revival = this.#end(rank);
    if (!revival) return;
    this.#delays.set(rank, { next: this.#delays.get(rank)?.next ?? FIRST_DELAY, up: clock.now() });
    if (revival.isAsked) answer(rank);
  }

  /** The process of a rank has ended while the session runs. */
  exited(rank: number, how: string): void {
    const { answer } = this.#options;
    const revival = this.#now.get(rank);
    // It was ended to make room.
    if (revival && !revival.isSpawned) return;
    this.#end(rank);
    if (revival?.isAsked) answer(rank, `rank ${rank} did not come up: ${how}`);
    if (this.#options.automatic && !this.#isClosed) this.#plan(rank);
  }

  /** Nothing is started any more. */
  close(): void {
    this.#isClosed = true;
    for (const rank of [...this.#now.keys()]) {
      if (this.#end(rank)!.isAsked) this.#options.answer(rank, "the session is ending");
    }
  }

  #plan(rank: number): void {
    const { clock, say } = this.#options;
    const known = this.#delays.get(rank);
    const isStable = known && clock.now() - known.up > LONGEST_DELAY;
    const delay = known && !isStable ? known.next : FIRST_DELAY;
    this.#delays.set(rank, { next: Math.min(2 * delay, LONGEST_DELAY), up: known?.up ?? -Infinity });
    say(`rank ${rank} is started anew in ${delay / 1000} s`);
    const revival: Revival = { isAsked: false, isSpawned: false };
    revival.timer = clock.after(delay, () => void this.#begin(rank, revival));
    this.#now.set(rank, revival);
  }

  async #begin(rank: number, revival: Revival): Promise<void> {
    const { clock, timeout, bury, spawn } = this.#options;
    revival.timer?.cancel();
    delete revival.timer;
    this.#now.set(rank, revival);
    await bury(rank);
    if (this.#now.get(rank) !== revival) return;
    revival.isSpawned = true;
    spawn(rank);
    // What is killed here is heard of as having ended.
    revival.timer = clock.after(timeout, () => void bury(rank));
  }

  #end(rank: number): Revival | undefined {
    const revival = this.#now.get(rank);
    revival?.timer?.cancel();
    this.#now.delete(rank);
    return revival;
  }
}
