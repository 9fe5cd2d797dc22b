/** The shape of a bench, and what it is given. */

import type { Figure } from "./figure.ts";
import type { Session, SessionOptions } from "./session.ts";

export interface Surroundings {
  /** The executable that is measured. */
  readonly flux: string;
  /** A directory for files of the run. */
  readonly work: string;
  /** Smaller sizes and fewer rounds: tells that a bench works, not how fast we are. */
  readonly quick: boolean;
  /** How many ranks "large" means. */
  readonly large: number;
  /** How often something is done: `full` times, or a tenth of that, at least twice, in a quick run. */
  times(full: number): number;
  /** A session of these properties that runs: the one of the bench before, if it fits. The runner closes it. */
  session(options: SessionOptions): Promise<Session>;
}

export interface Bench {
  /** Its figures' names begin with this. */
  readonly name: string;
  run(around: Surroundings): AsyncIterable<Figure>;
}
