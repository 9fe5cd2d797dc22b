/** All jobs, at rank 0: carries out what their state machines say, and tells those what came of it. */

import { type Handle, type MeetingPlace, type ModulePorts } from "../../broker/handle/mod.ts";
import { FluxError, type Idset, isErrno, type JsonObject } from "../../broker/message/mod.ts";
import { Kvs, type Transaction } from "../kvs/client.ts";
import { ask, askPatiently } from "./dispatch.ts";
import { HomeIo } from "./io/home_io.ts";
import type { JobAction, JobInput } from "./job.ts";
import { Ledger } from "./ledger.ts";
import { LiveJob } from "./live_job.ts";
import { spread } from "./layout.ts";
import {
  FINAL_STATES,
  type JobNews,
  type JobSpec,
  type JobState,
  type Layout,
  type RankReport,
  type StartRequest,
} from "./protocol.ts";
import type { Ranks } from "./ranks.ts";
import { putLayout, putPids, putRequest, putResult, putState, putStatuses, readJob, readState } from "./record.ts";
import { meetingTerms } from "./runner.ts";
import { Scheduler } from "./scheduler.ts";

/** Tasks that were killed have this long to be gone, ms: some may hang in the kernel. */
const CLEARING = 15_000;
const OVER = new FluxError("ECANCELED", "the job is over");

export interface ManagerOptions {
  readonly handle: Handle;
  readonly ports: Pick<ModulePorts, "clock" | "files" | "log" | "random">;
  readonly place: MeetingPlace;
  readonly ranks: Ranks;
}

type Follow = (news: JobNews) => void;

export class Manager {
  readonly ledger: Ledger;
  readonly io: HomeIo;
  readonly kvs: Kvs;
  readonly scheduler: Scheduler;
  readonly #options: ManagerOptions;
  /** Tells jobs of this session from those of others, which have the same numbers. */
  readonly #session: string;
  readonly #jobs = new Map<number, LiveJob>();
  /** Who follows jobs that do not run yet. */
  readonly #expecting = new Map<number, Set<Follow>>();

  constructor(options: ManagerOptions) {
    this.#options = options;
    this.#session = options.ports.random.uuid().slice(0, 8);
    this.kvs = new Kvs(options.handle);
    this.ledger = new Ledger(options.handle, options.ports.clock);
    const { handle, ports: { clock, files } } = options;
    this.io = new HomeIo({
      handle,
      clock,
      files,
      ledger: this.ledger,
      failed: (jobid, reason) => {
        const job = this.#jobs.get(jobid);
        if (job) this.tell(job, { is: "failed", reason });
      },
    });
    this.scheduler = new Scheduler({
      handle: options.handle,
      start: (jobid, layout) => {
        const job = this.#jobs.get(jobid);
        if (job) this.tell(job, { is: "run", layout });
      },
      met: (rank, instance) => this.#met(rank, instance),
    });
  }

  /** Who is online has changed; `fresh` are new, or back. */
  online(online: Idset, fresh: Idset): void {
    this.scheduler.left(online);
    if (fresh.size > 0) this.scheduler.came(fresh);
  }

