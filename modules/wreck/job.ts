/**
 * One job from its number to its end, as rank 0 sees it: told what happened, it says what to do. No message, no clock. Pure.
 *
 *     reserved, submitted ──run──▶ starting ──started──▶ running ──ended──▶ complete
 *             │                       │         (sync)      │
 *             │ signal                └──refused, lost, abort, failed──▶ clearing ──cleared──▶ failed
 *             ▼
 *         cancelled
 *
 * `clearing`: it has failed, and what is left of its tasks is being killed. `ended` may come before `started`: then it ran all the
 * same. Every rank of a job that runs ends some day, or is lost, and clearing has a deadline, so every path leads to a state of
 * which nothing comes.
 */

import { type Ends, type JobResult, type JobState, type Layout } from "./protocol.ts";
import { Idset } from "../../broker/message/mod.ts";
import { exitCode } from "../../broker/ports/mod.ts";
import { taskCount } from "./layout.ts";

const SIGKILL = 9, SIGALRM = 14;
const NO_RANK = 68;
/** Between the signal at the end of its time and the one that nobody survives, ms. */
const LAST_CHANCE = 10_000;

export type JobInput =
  /** It has its place. */
  | { readonly is: "run"; readonly layout: Layout }
  /** Every task was started, or could not be; their pids by task, 0 for the latter. */
  | { readonly is: "started"; readonly pids: readonly number[] }
  /** Every task is over and its output was dealt with; their status words by task. */
  | { readonly is: "ended"; readonly pids: readonly number[]; readonly statuses: readonly number[] }
  /** It cannot go on; `isNodeFailure` when a rank was lost. */
  | { readonly is: "failed"; readonly reason: string; readonly isNodeFailure?: boolean }
  /** A task ended the job. */
  | { readonly is: "abort"; readonly code: number; readonly reason: string }
  | { readonly is: "signal"; readonly number: number }
  /** Its time is up. */
  | { readonly is: "expired" }
  /** What was left of it is gone; the status words by task, undefined for those that nobody knows. */
  | { readonly is: "cleared"; readonly statuses: readonly (number | undefined)[] };

export type JobAction =
  /** Record it, and tell everybody. */
  | { readonly do: "state"; readonly state: JobState }
  | { readonly do: "start"; readonly layout: Layout }
  /** Record the tasks. */
  | { readonly do: "pids"; readonly pids: readonly number[] }
  | { readonly do: "statuses"; readonly statuses: readonly (number | undefined)[] }
  /** Signal all tasks. */
  | { readonly do: "signal"; readonly number: number }
  /** Kill all tasks; `cleared` tells what became of them. */
  | { readonly do: "clear" }
  /** Say `expired` after so many milliseconds. */
  | { readonly do: "wake"; readonly ms: number }
  | { readonly do: "log"; readonly text: string }
  /** Nothing happens any more. */
  | { readonly do: "over"; readonly result: JobResult };

export interface JobOptions {
  readonly jobid: number;
  /** Its tasks stop before their first step, for a debugger. */
  readonly stops: boolean;
  /** Seconds it may run; 0 is for ever. */
  readonly walltime: number;
  /** The signal at the end of its time; SIGALRM unless given. */
  readonly walltimeSignal?: number | undefined;
}

type Phase = "waiting" | "starting" | "running" | "clearing" | "over";

export class Job {
  readonly #options: JobOptions;
  #phase: Phase = "waiting";
  #layout: Layout | undefined;
  #known = false;
  #failure: { code: number; reason: string; isNodeFailure: boolean } | undefined;
  #note: string | undefined;
  #actions: JobAction[] = [];

  constructor(options: JobOptions) {
    this.#options = options;
  }

  get phase(): Phase {
    return this.#phase;
  }

  get layout(): Layout | undefined {
    return this.#layout;
  }

  /** Takes what happened; returns what is to be done, in order. */
  handle(input: JobInput): JobAction[] {
    if (this.#phase !== "over") this.#take(input);
    const actions = this.#actions;
    this.#actions = [];
    return actions;
  }

  #take(input: JobInput): void {
    switch (input.is) {
      case "run":
        return this.#run(input.layout);
      case "started":
        return this.#started(input.pids);
      case "ended":
        return this.#ended(input.pids, input.statuses);
      case "failed":
        return this.#fail(failure(input.reason, input.isNodeFailure ?? false));
      case "abort":
        return this.#fail({ code: input.code, reason: input.reason, isNodeFailure: false });
      case "signal":
        return this.#signal(input.number);
      case "expired":
        return this.#expired();
      case "cleared":
        return this.#cleared(input.statuses);
    }
  }

