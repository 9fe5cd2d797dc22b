/**
 * Jobs that run, at rank 0: carries out what their state machines say, over the ranks, in the KVS and as events, and tells those who
 * follow.
 */

import { type Handle, integerField, type MeetingPlace, type ModulePorts } from "../../broker/handle/mod.ts";
import { decodeJson, FluxError, Idset, isErrno } from "../../broker/message/mod.ts";
import type { Transaction } from "../kvs/client.ts";
import { ask, askPatiently, type RankAnswer } from "./dispatch.ts";
import type { HomeIo } from "./io/home_io.ts";
import { failure, type JobAction, type JobInput } from "./job.ts";
import type { Ledger } from "./ledger.ts";
import type { LiveJob } from "./live_job.ts";
import { FINAL_STATES, type JobResult, type JobState, type Layout, type StartRequest } from "./protocol.ts";
import type { Ranks } from "./ranks.ts";
import { endLog, putLayout, putLog, putPids, putResult, putState, putStatuses, readReport } from "./record.ts";
import type { Pmi } from "./pmi/pmi.ts";
import { endedRanks, LINGER, type Stranding, stranding } from "./pmi/stranding.ts";
import { meetingTerms } from "./runner.ts";

/** Tasks that were killed have this long to be gone, ms: some may hang in the kernel. */
const CLEARING = 15_000;
const OVER = new FluxError("ECANCELED", "the job is over");

export interface ConductorOptions {
  readonly handle: Handle;
  readonly ports: Pick<ModulePorts, "clock" | "log">;
  readonly place: MeetingPlace;
  readonly ranks: Ranks;
  /** Unlike that of any other session. */
  readonly session: string;
  readonly ledger: Ledger;
  readonly io: HomeIo;
  readonly pmi: Pick<Pmi, "barrier">;
  /** Nothing happens to a job any more; its cores are free. */
  ended(job: LiveJob): void;
  /** Its result is recorded, or cannot be. */
  recorded(job: LiveJob): void;
}

export class Conductor {
  readonly #options: ConductorOptions;
  #started = 0;

  constructor(options: ConductorOptions) {
    this.#options = options;
  }

  /** Jobs that were started so far. */
  get started(): number {
    return this.#started;
  }

  /** Something happened to a job. */
  tell(job: LiveJob, input: JobInput): void {
    for (const action of job.machine.handle(input)) this.#do(job, action);
  }

