/**
 * The part that one rank has in a job, as a state machine: told what its tasks do, it says what to tell the others. Pure.
 *
 *     starting ──all started, or refused──▶ running ──all over──▶ closing ──output dealt with──▶ over
 *
 * What the rank brings to `lwj.N.startup` is said once, when it begins to run; what it brings to `lwj.N.shutdown` at its end. A signal
 * that comes before a task has started reaches it when it has.
 */

import type { RankReport } from "./protocol.ts";

export type PartStep =
  /** A task, by its place among those of the rank. */
  | { readonly do: "signal"; readonly index: number; readonly number: number }
  | { readonly do: "startup"; readonly report: RankReport }
  /** All that the tasks wrote has been handed over: see to it that it gets where it belongs, then say `closed`. */
  | { readonly do: "close" }
  | { readonly do: "shutdown"; readonly report: RankReport };

export class Part {
  readonly #pids: (number | undefined)[];
  readonly #statuses: (number | undefined)[];
  readonly #over: boolean[];
  /** Signals to those that have not started. */
  readonly #early: number[] = [];
  #phase: "starting" | "running" | "closing" | "over" = "starting";

  constructor(tasks: number) {
    this.#pids = Array(tasks).fill(undefined);
    this.#statuses = Array(tasks).fill(undefined);
    this.#over = Array(tasks).fill(false);
  }

  get phase(): string {
    return this.#phase;
  }

  get report(): RankReport {
    return { pids: this.#pids.map((pid) => pid ?? 0), statuses: this.#statuses.map((status) => status ?? 0) };
  }

  started(index: number, pid: number): PartStep[] {
    this.#pids[index] ??= pid;
    const signals = this.#early.map((number): PartStep => ({ do: "signal", index, number }));
    return [...signals, ...this.#next()];
  }

  /** It could not be started; `status` is the word that stands for that. */
  refused(index: number, status: number): PartStep[] {
    this.#pids[index] ??= 0;
    this.#statuses[index] ??= status;
    this.#over[index] = true;
    return this.#next();
  }

  exited(index: number, status: number): PartStep[] {
    this.#statuses[index] ??= status;
    return [];
  }

  /** It has ended, and all it wrote has been read. */
  ended(index: number): PartStep[] {
    this.#pids[index] ??= 0;
    this.#over[index] = true;
    return this.#next();
  }

  closed(): PartStep[] {
    if (this.#phase !== "closing") return [];
    this.#phase = "over";
    return [{ do: "shutdown", report: this.report }];
  }

  signal(number: number): PartStep[] {
    if (this.#pids.includes(undefined)) this.#early.push(number);
    return this.#pids.flatMap((pid, index): PartStep[] =>
      pid !== undefined && pid > 0 && !this.#over[index] ? [{ do: "signal", index, number }] : []
    );
  }

  #next(): PartStep[] {
    const steps: PartStep[] = [];
    if (this.#phase === "starting" && !this.#pids.includes(undefined)) {
      this.#phase = "running";
      this.#early.length = 0;
      steps.push({ do: "startup", report: { pids: this.report.pids } });
    }
    if (this.#phase === "running" && !this.#over.includes(false)) {
      this.#phase = "closing";
      steps.push({ do: "close" });
    }
    return steps;
  }
}