  /** The module of a rank has begun. */
  hello(rank: number, cores: number, instance: string): void {
    this.#met(rank, instance);
    if (this.#options.ranks.online.has(rank)) this.scheduler.join(rank, cores);
  }

  /** A job that has not ended; undefined for any other. */
  get(jobid: number): LiveJob | undefined {
    return this.#jobs.get(jobid);
  }

  /** Calls `follow` with each state of a job from now on, also of one that is to be run later, until disposed. */
  follow(jobid: number, follow: Follow): Disposable {
    const job = this.#jobs.get(jobid);
    const followers = job?.followers ?? this.#expecting.get(jobid) ?? new Set();
    if (!job) this.#expecting.set(jobid, followers);
    followers.add(follow);
    return {
      [Symbol.dispose]: () => {
        followers.delete(follow);
        if (followers.size === 0) this.#expecting.delete(jobid);
      },
    };
  }

  /** Jobs that have not ended. */
  get size(): number {
    return this.#jobs.size;
  }

  /** Makes a job that waits to be run: whoever asked for it, by the event `wrexec.run.N`. Throws why it cannot be stored. */
  async create(request: JsonObject): Promise<number> {
    const jobid = await this.#number(1);
    await this.#record(jobid, "reserved", (transaction) => putRequest(transaction, jobid, request));
    return jobid;
  }

  /**
   * Makes a job and runs it at once. Throws as `create` does, and EINVAL when it asks for more than there is; then there is no job.
   * `made` is called before anything happens to it.
   */
  async run(spec: JobSpec, follow?: (news: JobNews) => void, made?: (jobid: number) => void): Promise<number> {
    const layout = spread(spec, [...this.#options.ranks.online]);
    const jobid = await this.#number(1);
    const job = this.#make(jobid, spec, "reserved");
    if (follow) job.followers.add(follow);
    made?.(jobid);
    try {
      await this.#record(jobid, "reserved", (transaction) => putRequest(transaction, jobid, spec));
    } catch (error) {
      this.#unmake(jobid);
      throw error;
    }
    this.tell(job, { is: "run", layout });
    return jobid;
  }

  /**
   * Makes equal jobs that wait for their turn, with consecutive numbers, one for each of `cc`; returns the first. Throws as `run` does,
   * also for what the session has not the cores for.
   */
  async submit(spec: JobSpec, cc: readonly (number | undefined)[]): Promise<number> {
    await this.scheduler.check(spec);
    const first = await this.#number(cc.length);
    const jobs = cc.map((copy, i) => this.#make(first + i, spec, "submitted", copy));
    const recorded = jobs.map(({ jobid, cc }) =>
      this.#record(jobid, "submitted", (transaction) => putRequest(transaction, jobid, { ...spec, cc }))
    );
    try {
      await Promise.all(recorded);
    } catch (error) {
      for (const { jobid } of jobs) this.#unmake(jobid);
      throw error;
    }
    for (const { jobid } of jobs) this.scheduler.add(jobid, spec);
    return first;
  }

  /**
   * Runs a job that was made by `create`, and filled in by whoever made it; passed over when it runs, or has run. What keeps it from
   * running is its end.
   */
  async runCreated(jobid: number): Promise<void> {
    if (this.#jobs.has(jobid)) return;
    try {
      if (await readState(this.kvs, jobid) !== "reserved") return;
      const { spec, layout } = await readJob(this.kvs, jobid);
      if (this.#jobs.has(jobid)) return;
      const job = this.#make(jobid, spec, "reserved", undefined, this.#expecting.get(jobid));
      this.#expecting.delete(jobid);
      this.tell(job, { is: "run", layout: layout ?? spread(spec, [...this.#options.ranks.online]) });
    } catch (error) {
      if (!(error instanceof FluxError)) throw error;
      this.#options.ports.log("err", `job ${jobid}: ${error.message}`);
      if (isErrno(error, "EINVAL") || isErrno(error, "EPROTO")) await this.#settled(this.#refuse(jobid, error.message));
    }
  }

  /** Signals a job, and lets everybody know. */
  publishKill(jobid: number, signal: number): void {
    this.#options.handle.publish(`wreck.${jobid}.kill`, { signal });
  }

  /** Something happened to a job. */
  tell(job: LiveJob, input: JobInput): void {
    for (const action of job.machine.handle(input)) this.#do(job, action);
  }

  /** All ranks of a job, and rank 0, have come to one of its fences. */
  met(name: string, bodies: readonly JsonObject[]): void {
    const [, jobid, phase] = name.split(".");
    const job = this.#jobs.get(Number(jobid));
    if (!job || (phase !== "startup" && phase !== "shutdown")) return;
    for (const body of bodies) {
      if (body.rank !== undefined) job.report(phase, Number(body.rank), body as RankReport & JsonObject);
    }
  }

  /** Throws EINVAL for input that cannot be. */
  #make(jobid: number, spec: JobSpec, state: JobState, cc?: number, followers?: Set<Follow>): LiveJob {
    this.io.open(jobid, spec);
    const job = new LiveJob(jobid, spec, state, cc, followers);
    this.#jobs.set(jobid, job);
    return job;
  }

  /** A job that could not be recorded: there is none. */
  #unmake(jobid: number): void {
    this.#jobs.delete(jobid);
    void this.io.end(jobid);
  }

  #do(job: LiveJob, action: JobAction): void {
    const { clock, log } = this.#options.ports;
    const { jobid } = job;
    switch (action.do) {
      case "state":
        return this.#state(job, action.state);
      case "start":
        this.#write((transaction) => putLayout(transaction, jobid, action.layout));
        return void this.#background(this.#begin(job, action.layout));
      case "pids": {
        this.io.started(jobid);
        const { spec: { cmdline }, layout } = job;
        return this.#write((transaction) =>
          putPids(transaction, jobid, { command: cmdline[0]!, layout, pids: action.pids })
        );
      }
      case "statuses":
        return this.#write((transaction) => putStatuses(transaction, jobid, action.statuses));
      case "signal":
        return void this.#background(this.#signal(job, action.number));
      case "clear":
        return void this.#background(this.#clear(job));
      case "wake":
        job.timer?.cancel();
        job.timer = clock.after(action.ms, () => this.tell(job, { is: "expired" }));
        return;
      case "log":
        return log("info", `job ${jobid}: ${action.text}`);
      case "over": {
        const { result } = action;
        job.timer?.cancel();
        if (result.state === "failed") job.ended.abort(OVER);
        this.scheduler.over(jobid);
        void this.#settled(this.ledger.write((transaction) => putResult(transaction, jobid, result))).then(() => {
          this.#jobs.delete(jobid);
          for (const follow of job.followers) follow({ jobid, state: result.state, result });
        });
      }
    }
  }

  #state(job: LiveJob, state: JobState): void {
    job.state = state;
    if (FINAL_STATES.has(state)) void this.#settled(this.io.end(job.jobid));
    void this.#settled(this.#record(job.jobid, state, undefined, true)).then(() => {
      if (!FINAL_STATES.has(state)) { for (const follow of job.followers) follow({ jobid: job.jobid, state }); }
    });
  }

  /** Writes a state, then tells everybody. */
  async #record(
    jobid: number,
    state: JobState,
    also?: (transaction: Transaction) => void,
    canWait = false,
  ): Promise<void> {
    const { handle, ports: { clock } } = this.#options;
    await this.ledger.write((transaction) => {
      putState(transaction, jobid, state, clock.wall());
      also?.(transaction);
    }, canWait);
    handle.publish(`wreck.state.${state}`, { lwj: jobid });
  }

