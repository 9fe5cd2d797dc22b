/** The queue at work, at rank 0: it learns which ranks have which cores, and starts the jobs whose turn it is. */

import type { Handle } from "../../broker/handle/mod.ts";
import { type Idset, isErrno } from "../../broker/message/mod.ts";
import { ask } from "./dispatch.ts";
import type { Layout, Roll } from "./protocol.ts";
import { JobQueue, type Wish } from "./queue.ts";

export interface SchedulerOptions {
  readonly handle: Handle;
  /** A job has its place. */
  start(jobid: number, layout: Layout): void;
  /** What a rank said of itself: this life of its module. */
  met(rank: number, instance: string): void;
  roll(): Roll;
}

export class Scheduler {
  readonly #options: SchedulerOptions;
  readonly #queue = new JobQueue();
  #asking: Promise<void> = Promise.resolve();
  #due = false;

  constructor(options: SchedulerOptions) {
    this.#options = options;
  }

  get queue(): Pick<JobQueue, "length" | "cores"> {
    return this.#queue;
  }

  /** A rank has so many cores. */
  join(rank: number, cores: number): void {
    this.#queue.join(rank, cores);
    this.#pump();
  }

  /** Ranks have come, or come back: they are asked what they have. One that runs no jobs has nothing. */
  came(ranks: Idset): void {
    const before = this.#asking;
    this.#asking = this.#ask(ranks).then(() => before);
  }

  left(online: Idset): void {
    this.#queue.keep(online);
  }

  /** Resolves when all ranks that are known to be online have been asked; throws EINVAL for what can never be run. */
  async check(wish: Wish): Promise<void> {
    await this.#asking;
    this.#queue.check(wish);
  }

  add(jobid: number, wish: Wish): void {
    this.#queue.add(jobid, wish);
    this.#pump();
  }

  /** A job has ended, in the queue or after it. */
  over(jobid: number): void {
    this.#queue.remove(jobid);
    this.#queue.release(jobid);
    this.#pump();
  }

  async #ask(ranks: Idset): Promise<void> {
    const { handle, roll } = this.#options;
    try {
      for await (const { rank, payload } of ask(handle, [...ranks], "wreck.resources", roll())) {
        if (!payload) continue;
        this.#options.met(rank, `${payload.instance}`);
        this.join(rank, Number(payload.cores));
      }
    } catch (error) {
      // The module ends.
      if (!isErrno(error, "ECANCELED")) throw error;
    }
  }

  /** Once for all that happens in a turn. */
  #pump(): void {
    if (this.#due) return;
    this.#due = true;
    queueMicrotask(() => {
      this.#due = false;
      for (const { jobid, layout } of this.#queue.next()) this.#options.start(jobid, layout);
    });
  }
}
