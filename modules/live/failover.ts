/**
 * Where a broker goes that has lost its parent: to the nearest ancestor that takes it in. Pure: it says what to try next
 * and is told what came of it.
 */

/**
 * What became of an attempt: nobody listens there, no answer, not now, events are no longer kept, another process is
 * this rank by now, anything else.
 */
export type Outcome = "refused" | "silent" | "adrift" | "evicted" | "replaced" | "failed";

export type Step =
  | { kind: "dial"; rank: number; patience: number }
  | { kind: "wait"; ms: number }
  | { kind: "end"; reason: string };

/** An ancestor has this long to take us in, ms. */
export const PATIENCE = 2000;
/** First and longest wait between two rounds, ms, and its growth. */
const FIRST_WAIT = 250, LONGEST_WAIT = 2000, GROWTH = 2;
/** Rank 0 is dead when nobody listens there in so many rounds. */
const ROOT_ROUNDS = 2;

export class Failover {
  readonly #jitter: () => number;
  #queue: number[] = [];
  #wait = FIRST_WAIT;
  #isNewRound = false;
  #rootRefusals = 0;
  #evictions = 0;
  #isReplaced = false;
  #dialled: number | undefined;

  /**
   * `ancestors` has the lost parent first. When it was silent it is tried last; when the connection broke, first: it may
   * have been the connection alone. `jitter` is a number in [0, 1).
   */
  constructor(ancestors: readonly number[], wasSilent: boolean, jitter: () => number) {
    this.#jitter = jitter;
    const [parent, ...others] = ancestors;
    this.#queue = parent === undefined ? [] : wasSilent ? [...others, parent] : [parent, ...others];
  }

  /** What to do now. `ancestors` are those known by now. */
  next(ancestors: readonly number[]): Step {
    if (this.#rootRefusals >= ROOT_ROUNDS) {
      return { kind: "end", reason: "rank 0 is gone: nobody listens there any more" };
    }
    if (this.#isReplaced) return { kind: "end", reason: "this rank has been started anew: this process is not needed" };
    if (this.#evictions > 0 && this.#queue.length === 0) {
      return { kind: "end", reason: "this rank has fallen behind the events that are kept: it is evicted" };
    }
    if (this.#queue.length === 0 && !this.#isNewRound) {
      this.#isNewRound = true;
      const ms = this.#wait * (0.5 + this.#jitter() / 2);
      this.#wait = Math.min(this.#wait * GROWTH, LONGEST_WAIT);
      return { kind: "wait", ms };
    }
    if (this.#isNewRound) this.#queue = [...ancestors];
    this.#isNewRound = false;
    this.#dialled = this.#queue.shift();
    if (this.#dialled === undefined) return { kind: "end", reason: "no failover candidates" };
    return { kind: "dial", rank: this.#dialled, patience: PATIENCE };
  }

  /** The last dial has not led to a parent. */
  failed(outcome: Outcome): void {
    if (outcome === "evicted") this.#evictions++;
    if (outcome === "replaced") this.#isReplaced = true;
    if (this.#dialled !== 0) return;
    this.#rootRefusals = outcome === "refused" ? this.#rootRefusals + 1 : 0;
  }
}

/** What an error of `overlay.failover` means. */
export function outcomeOf(code: string): Outcome {
  switch (code) {
    case "ECONNREFUSED":
      return "refused";
    case "ETIMEDOUT":
    case "ECONNRESET":
      return "silent";
    case "EAGAIN":
      return "adrift";
    case "ESTALE":
      return "replaced";
    case "EOVERFLOW":
      return "evicted";
    default:
      return "failed";
  }
}
