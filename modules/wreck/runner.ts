/**
 * The jobs that have tasks on this rank: `wreck.start`, `wreck.signal`, `wreck.clear`, which rank 0 asks for. What the tasks come to is
 * brought to the fences `lwj.N.startup` and `lwj.N.shutdown`, counted up the tree, where rank 0 is a party itself.
 */

import {
  type Handle,
  idsetField,
  integerField,
  type MeetingPlace,
  type Methods,
  type ModulePorts,
  type Terms,
} from "../../broker/handle/mod.ts";
import { encodeJson, FluxError, Idset, type JsonObject } from "../../broker/message/mod.ts";
import type { Contributor } from "./contribution.ts";
import type { Layout, RankReport, StartRequest } from "./protocol.ts";
import { RankJob } from "./rank_job.ts";
import { requestedSignal } from "./spec.ts";
import { readStart } from "./start_request.ts";

export interface RunnerOptions {
  readonly rank: number;
  readonly handle: Handle;
  readonly ports: Pick<ModulePorts, "clock" | "tasks" | "log">;
  readonly place: MeetingPlace;
  /** They add to the tasks of every job, in this order. */
  readonly contributors: readonly Contributor[];
  /** Tasks that jobs in the queue may have here at once. */
  readonly cores: number;
  /** This life of the module. */
  readonly instance: string;
}

/** A request that comes again, as its answer was lost, comes within this time, ms. */
const MEMORY = 60_000;

export class Runner {
  readonly #options: RunnerOptions;
  readonly #jobs = new Map<number, RankJob>();
  /** When those that have ended lately did, `clock.now()`, in that order. */
  readonly #ended = new Map<number, number>();

  constructor(options: RunnerOptions) {
    this.#options = options;
  }

  get methods(): Methods {
    const { cores, instance } = this.#options;
    return {
      "wreck.start": ({ payload }) => {
        this.#start(readStart(payload));
        return { instance };
      },
      "wreck.signal": ({ payload }) => this.#get(payload).signal(requestedSignal(payload)),
      "wreck.wanted": ({ payload }) => this.#jobs.get(integerField(payload, "jobid"))?.wanted(),
      "wreck.input": ({ payload }) => this.#get(payload).input(payload),
      "wreck.clear": async ({ payload }) => ({ ...await this.#get(payload).clear() }),
      "wreck.resources": ({ payload }) => {
        this.#settle(integerField(payload, "order"), idsetField(payload, "jobs"));
        return { cores, instance };
      },
    };
  }

  /** Jobs with tasks here. */
  get size(): number {
    return this.#jobs.size;
  }

  /** Once for a job, however often it is asked for. */
  #start(request: StartRequest): void {
    const { rank, handle, ports, contributors } = this.#options;
    const { jobid, layout } = request;
    this.#forget(ports.clock.now() - MEMORY);
    if (this.#jobs.has(jobid) || this.#ended.has(jobid)) return;
    const job = new RankJob({
      request,
      rank,
      handle,
      ports,
      contributors,
      bring: (phase, report) => void this.#bring(phase, jobid, layout, report),
      abort: (code, reason) => handle.post("wreck.abort", { jobid, code, reason }, { rank: 0 }),
    });
    this.#jobs.set(jobid, job);
    void job.over.then(() => {
      this.#jobs.delete(jobid);
      this.#ended.set(jobid, ports.clock.now());
    });
    void job.start();
  }

  #forget(before: number): void {
    for (const [jobid, at] of this.#ended) {
      if (at >= before) return;
      this.#ended.delete(jobid);
    }
  }

  /** Ends what has lost its job while this rank was out of reach. */
  #settle(order: number, jobs: Idset): void {
    for (const [jobid, job] of this.#jobs) if (job.order <= order && !jobs.has(jobid)) void job.clear();
  }

  /** What becomes of the meeting is rank 0's affair, which is in it. */
  async #bring(phase: "startup" | "shutdown", jobid: number, layout: Layout, report: RankReport): Promise<void> {
    const { rank, place } = this.#options;
    const body = encodeJson({ rank, ...report });
    try {
      await place.enter({ sender: `rank ${rank}`, signal: new AbortController().signal }, {
        terms: meetingTerms(phase, jobid, layout),
        body,
      });
    } catch (error) {
      if (!(error instanceof FluxError)) throw error;
    }
  }

  #get(payload: JsonObject): RankJob {
    const jobid = integerField(payload, "jobid");
    const job = this.#jobs.get(jobid);
    if (!job) throw new FluxError("ENOENT", `job ${jobid} has no tasks here`);
    return job;
  }
}

/** A meeting of the ranks of a job and of rank 0, which watches over it. */
export function meetingTerms(phase: "startup" | "shutdown", jobid: number, { ranks }: Layout): Terms {
  const members = new Idset(ranks).add(0);
  return { name: `lwj.${jobid}.${phase}`, scope: "wreck", nprocs: ranks.length + 1, ranks: `${members}` };
}
