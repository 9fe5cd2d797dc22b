/** A task that runs: carries out what the state machine of {@link Subprocess} says, and tells it what came of that. */

import { FluxError } from "../../message/mod.ts";
import { type Clock, sleep, type Spawner, type Task, type TaskOptions, waitStatus } from "../../ports/mod.ts";
import { channelEnds, type Reader, type Writer } from "./channel_ends.ts";
import { type Action, type Input, type News, Subprocess, type SubprocessOptions } from "./subprocess.ts";

/** A reader that has this much coming is given no more, bytes. */
const BACKLOG = 1 << 20;
/** Between two looks whether it has taken some of that, ms. */
const PATIENCE = 10;

export interface RunningOptions extends SubprocessOptions {
  readonly task: TaskOptions;
  readonly clock: Clock;
  readonly spawner: Pick<Spawner, "spawnTask">;
  readonly tellsStops: boolean;
  /** Who reads hears of what happened. */
  tell(news: News): void;
  /** Bytes on their way to who reads, where that is known. */
  backlog(): number;
  /** The process group exists from now on, and is of no interest any more. */
  began(pid: number): void;
  over(pid: number): void;
}

export class Running {
  readonly #options: RunningOptions;
  readonly #machine: Subprocess;
  readonly #done = Promise.withResolvers<void>();
  readonly #readers = new Map<string, Reader>();
  readonly #writers = new Map<string, Writer>();
  #task: Task | undefined;

  constructor(options: RunningOptions) {
    this.#options = options;
    this.#machine = new Subprocess(options);
    this.#done.promise.catch(() => {});
  }

  /** Resolves when nothing comes any more; rejects with why it could not be started, or was given up. */
  get done(): Promise<void> {
    return this.#done.promise;
  }

  /** Throws ESRCH before it is started. */
  get pid(): number {
    if (!this.#task) throw new FluxError("ESRCH");
    return this.#task.pid;
  }

  get isOver(): boolean {
    return this.#machine.phase === "over";
  }

  /** Bytes written to it that it has not read. */
  get waiting(): number {
    return this.#machine.waiting;
  }

  async start(): Promise<void> {
    const { spawner, task: options, began } = this.#options;
    let task: Task;
    try {
      task = await spawner.spawnTask(options);
    } catch (error) {
      if (!(error instanceof FluxError)) throw error;
      return this.handle({ is: "refused", error });
    }
    this.#task = task;
    began(task.pid);
    this.#open("stdin", task.stdin, null);
    this.#open("stdout", null, task.stdout);
    this.#open("stderr", null, task.stderr);
    const names = this.#options.inputs.map(({ name }) => name).filter((name) => name !== "stdin");
    for (const [i, name] of names.entries()) {
      const { reader, writer } = channelEnds(task.channels[i]!);
      this.#readers.set(name, reader);
      this.#writers.set(name, writer);
    }
    if (this.#options.tellsStops) task.onStop(() => this.handle({ is: "stopped" }));
    void task.status.then((status) => this.handle({ is: "exited", status: waitStatus(status) }));
    this.handle({ is: "started", pid: task.pid });
  }

  /** Passes on what happened elsewhere. Too much input ends the task, and fails it. */
  handle(input: Input): void {
    let actions: Action[];
    try {
      actions = this.#machine.handle(input);
    } catch (error) {
      if (!(error instanceof FluxError)) throw error;
      this.#done.reject(error);
      actions = this.#machine.handle({ is: "abandon" });
    }
    for (const action of actions) this.#carryOut(action);
  }

  /** Signals its process group. Throws ESRCH when nobody of it is left, EPERM, EINVAL. */
  signal(number: number): void {
    if (!this.#task?.signal(number)) throw new FluxError("ESRCH");
  }

  #carryOut(action: Action): void {
    switch (action.do) {
      case "tell":
        return this.#options.tell(action.news);
      case "read":
        return void this.#read(action.stream);
      case "write":
        return void this.#write(action.stream, action.bytes);
      case "close":
        return void this.#writers.get(action.stream)?.close().catch(() => {});
      case "discard":
        return void this.#readers.get(action.stream)?.cancel().catch(() => {});
      case "signal":
        this.#task?.signal(action.number);
        return;
      case "over":
        if (this.#task) this.#options.over(this.#task.pid);
        if (action.error) this.#done.reject(action.error);
        else this.#done.resolve();
    }
  }

  #open(name: string, input: WritableStream<Uint8Array> | null, output: ReadableStream<Uint8Array> | null): void {
    if (input) this.#writers.set(name, input.getWriter());
    if (output) this.#readers.set(name, output.getReader());
  }

  async #read(stream: string): Promise<void> {
    const { clock, backlog } = this.#options;
    while (backlog() > BACKLOG && !this.isOver) await sleep(clock, PATIENCE);
    let bytes: Uint8Array | undefined;
    try {
      bytes = (await this.#readers.get(stream)!.read()).value;
    } catch {
      bytes = undefined; // given up, or broken: the end either way
    }
    this.handle(bytes ? { is: "read", stream, bytes } : { is: "ended", stream });
  }

  async #write(stream: string, bytes: Uint8Array): Promise<void> {
    try {
      await this.#writers.get(stream)!.write(bytes);
    } catch {
      return this.handle({ is: "unread", stream });
    }
    this.handle({ is: "taken", stream });
  }
}