  /** Ends a job whose tasks wait in a barrier for others that are no more. Who was signalled together may end together. */
  lookForStranded(job: LiveJob): void {
    const found = this.#stranding(job);
    if (!found) return;
    if (job.signals.length === 0) return this.tell(job, { is: "abort", ...found });
    job.linger ??= this.#options.ports.clock.after(LINGER, () => {
      job.linger = undefined;
      const still = this.#stranding(job);
      if (still) this.tell(job, { is: "abort", ...still });
    });
  }

  #stranding({ jobid, layout, left }: LiveJob): Stranding | undefined {
    const { pmi, place, ranks } = this.#options;
    const barrier = pmi.barrier(jobid);
    if (!barrier) return undefined;
    const end = place.open(meetingTerms("shutdown", jobid, layout));
    const leavers = new Map([...left ?? [], ...end ? endedRanks(layout, end) : []]);
    return stranding(layout, { barrier, leavers, host: (rank) => ranks.host(rank) });
  }

  /** Writes a state, then tells everybody. With `canWait` it goes along with what is written next. */
  async record(
    jobid: number,
    state: JobState,
    also?: (transaction: Transaction) => void,
    canWait = false,
  ): Promise<void> {
    const { handle, ledger, ports: { clock } } = this.#options;
    await ledger.write((transaction) => {
      putState(transaction, jobid, state, clock.wall());
      also?.(transaction);
    }, canWait);
    handle.publish(`wreck.state.${state}`, { lwj: jobid });
  }

  /** The end of a job that was never run by this one, once it is recorded. */
  async refuse(jobid: number, reason: string, isNodeFailure = false): Promise<JobResult> {
    const result: JobResult = { jobid, state: "failed", ends: [], ...failure(reason, isNodeFailure) };
    await this.settled(this.record(jobid, "failed", (transaction) => putResult(transaction, jobid, result, 0)));
    return result;
  }

  /** A job goes on though nothing of it can be stored; what is lost is said. */
  async settled(written: Promise<void>): Promise<void> {
    try {
      await written;
    } catch (error) {
      this.#complain(error, "cannot record what jobs do: ");
    }
  }

  #do(job: LiveJob, action: JobAction): void {
    const { ports: { clock, log } } = this.#options;
    const { jobid } = job;
    switch (action.do) {
      case "state":
        return this.#state(job, action.state);
      case "start":
        return void this.#background(this.#begin(job, action.layout));
      case "pids": {
        this.#options.io.started(jobid);
        const told = { command: job.spec.cmdline[0]!, layout: job.layout, pids: action.pids };
        return this.#write((transaction) => putPids(transaction, jobid, told));
      }
      case "statuses":
        return this.#write((transaction) => putStatuses(transaction, jobid, action.statuses));
      case "signal":
        job.signals.push(action.number);
        return void this.#background(this.#signal(job, job.layout.ranks, action.number));
      case "clear":
        return void this.#background(this.#clear(job));
      case "wake":
        job.timer?.cancel();
        job.timer = clock.after(action.ms, () => this.tell(job, { is: "expired" }));
        return;
      case "log":
        log("info", `job ${jobid}: ${action.text}`);
        return this.#write((transaction) => putLog(transaction, jobid, job.logged++, action.text));
      case "over":
        return void this.#over(job, action.result);
    }
  }

  /** Nothing starts when a file that the job names cannot be opened. */
  async #begin(job: LiveJob, layout: Layout): Promise<void> {
    this.#write((transaction) => putLayout(transaction, job.jobid, layout));
    const { io } = this.#options;
    try {
      io.open(job.jobid, job.spec);
      await io.begin(job.jobid, layout);
    } catch (error) {
      if (!(error instanceof FluxError)) throw error;
      return this.tell(job, { is: "failed", reason: error.message });
    }
    this.#watch(job, layout);
    await this.#start(job, layout);
  }

  #state(job: LiveJob, state: JobState): void {
    const { jobid } = job;
    job.state = state;
    const isFinal = FINAL_STATES.has(state);
    if (isFinal) void this.settled(this.#options.io.end(jobid));
    const written = this.settled(this.record(jobid, state, undefined, true));
    // Who follows hears of each state in order, and of the last one with the result.
    job.told = job.told.then(() => written).then(() => {
      if (!isFinal) job.announce({ jobid, state });
    });
  }

  async #over(job: LiveJob, result: JobResult): Promise<void> {
    const { ledger, ended, recorded } = this.#options;
    const { jobid } = job;
    job.timer?.cancel();
    job.linger?.cancel();
    if (result.state === "failed") job.ended.abort(OVER);
    ended(job);
    await this.settled(ledger.write((transaction) => {
      putResult(transaction, jobid, result, job.machine.size);
      endLog(transaction, jobid, job.logged);
    }));
    await job.told;
    recorded(job);
    job.announce({ jobid, state: result.state, result });
  }

  async #start(job: LiveJob, layout: Layout): Promise<void> {
    const { handle, ports: { clock }, ranks, session } = this.#options;
    const { jobid, spec, cc } = job;
    handle.publish(`wrexec.run.${jobid}`, {});
    const request: StartRequest = { jobid, name: `${jobid}.${session}`, spec, layout, cc, order: ++this.#started };
    const again = () => !job.isFailing;
    for await (const answer of askPatiently(handle, layout.ranks, "wreck.start", request, { clock, again })) {
      const { rank, error, payload, isLate } = answer;
      if (payload) job.instances.set(rank, `${payload.instance}`);
      // Its tasks have begun when the others were already being killed.
      if (payload && job.isFailing) { for await (const _ of this.#askToClear(jobid, [rank])); }
      if (isLate) { for (const number of job.signals) await this.#signal(job, [rank], number); }
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
        this.tell(job, { is: "failed", reason: this.#culprit(error.message), isNodeFailure: true });
      });
    }
  }

  /** Who is at fault when a fence failed, with hosts. */
  #culprit(text: string): string {
    const [, ids] = /ranks? ([\d,-]+) (?:is|are) gone/.exec(text) ?? [];
    if (ids === undefined) return text;
    const gone = [...Idset.parse(ids)].map((rank) => this.#options.ranks.name(rank));
    return `${gone.join(", ")} ${gone.length === 1 ? "is" : "are"} gone`;
  }

  async #enter(job: LiveJob, layout: Layout, phase: "startup" | "shutdown"): Promise<void> {
    const { signal } = job.ended;
    const terms = meetingTerms(phase, job.jobid, layout);
    await this.#options.place.enter({ sender: "rank 0's watch", signal }, { terms });
  }

  /** A rank that is unreachable, or has no tasks of it any more, needs no signal. */
  async #signal({ jobid }: LiveJob, ranks: readonly number[], signal: number): Promise<void> {
    for await (const _ of ask(this.#options.handle, ranks, "wreck.signal", { jobid, signal }));
  }

  /** A rank that is unreachable and lives is on its way to another parent. */
  #askToClear(jobid: number, those: readonly number[]): AsyncGenerator<RankAnswer, void> {
    const { handle, ports: { clock }, ranks } = this.#options;
    const again = (rank: number) => ranks.online.has(rank);
    return askPatiently(handle, those, "wreck.clear", { jobid }, { clock, timeout: CLEARING, again });
  }

  async #clear(job: LiveJob): Promise<void> {
    const { jobid, layout: { ranks } } = job;
    for await (const { rank, payload } of this.#askToClear(jobid, ranks)) {
      if (payload) job.report("shutdown", rank, readReport(payload));
    }
    // A rank that had ended before has nothing to clear, and has brought its report already.
    const { bodies = [] } = this.#options.place.open(meetingTerms("shutdown", jobid, job.layout)) ?? {};
    for (const body of bodies) {
      const report = decodeJson(body);
      job.report("shutdown", integerField(report, "rank"), readReport(report));
    }
    this.tell(job, { is: "cleared", statuses: job.knownStatuses() });
  }

  /** It may wait for what comes next of the job. */
  #write(add: (transaction: Transaction) => void): void {
    void this.settled(this.#options.ledger.write(add, true));
  }

  /** What nobody waits for. It ends with the module. */
  async #background(work: Promise<void>): Promise<void> {
    try {
      await work;
    } catch (error) {
      this.#complain(error, "");
    }
  }

  #complain(error: unknown, what: string): void {
    if (!(error instanceof FluxError)) throw error;
    if (error.code !== "ECANCELED") this.#options.ports.log("err", what + error.message);
  }
}