  #run(layout: Layout): void {
    if (this.#phase !== "waiting") return;
    this.#phase = "starting";
    this.#layout = layout;
    this.#actions.push({ do: "state", state: "starting" }, { do: "start", layout });
  }

  #started(pids: readonly number[]): void {
    if (this.#phase !== "starting") return;
    this.#phase = "running";
    this.#know(pids);
    this.#actions.push({ do: "state", state: this.#options.stops ? "sync" : "running" });
    if (this.#options.walltime > 0) this.#actions.push({ do: "wake", ms: this.#options.walltime * 1000 });
  }

  #ended(pids: readonly number[], statuses: readonly number[]): void {
    if (this.#phase === "starting") this.#started(pids);
    if (this.#phase !== "running") return;
    this.#end("complete", statuses);
  }

  #fail(failure: { code: number; reason: string; isNodeFailure: boolean }): void {
    if (this.#phase === "clearing") return;
    this.#failure = failure;
    this.#actions.push({ do: "log", text: failure.reason });
    if (this.#phase === "waiting") return this.#end("failed", []);
    this.#phase = "clearing";
    this.#actions.push({ do: "clear" });
  }

  /** A signal to a job that does not run yet takes it out of the queue. */
  #signal(number: number): void {
    if (this.#phase === "waiting") {
      this.#failure = { code: 128 + number, reason: "it was cancelled before it ran", isNodeFailure: false };
      return this.#end("cancelled", []);
    }
    if (this.#phase !== "clearing") this.#actions.push({ do: "signal", number });
  }

  /** Asked first, made to the second time. */
  #expired(): void {
    if (this.#phase !== "running") return;
    const number = this.#note === undefined ? this.#options.walltimeSignal ?? SIGALRM : SIGKILL;
    this.#note ??= "its time was up";
    this.#actions.push(
      { do: "log", text: `Timeout expired! Killing job with signal ${number}` },
      { do: "signal", number },
    );
    if (number !== SIGKILL) this.#actions.push({ do: "wake", ms: LAST_CHANCE });
  }

  #cleared(statuses: readonly (number | undefined)[]): void {
    if (this.#phase === "clearing") this.#end("failed", statuses);
  }

  #know(pids: readonly number[]): void {
    if (this.#known) return;
    this.#known = true;
    this.#actions.push({ do: "pids", pids });
  }

  #end(state: JobState, statuses: readonly (number | undefined)[]): void {
    this.#phase = "over";
    if (statuses.length > 0) this.#actions.push({ do: "statuses", statuses });
    const ends = endsOf(statuses);
    const reason = this.#failure?.reason ?? this.#note;
    const result: JobResult = {
      jobid: this.#options.jobid,
      state,
      code: this.#failure?.code ?? Math.max(0, ...ends.map(({ status }) => exitCode(status))),
      ends,
      ...(reason !== undefined && { reason }),
      ...(this.#failure?.isNodeFailure && { isNodeFailure: true }),
    };
    this.#actions.push({ do: "state", state }, { do: "over", result });
  }

  /** Tasks of the job; 0 before it has a place. */
  get size(): number {
    return this.#layout ? taskCount(this.#layout) : 0;
  }
}

/** Why a job failed, and the code that stands for it: a lost rank has one of its own, as with `flux exec`. */
export function failure(
  reason: string,
  isNodeFailure: boolean,
): { code: number; reason: string; isNodeFailure: boolean } {
  return { code: isNodeFailure ? NO_RANK : 1, reason, isNodeFailure };
}

/** Tasks by how they ended, in the order of the first of each. */
export function endsOf(statuses: readonly (number | undefined)[]): Ends[] {
  const groups = new Map<number, Idset>();
  for (const [task, status] of statuses.entries()) {
    if (status === undefined) continue;
    const group = groups.get(status);
    if (group) group.add(task);
    else groups.set(status, new Idset([task]));
  }
  return [...groups].map(([status, tasks]) => ({ tasks: `${tasks}`, status }));
}
