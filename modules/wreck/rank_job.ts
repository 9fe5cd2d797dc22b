/** The part of a job on one rank: starts its tasks, passes on what they write, reports their start and their end. */

import type { Handle, HostedTask, ModulePorts, TaskNews } from "../../broker/handle/mod.ts";
import { FluxError, type JsonObject, strerror } from "../../broker/message/mod.ts";
import { sleep, startStatus } from "../../broker/ports/mod.ts";
import type { Contribution, Contributor, JobReins, LocalJob } from "./contribution.ts";
import { taskEnvironment } from "./environment.ts";
import { openRankIo, type OutputName, type RankIo } from "./io/rank_io.ts";
import { cpusOf, placeOf, taskCount } from "./layout.ts";
import { Part, type PartStep } from "./part.ts";
import type { RankReport, StartRequest } from "./protocol.ts";

/** So many tasks are started before everything else has its turn. */
const AT_ONCE = 8;
/** Stops a task before its program begins, until a debugger lets it go on. */
const STOP = ["/bin/sh", "-c", 'kill -STOP $$; exec "$@"', "sh"];
const SIGKILL = 9;

export interface RankJobOptions {
  readonly request: StartRequest;
  readonly rank: number;
  readonly handle: Handle;
  readonly ports: Pick<ModulePorts, "clock" | "tasks" | "log">;
  readonly contributors: readonly Contributor[];
  /** Brings a report to `lwj.N.startup` or `lwj.N.shutdown`. */
  bring(phase: "startup" | "shutdown", report: RankReport): void;
  abort(code: number, reason: string): void;
}

export class RankJob {
  readonly #options: RankJobOptions;
  readonly #job: LocalJob;
  readonly #part: Part;
  readonly #io: RankIo;
  readonly #contributions: readonly Contribution[];
  /** By their place among those of the rank; undefined until they are started. */
  readonly #tasks: (HostedTask | undefined)[];
  readonly #over = Promise.withResolvers<RankReport>();
  #unwanted = false;
  /** All tasks are to be dead: those that have not started never do. */
  #killed = false;

