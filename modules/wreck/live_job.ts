/** A job that has not ended, at rank 0: its state machine, what was asked for, who follows it. */

import type { Timer } from "../../broker/ports/mod.ts";
import { Job } from "./job.ts";
import type { JobNews, JobSpec, JobState, Layout, RankReport } from "./protocol.ts";
import { placeOf, taskCount } from "./layout.ts";
import type { Leavers } from "./pmi/stranding.ts";
import { walltimeSignal } from "./spec.ts";

export class LiveJob {
  readonly jobid: number;
  readonly spec: JobSpec;
  readonly machine: Job;
  state: JobState;
  /** The state that those who follow heard of last. */
  announced: JobState;
  /** Hear each state once it is recorded. */
  readonly followers: Set<(news: JobNews) => void>;
  timer: Timer | undefined;
  /** By rank: tasks that enter no barrier of PMI any more, while others of the rank live. */
  left: Map<number, Leavers> | undefined;
  /** Runs while those that wait for tasks that are no more have time to end by themselves. */
  linger: Timer | undefined;
  /** Signals its tasks got, in order. */
  readonly signals: number[] = [];
  /** Resolves when those who follow have heard of all states so far. */
  told: Promise<void> = Promise.resolve();
  /** Lines in its log. */
  logged = 0;
  /** Its number among those that were submitted together. */
  readonly cc: number | undefined;
  #instances: Map<number, string> | undefined;
  #ended: AbortController | undefined;
  /** Reports of its ranks, by the fence they came to; none before there is one, since many jobs may wait. */
  #reports: Record<"startup" | "shutdown", Map<number, RankReport>> | undefined;

  constructor(jobid: number, spec: JobSpec, state: JobState, cc?: number, followers?: Set<(news: JobNews) => void>) {
    this.jobid = jobid;
    this.spec = spec;
    this.cc = cc;
    this.followers = followers ?? new Set();
    this.state = this.announced = state;
    this.machine = new Job({
      jobid,
      stops: spec.options["stop-children-in-exec"] !== undefined,
      walltime: spec.walltime,
      walltimeSignal: walltimeSignal(spec),
    });
  }

  /** The life of `wreck` on each of its ranks that has taken its part. */
  get instances(): Map<number, string> {
    return this.#instances ??= new Map();
  }

  /** It has failed: what is left of it is being killed, or was. */
  get isFailing(): boolean {
    return this.machine.phase === "clearing" || this.state === "failed";
  }

  /** Aborts when it has ended: nothing more is waited for. */
  get ended(): AbortController {
    return this.#ended ??= new AbortController();
  }

  get layout(): Layout {
    return this.machine.layout ?? { ranks: [], cores: [] };
  }

  announce(news: JobNews): void {
    this.announced = news.state;
    for (const follow of [...this.followers]) follow(news);
  }

  report(phase: "startup" | "shutdown", rank: number, report: RankReport): void {
    this.#reports ??= { startup: new Map(), shutdown: new Map() };
    this.#reports[phase].set(rank, report);
  }

  /** By task; 0 for what nobody told. */
  pids(phase: "startup" | "shutdown"): number[] {
    return this.#collect(0, phase, ({ pids }) => pids);
  }

  statuses(): number[] {
    return this.#collect(0, "shutdown", ({ statuses }) => statuses ?? []);
  }

  /** The same, undefined for what nobody told. */
  knownStatuses(): (number | undefined)[] {
    return this.#collect<number | undefined>(undefined, "shutdown", ({ statuses }) => statuses ?? []);
  }

  #collect<T>(unknown: T, phase: "startup" | "shutdown", read: (report: RankReport) => readonly T[]): T[] {
    const { layout } = this;
    const values: T[] = Array(taskCount(layout)).fill(unknown);
    for (const [rank, report] of this.#reports?.[phase] ?? []) {
      const place = placeOf(layout, rank);
      const own = read(report);
      place?.tasks.forEach((task, i) => values[task] = own[i] ?? unknown);
    }
    return values;
  }
}
