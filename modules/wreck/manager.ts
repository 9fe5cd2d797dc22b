/** All jobs of the session, at rank 0: makes them, has them run, knows those that have not ended. */

import type { Handle, MeetingPlace, ModulePorts } from "../../broker/handle/mod.ts";
import { FluxError, Idset, isErrno, type JsonObject } from "../../broker/message/mod.ts";
import { Kvs } from "../kvs/client.ts";
import { Conductor } from "./conductor.ts";
import { HomeIo } from "./io/home_io.ts";
import type { JobInput } from "./job.ts";
import { Ledger } from "./ledger.ts";
import { LiveJob } from "./live_job.ts";
import type { Pmi } from "./pmi/pmi.ts";
import { spread } from "./layout.ts";
import { FINAL_STATES, type JobNews, type JobSpec, type Roll } from "./protocol.ts";
import type { Ranks } from "./ranks.ts";
import { Defaults } from "./defaults.ts";
import { putRequest, putStatus, readJob, readNumbers, readReport, readState } from "./record.ts";
import { Scheduler } from "./scheduler.ts";

const SIGKILL = 9;

export interface ManagerOptions {
  readonly handle: Handle;
  readonly ports: Pick<ModulePorts, "clock" | "files" | "log" | "random">;
  readonly place: MeetingPlace;
  readonly ranks: Ranks;
  readonly pmi: Pick<Pmi, "barrier">;
}

type Follow = (news: JobNews) => void;

export class Manager {
  readonly io: HomeIo;
  readonly kvs: Kvs;
  readonly scheduler: Scheduler;
  readonly #options: ManagerOptions;
  readonly #ledger: Ledger;
  readonly #conductor: Conductor;
  readonly #defaults: Defaults;
  /** Those that have not ended, in ascending order. */
  readonly #jobs = new Map<number, LiveJob>();
  /** Who follows jobs that do not run yet. */
  readonly #expecting = new Map<number, Set<Follow>>();
  /** The newest number. */
  #last = 0;
  #recovered: Promise<void> = Promise.resolve();

