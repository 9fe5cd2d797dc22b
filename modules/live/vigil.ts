/**
 * Which neighbours are silent, and for how long. Pure: it is told at each tick when each of them was last heard.
 *
 * Silence is counted in ticks of our own and not in time, so that a broker that was stopped itself, and finds everybody
 * silent when it goes on, counts that once.
 */

import type { Settings } from "./settings.ts";

export const LiveState = { ok: 0, slow: 1, fail: 2, unknown: 3 } as const;
export type LiveState = (typeof LiveState)[keyof typeof LiveState];
export const STATE_NAMES = ["ok", "slow", "fail", "unknown"] as const;

/** A neighbour whose state has changed. */
export interface Judgement {
  readonly rank: number;
  readonly state: LiveState;
  /** Ticks for which it was silent. */
  readonly idle: number;
}

interface Watched {
  state: LiveState;
  seen: number;
  idle: number;
}

export class Vigil {
  readonly #watched = new Map<number, Watched>();

  /** Begins anew with a neighbour. */
  add(rank: number): void {
    this.#watched.set(rank, { state: LiveState.ok, seen: -Infinity, idle: 0 });
  }

  remove(rank: number): void {
    this.#watched.delete(rank);
  }

  has(rank: number): boolean {
    return this.#watched.has(rank);
  }

  /** Ticks for which a neighbour has been silent; 0 for a stranger. */
  idle(rank: number): number {
    return this.#watched.get(rank)?.idle ?? 0;
  }

  /**
   * A tick has passed; `seen` tells when each was last heard, in any unit. Returns those whose state has changed. One that
   * has failed is no longer watched: it is told of once.
   */
  tick(seen: ReadonlyMap<number, number>, { slowIdle, maxIdle }: Settings): Judgement[] {
    const judgements: Judgement[] = [];
    for (const [rank, watched] of this.#watched) {
      const at = seen.get(rank) ?? watched.seen;
      watched.idle = at === watched.seen ? watched.idle + 1 : 0;
      watched.seen = at;
      const { idle } = watched;
      const state = idle > maxIdle ? LiveState.fail : idle > slowIdle ? LiveState.slow : LiveState.ok;
      if (state === watched.state) continue;
      watched.state = state;
      judgements.push({ rank, state, idle });
      if (state === LiveState.fail) this.#watched.delete(rank);
    }
    return judgements;
  }
}
