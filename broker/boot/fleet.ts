/** Who starts the processes of a session's brokers, and where. How the brokers find each other then is another matter (wire_up.ts). */

import type { Child, ExitStatus } from "../ports/mod.ts";
import type { LineStream } from "../pmi/mod.ts";

/** A broker that was started. */
export interface Started {
  /** The broker itself, or what stands for it on this machine: its end is the broker's. */
  readonly child: Child;
  /** The connection to it; it makes one itself, to the socket `start` of the run directory, unless given. */
  readonly control?: LineStream;
  /** Where it is, for people: `vm, pid 17`. */
  readonly where: string;
  /** The words that a person can type to try the same, where that may help; indented, for a line of its own. */
  readonly line?: string;
  /** What was last heard of what stands for it; empty when nothing was. */
  said?(): string;
  /** True when it is a process of this machine that is stopped. */
  isStopped(): boolean;
  /** What is to be said of one that ended with `status` before it had said anything; a line each. */
  obituary(status: ExitStatus): string[];
}

export interface Fleet {
  readonly size: number;
  /** Rank 0 is a process of this machine. */
  readonly isRootHere: boolean;
  /** The words that start a rank's broker, for people. */
  command(rank: number, rundir: string): string[];
  /** Starts a rank's broker; `anew` when the session runs already. Throws FluxError when that cannot be done at all. */
  start(rank: number, rundir: string, anew: boolean): Started;
}

/** What every broker of a session is told. */
export interface BrokerWords {
  /** How to start this program. */
  readonly self: readonly string[];
  /** Words behind `broker`: for every rank, and for rank 0 alone. */
  readonly brokerArgs: readonly string[];
  readonly rootArgs: readonly string[];
}