  constructor(options: ManagerOptions) {
    const { handle, ports: { clock, files, log } } = options;
    this.#options = options;
    this.kvs = new Kvs(handle);
    this.#defaults = new Defaults(this.kvs, (text) => log("err", text));
    this.#ledger = new Ledger(handle, clock, () => ({ last: this.#last, oldest: this.#oldest }));
    this.io = new HomeIo({
      handle,
      clock,
      files,
      ledger: this.#ledger,
      failed: (jobid, reason) => {
        const job = this.#jobs.get(jobid);
        if (job) this.tell(job, { is: "failed", reason });
      },
    });
    this.scheduler = new Scheduler({
      handle,
      start: (jobid, layout) => {
        const job = this.#jobs.get(jobid);
        if (job) this.tell(job, { is: "run", layout });
      },
      met: (rank, instance) => this.#met(rank, instance),
      roll: () => this.#roll(),
    });
    this.#conductor = new Conductor({
      ...options,
      // Jobs of other sessions have the same numbers.
      session: options.ports.random.uuid().slice(0, 8),
      ledger: this.#ledger,
      io: this.io,
      ended: ({ jobid }) => this.scheduler.over(jobid),
      recorded: ({ jobid }) => void this.#jobs.delete(jobid),
    });
  }

  /** Takes up what an earlier life of the session, or of the module, has left. Resolves when numbers can be given. */
  async begin(): Promise<void> {
    this.#defaults.follow();
    const { last, oldest } = await readNumbers(this.kvs);
    if (last === 0) return;
    this.#last = await this.#number(0);
    if (this.#last < last) {
      await this.#options.handle.rpc("cmb.seq.set", { name: "lwj", value: last }, { rank: 0 });
      this.#last = last;
    }
    this.#recovered = this.#recover(oldest, last).catch((error) => {
      if (!isErrno(error, "ECANCELED")) throw error;
    });
  }

  /** The module ends, and with it the jobs that run; those in the queue stay there. */
  async stop(): Promise<void> {
    const { handle } = this.#options;
    for (const { jobid, machine: { layout } } of this.#jobs.values()) {
      for (const rank of layout?.ranks ?? []) handle.post("wreck.signal", { jobid, signal: SIGKILL }, { rank });
    }
    await this.#ledger.flush();
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

  /** The same, once it is known what of an earlier life has to be taken up. */
  async find(jobid: number): Promise<LiveJob | undefined> {
    if (!this.#jobs.has(jobid)) await this.#recovered;
    return this.#jobs.get(jobid);
  }

  /** Jobs that have not ended. */
  get size(): number {
    return this.#jobs.size;
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

  /** Something happened to a job. */
  tell(job: LiveJob, input: JobInput): void {
    this.#conductor.tell(job, input);
  }

  /** Somebody who hears no answer has asked for what cannot be. */
  complain(text: string): void {
    this.#options.ports.log("err", text);
  }

  /** Makes a job that waits to be run: whoever asked for it, by the event `wrexec.run.N`. Throws why it cannot be stored. */
  async create(request: JsonObject): Promise<number> {
    const jobid = await this.#number(1);
    await this.#conductor.record(jobid, "reserved", (transaction) => putRequest(transaction, jobid, request));
    return jobid;
  }

  /**
   * Makes a job and runs it at once. Throws as `create` does, and EINVAL when it asks for more than there is; then there is no job.
   * `made` is called before anything happens to it.
   */
  async run(spec: JobSpec, follow?: Follow, made?: (jobid: number) => void): Promise<number> {
    const layout = spread(spec, [...this.#options.ranks.online]);
    const jobid = await this.#number(1);
    const job = new LiveJob(jobid, this.#defaults.applied(spec), "reserved");
    if (follow) job.followers.add(follow);
    await this.#make([job], spec, made);
    this.tell(job, { is: "run", layout });
    return jobid;
  }

  /**
   * Makes equal jobs that wait for their turn, with consecutive numbers, one for each of `cc`; returns the first. Throws as `run` does,
   * also for what the session has not the cores for.
   */
  async submit(spec: JobSpec, cc: readonly (number | undefined)[]): Promise<number> {
    this.io.check(spec);
    await this.scheduler.check(spec);
    const first = await this.#number(cc.length);
    const applied = this.#defaults.applied(spec);
    const jobs = cc.map((copy, i) => new LiveJob(first + i, applied, "submitted", copy));
    await this.#make(jobs, spec);
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
      const place = layout ?? spread(spec, [...this.#options.ranks.online]);
      const job = new LiveJob(jobid, this.#defaults.applied(spec), "reserved", undefined, this.#expecting.get(jobid));
      this.#expecting.delete(jobid);
      this.#keep(job);
      this.tell(job, { is: "run", layout: place });
    } catch (error) {
      if (!(error instanceof FluxError)) throw error;
      this.#options.ports.log("err", `job ${jobid}: ${error.message}`);
      if (!isErrno(error, "EINVAL") && !isErrno(error, "EPROTO")) return;
      const result = await this.#conductor.refuse(jobid, error.message);
      for (const follow of [...this.#expecting.get(jobid) ?? []]) follow({ jobid, state: result.state, result });
      await this.io.end(jobid);
    }
  }

  /** Signals a job, and lets everybody know. */
  publishKill(jobid: number, signal: number): void {
    this.#options.handle.publish(`wreck.${jobid}.kill`, { signal });
  }

  /** All ranks of a job, and rank 0, have come to one of its fences. */
  met(name: string, bodies: readonly JsonObject[]): void {
    const [, jobid, phase] = name.split(".");
    const job = this.#jobs.get(Number(jobid));
    if (!job || (phase !== "startup" && phase !== "shutdown")) return;
    for (const body of bodies) {
      if (body.rank !== undefined) job.report(phase, Number(body.rank), readReport(body));
    }
  }

  /** Some of its ranks have come to a fence of a job. */
  came(name: string): void {
    const [, jobid, phase] = name.split(".");
    if (phase === "shutdown") this.waiting(Number(jobid));
  }

  /** A task of this rank enters no barrier any more, while others there live. */
  left(jobid: number, rank: number, task: number, status: number | undefined): void {
    const job = this.#jobs.get(jobid);
    if (!job) return;
    (job.left ??= new Map()).set(rank, { tasks: [task], statuses: [status] });
    this.waiting(jobid);
  }

  /** Some of the tasks of a job wait for others, or have ended. */
  waiting(jobid: number): void {
    const job = this.#jobs.get(jobid);
    if (job) this.#conductor.lookForStranded(job);
  }

  /** A task has ended, before others of its job: for `commit-on-task-exit`. */
  async taskExit(jobid: number, task: number, status: number): Promise<void> {
    if (!this.#jobs.has(jobid)) return;
    await this.#conductor.settled(this.#ledger.write((transaction) => putStatus(transaction, jobid, task, status)));
  }

  /** Records new jobs; if that fails there are none. */
  async #make(jobs: readonly LiveJob[], spec: JobSpec, made?: (jobid: number) => void): Promise<void> {
    try {
      for (const job of jobs) {
        this.#keep(job);
        made?.(job.jobid);
      }
      await Promise.all(
        jobs.map(({ jobid, cc, state }) =>
          this.#conductor.record(jobid, state, (transaction) => putRequest(transaction, jobid, { ...spec, cc }))
        ),
      );
    } catch (error) {
      for (const { jobid } of jobs) {
        this.#jobs.delete(jobid);
        void this.#conductor.settled(this.io.end(jobid));
      }
      throw error;
    }
  }

  /** Throws EINVAL for input that cannot be. One in the queue has its input and output when its turn comes: there may be many. */
  #keep(job: LiveJob): void {
    if (job.state !== "submitted") this.io.open(job.jobid, job.spec);
    const isNewest = this.#jobs.size === 0 || job.jobid > this.#newest;
    this.#jobs.set(job.jobid, job);
    if (isNewest) return void (this.#newest = job.jobid);
    const sorted = [...this.#jobs].sort(([a], [b]) => a - b);
    this.#jobs.clear();
    for (const [jobid, one] of sorted) this.#jobs.set(jobid, one);
  }

  /** The newest number of those that have not ended, or have. */
  #newest = 0;

  /** No job before this one has anything to be taken up. */
  get #oldest(): number {
    return this.#jobs.keys().next().value ?? this.#last + 1;
  }

  /** The first of so many numbers that nobody else has; with 0 of them, the newest there is. */
  async #number(count: number): Promise<number> {
    const request = { name: "lwj", create: true, preincrement: count, postincrement: 0 };
    const { value } = await this.#options.handle.rpc<{ value: number }>("cmb.seq.fetch", request, { rank: 0 });
    if (count === 0) return value;
    this.#last = Math.max(this.#last, value);
    return value - count + 1;
  }

  /** What was in the queue is there again; what ran has lost its tasks. */
  async #recover(oldest: number, last: number): Promise<void> {
    for (let jobid = oldest; jobid <= last; jobid++) {
      if (this.#jobs.has(jobid)) continue;
      const state = await readState(this.kvs, jobid).catch((error) => {
        if (isErrno(error, "ENOENT") || isErrno(error, "ENOTDIR")) return undefined;
        throw error;
      });
      if (state === undefined || state === "reserved" || FINAL_STATES.has(state)) continue;
      if (state !== "submitted") await this.#conductor.refuse(jobid, "the session ended while it ran", true);
      else await this.#requeue(jobid);
    }
  }

  async #requeue(jobid: number): Promise<void> {
    try {
      const { spec, cc } = await readJob(this.kvs, jobid);
      await this.scheduler.check(spec);
      this.#keep(new LiveJob(jobid, this.#defaults.applied(spec), "submitted", cc));
      this.scheduler.add(jobid, spec);
    } catch (error) {
      if (!(error instanceof FluxError) || error.code === "ECANCELED") throw error;
      await this.#conductor.refuse(jobid, error.message);
    }
  }

  #roll(): Roll {
    const running = [...this.#jobs.values()].filter(({ machine: { phase } }) =>
      phase === "starting" || phase === "running"
    );
    return { order: this.#conductor.started, jobs: `${new Idset(running.map(({ jobid }) => jobid))}` };
  }

  /** Jobs that a rank had a part in, in another life of it, have lost that. */
  #met(rank: number, instance: string): void {
    for (const job of this.#jobs.values()) {
      if (job.machine.phase === "waiting") continue;
      const known = job.instances.get(rank);
      if (known === undefined || known === instance) continue;
      this.tell(job, { is: "failed", reason: `${this.#options.ranks.name(rank)} was restarted`, isNodeFailure: true });
    }
  }
}