  /** The end of a job that cannot be run. */
  async #refuse(jobid: number, reason: string): Promise<void> {
    await this.#record(jobid, "failed", (transaction) => {
      putResult(transaction, jobid, { jobid, state: "failed", code: 1, ends: [], reason });
    });
  }

  /** It may wait for what comes next of the job. */
  #write(add: (transaction: Transaction) => void): void {
    void this.#settled(this.ledger.write(add, true));
  }

  /** What nobody waits for. It ends with the module. */
  async #background(work: Promise<void>): Promise<void> {
    try {
      await work;
    } catch (error) {
      if (!(error instanceof FluxError)) throw error;
      if (error.code !== "ECANCELED") this.#options.ports.log("err", error.message);
    }
  }

  /** A job goes on though nothing of it can be stored; what is lost is said. */
  async #settled(written: Promise<void>): Promise<void> {
    try {
      await written;
    } catch (error) {
      if (!(error instanceof FluxError)) throw error;
      if (error.code !== "ECANCELED") this.#options.ports.log("err", `cannot record what jobs do: ${error.message}`);
    }
  }

  /** The first of so many numbers that nobody else has. */
  async #number(count: number): Promise<number> {
    const request = { name: "lwj", create: true, preincrement: count, postincrement: 0 };
    const { value } = await this.#options.handle.rpc<{ value: number }>("cmb.seq.fetch", request, { rank: 0 });
    return value - count + 1;
  }

  /** Jobs that a rank had a part in, in another life of it, have lost that. */
  #met(rank: number, instance: string): void {
    for (const job of this.#jobs.values()) {
      const known = job.instances.get(rank);
      if (known === undefined || known === instance) continue;
      this.tell(job, { is: "failed", reason: `${this.#options.ranks.name(rank)} was restarted`, isNodeFailure: true });
    }
  }

  /** Nothing starts when a file that the job names cannot be opened. */
  async #begin(job: LiveJob, layout: Layout): Promise<void> {
    try {
      await this.io.begin(job.jobid, layout);
    } catch (error) {
      if (!(error instanceof FluxError)) throw error;
      return this.tell(job, { is: "failed", reason: error.message });
    }
    this.#watch(job, layout);
    await this.#start(job, layout);
  }

  async #start(job: LiveJob, layout: Layout): Promise<void> {
    const { handle, ports: { clock }, ranks } = this.#options;
    const { jobid, spec, cc } = job;
    handle.publish(`wrexec.run.${jobid}`, {});
    const request: StartRequest = { jobid, name: `${jobid}.${this.#session}`, spec, layout, cc };
    for await (const { rank, error, payload } of askPatiently(handle, clock, layout.ranks, "wreck.start", request)) {
      if (payload) job.instances.set(rank, `${payload.instance}`);
      if (!error) continue;
      const isNodeFailure = isErrno(error, "EHOSTUNREACH") || isErrno(error, "ETIMEDOUT");
      this.tell(job, { is: "failed", reason: `${ranks.name(rank)}: ${error.message}`, isNodeFailure });
    }
  }

  /** Takes part in the fences of a job, and so hears how they end. */
  #watch(job: LiveJob, layout: Layout): void {
    const started = this.#enter(job, layout, "startup").then(() => {
      this.tell(job, { is: "started", pids: job.pids("startup") });
    });
    const ended = this.#enter(job, layout, "shutdown").then(() => {
      this.tell(job, { is: "ended", pids: job.pids("shutdown"), statuses: job.statuses() });
    });
    for (const fence of [started, ended]) {
      fence.catch((error) => {
        if (!(error instanceof FluxError)) throw error;
        this.tell(job, { is: "failed", reason: error.message, isNodeFailure: true });
      });
    }
  }

  async #enter(job: LiveJob, layout: Layout, phase: "startup" | "shutdown"): Promise<void> {
    const { signal } = job.ended;
    const terms = meetingTerms(phase, job.jobid, layout);
    await this.#options.place.enter({ sender: "rank 0's watch", signal }, { terms });
  }

  async #signal(job: LiveJob, number: number): Promise<void> {
    const { handle } = this.#options;
    const request = { jobid: job.jobid, signal: number };
    // A rank that is unreachable, or has no tasks of it any more, needs no signal.
    for await (const _ of ask(handle, job.layout.ranks, "wreck.signal", request));
  }

  async #clear(job: LiveJob): Promise<void> {
    const { handle } = this.#options;
    const { layout: { ranks }, jobid } = job;
    for await (const { rank, payload } of ask(handle, ranks, "wreck.clear", { jobid }, CLEARING)) {
      if (payload) job.report("shutdown", rank, payload as RankReport & JsonObject);
    }
    this.tell(job, { is: "cleared", statuses: job.knownStatuses() });
  }
}