  /** Throws EINVAL for a rank without a part in the job, and for processors that are none. */
  constructor(options: RankJobOptions) {
    const { request: { jobid, name, spec, layout, cc }, rank, handle, ports: { clock } } = options;
    const place = placeOf(layout, rank);
    if (!place) throw new FluxError("EINVAL", `job ${jobid} has no tasks on rank ${rank}`);
    this.#options = options;
    this.#job = { jobid, name, spec, layout, cc, rank, place, handle, clock };
    this.#part = new Part(place.tasks.length);
    this.#tasks = Array(place.tasks.length).fill(undefined);
    this.#io = openRankIo(this.#job, {
      grant: (task, stream, bytes) => this.#task(task)?.grant(stream, bytes),
      write: (task, bytes) => this.#task(task)?.write("stdin", bytes),
      end: (task) => this.#task(task)?.end("stdin"),
    });
    const reins: JobReins = {
      write: (task, channel, bytes) => this.#task(task)?.write(channel, bytes),
      end: (task, channel) => this.#task(task)?.end(channel),
      drop: (task, channel) => this.#task(task)?.drop(channel),
      abort: (code, reason) => options.abort(code, reason),
      log: (text) => options.ports.log("info", `job ${jobid}: ${text}`),
    };
    this.#contributions = options.contributors.map((make) => make(this.#job, reins)).filter((made) =>
      made !== undefined
    );
  }

  get order(): number {
    return this.#options.request.order;
  }

  /** Resolves when no task is left, with what became of them. */
  get over(): Promise<RankReport> {
    return this.#over.promise;
  }

  /** Starts all tasks. What keeps one from running is its own end, and is written to its standard error. */
  async start(): Promise<void> {
    try {
      for (const contribution of this.#contributions) await contribution.begin?.();
    } catch (error) {
      if (!(error instanceof FluxError)) throw error;
      this.#options.abort(1, `rank ${this.#job.rank}: ${error.message}`);
      for (const index of this.#tasks.keys()) this.#do(this.#part.refused(index, SIGKILL));
      return;
    }
    for (const index of this.#tasks.keys()) {
      if (index > 0 && index % AT_ONCE === 0) await sleep(this.#options.ports.clock, 0);
      if (this.#killed) this.#do(this.#part.refused(index, SIGKILL));
      else this.#start(index);
    }
  }

  signal(number: number): void {
    if (number === SIGKILL) this.#killed = true;
    for (const one of this.#contributions) one.signalled?.(number);
    this.#do(this.#part.signal(number));
  }

  /** Somebody wants what the tasks write, again. */
  wanted(): void {
    this.#io.wanted();
  }

  /** What tasks are to read. Resolves when they have taken it, but for a little. */
  input(payload: JsonObject): Promise<void> {
    return this.#io.input(payload);
  }

  /** Kills all tasks, and starts none any more; resolves with what became of them. */
  async clear(): Promise<RankReport> {
    this.#unwanted = true;
    this.signal(SIGKILL);
    return await this.over;
  }

  #task(task: number): HostedTask | undefined {
    return this.#tasks[task - this.#job.place.tasks[0]!];
  }

  #start(index: number): void {
    const { jobid, spec, layout, place, rank, cc } = this.#job;
    const task = place.tasks[index]!;
    const all = this.#contributions;
    const wrapper = all.flatMap((one) => one.wrapper?.(task) ?? []);
    const own = spec.tasks?.[task];
    const mask = own?.cpumask ?? layout.cpumask?.[rank];
    const cwd = own?.cwd ?? spec.cwd;
    let hosted: HostedTask;
    try {
      hosted = this.#tasks[index] = this.#options.ports.tasks.start({
        argv: [...(spec.options["stop-children-in-exec"] ? STOP : []), ...wrapper, ...spec.cmdline],
        ...(cwd !== undefined && { cwd }),
        env: Object.assign(
          { ...spec.environ, ...own?.environ },
          taskEnvironment({ jobid, cc, ntasks: taskCount(layout), nnodes: layout.ranks.length, place, task }),
          ...all.map((one) => one.environment?.(task)),
        ),
        input: this.#io.hasInput(task),
        credit: this.#io.credit,
        // Of one task alone a prompt is seen at once; lines of several must not mix.
        wholeLines: taskCount(layout) > 1,
        channels: all.flatMap((one) => one.channels?.(task) ?? []),
        ...(mask !== undefined && { cpus: cpusOf(mask) }),
        hear: (news) => this.#heard(index, task, news),
      });
    } catch (error) {
      if (!(error instanceof FluxError)) throw error;
      return this.#refused(index, task, error);
    }
    hosted.done.then(() => this.#do(this.#part.ended(index)), (error) => {
      if (hosted.pid === 0) return this.#refused(index, task, error);
      // It was killed, since it did not read what was written to it.
      this.#do(this.#part.exited(index, SIGKILL));
      this.#do(this.#part.ended(index));
    });
  }

  #heard(index: number, task: number, news: TaskNews): void {
    switch (news.type) {
      case "started":
        return this.#do(this.#part.started(index, news.pid));
      case "finished":
        this.#io.exited(task);
        for (const one of this.#contributions) one.exited?.(task, news.status);
        if (this.#job.spec.options["commit-on-task-exit"]) this.#tellExit(task, news.status);
        return this.#do(this.#part.exited(index, news.status));
      case "output":
        if (news.stream === "stdout" || news.stream === "stderr") {
          return this.#io.output(task, news.stream, news.bytes);
        }
        for (const one of this.#contributions) one.heard?.(task, news.stream, news.bytes);
        return;
      case "add-credit":
        if (news.stream === "stdin") this.#io.inputCredit(task, news.bytes);
    }
  }

  #tellExit(task: number, status: number): void {
    const { jobid, handle } = this.#job;
    handle.post("wreck.task-exit", { jobid, task, status }, { rank: 0 });
  }

  #refused(index: number, task: number, error: unknown): void {
    if (!(error instanceof FluxError)) throw error;
    const plain = strerror(error.errnum);
    const text = error.message.includes(plain) ? error.message.replace(`: ${plain}`, "") : error.message;
    this.#io.output(task, "stderr", new TextEncoder().encode(`execvp: ${plain}: ${text}\n`));
    for (const stream of ["stdout", "stderr"] satisfies OutputName[]) this.#io.output(task, stream, undefined);
    const status = startStatus(error) << 8;
    for (const one of this.#contributions) one.exited?.(task, status);
    this.#do(this.#part.refused(index, status));
  }

  #do(steps: readonly PartStep[]): void {
    for (const step of steps) {
      if (step.do === "signal") this.#signal(step.index, step.number);
      else if (step.do === "startup") this.#bring("startup", step.report);
      else if (step.do === "close") void this.#close();
      else {
        this.#bring("shutdown", step.report);
        this.#over.resolve(step.report);
      }
    }
  }

  /** Nobody comes to the fences of a job that has failed. */
  #bring(phase: "startup" | "shutdown", report: RankReport): void {
    if (!this.#unwanted) this.#options.bring(phase, report);
  }

  async #close(): Promise<void> {
    for (const one of this.#contributions) one.close?.();
    await this.#io.close();
    this.#do(this.#part.closed());
  }

  #signal(index: number, number: number): void {
    try {
      this.#tasks[index]?.signal(number);
    } catch (error) {
      if (!(error instanceof FluxError)) throw error;
    }
  }
}
