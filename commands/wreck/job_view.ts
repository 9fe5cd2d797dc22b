/** A job in front of somebody's eyes: what its tasks write as it comes, what becomes of it, signals for it. */

import { type Handle, Queue } from "../../broker/handle/mod.ts";
import { encodeIo, type Json } from "../../broker/message/mod.ts";
import { systemClock } from "../../broker/ports/mod.ts";
import { Jobs, type JobWatch, type Output } from "../../modules/wreck/client.ts";
import type { JobNews, JobResult } from "../../modules/wreck/protocol.ts";
import { CommandError, type HeardSignal, Interrupted } from "../command.ts";
import { LabelledLines } from "../exec/labelled_lines.ts";
import { orLostConnection } from "../lost_connection.ts";

/** Two signals within this time leave the job to itself, ms. */
const TWICE = 1000;
const SIGKILL = 9;

export interface JobViewOptions {
  readonly handle: Handle;
  readonly label: boolean;
  readonly json: boolean;
  warn(text: string): void;
  printError(bytes: Uint8Array): Promise<void> | undefined;
  /** Reads what becomes the standard input of the job, if it takes it from here. */
  read(into: Uint8Array): Promise<number | null>;
  /** Hears of each state. */
  news?(news: JobNews): void;
}

/** The most that is read from standard input at a time, bytes. */
const PIECE = 1 << 16;

type Happening = { readonly news: JobNews } | { readonly output: Output } | { readonly is: "told" };

export class JobView {
  readonly #options: JobViewOptions;
  readonly #happenings = new Queue<Happening>();
  readonly #lines = new Map<string, LabelledLines>();
  #jobid: number | undefined;
  #signalled = -Infinity;
  #state: string | undefined;
  /** A signal came before the number of the job. */
  #unwanted = false;

  constructor(options: JobViewOptions) {
    this.#options = options;
  }

  /** Follows a job by its news to its end. Yields what is to be printed; returns how it ended. */
  async *follow(watch: JobWatch): AsyncGenerator<Uint8Array | Json, JobResult> {
    void this.#listen(watch);
    let last: JobNews | undefined;
    while (!last?.result) {
      const { value: happening, done } = await this.#happenings.next();
      if (done) break;
      if ("output" in happening) {
        yield* this.#print(happening.output);
        watch.took(happening.output);
      } else if ("news" in happening) {
        last = happening.news;
        this.#state = last.state;
        this.#begin(last.jobid);
        this.#options.news?.(last);
        if (last.input) void this.#type(watch);
      } else if (!last?.result) throw new CommandError(`job ${last?.jobid} is ${last?.state}, and nobody runs it`);
    }
    return last!.result!;
  }

  /** Kills the job, as soon as its number is known; again soon after, leaves it. */
  signal(name: HeardSignal): void {
    const { warn } = this.#options;
    const now = systemClock.now();
    if (name === "SIGALRM") {
      const text = `Killed by SIGALRM: state = ${this.#state ?? "unknown"}`;
      return this.#happenings.fail(new CommandError(text, { status: 142 }));
    }
    const again = now - this.#signalled < TWICE;
    this.#signalled = now;
    if (this.#jobid === undefined) {
      this.#unwanted = true;
      if (again) this.#happenings.fail(new Interrupted(name === "SIGINT" ? 130 : 143));
      return;
    }
    if (again) {
      return this.#happenings.fail(
        new CommandError("Detaching from job. Processes may still be running", {
          status: 0,
          hint: `'flux wreck attach ${this.#jobid}' shows it again, 'flux wreck kill ${this.#jobid}' ends it`,
        }),
      );
    }
    warn(`killing job ${this.#jobid}; another ${name} within 1 s leaves it running`);
    void this.#kill(this.#jobid);
  }

  #begin(jobid: number): void {
    if (this.#jobid !== undefined) return;
    this.#jobid = jobid;
    if (this.#unwanted) void this.#kill(jobid);
  }

  /** Kills the job, if it is known. */
  async abandon(): Promise<void> {
    if (this.#jobid !== undefined) await this.#kill(this.#jobid);
  }

  async #kill(jobid: number): Promise<void> {
    await new Jobs(this.#options.handle).kill(jobid, SIGKILL).catch(() => {});
  }

  async #listen(watch: JobWatch): Promise<void> {
    try {
      for await (const one of watch) this.#happenings.push("task" in one ? { output: one } : { news: one });
      this.#happenings.push({ is: "told" });
    } catch (error) {
      this.#happenings.fail(await orLostConnection(this.#options.handle, error));
    }
  }

  /** Standard input to its end, or until nobody reads it any more. While a piece is on its way the next one is read. */
  async #type(watch: JobWatch): Promise<void> {
    try {
      for (let before = Promise.resolve(true);;) {
        const buffer = new Uint8Array(PIECE);
        const count = await this.#options.read(buffer);
        if (!await before) return;
        before = watch.write(count === null ? undefined : buffer.subarray(0, count));
        before.catch(() => {});
        if (count === null) return;
      }
    } catch (error) {
      // That the connection is lost is told by who listens, behind what came before.
      if (await orLostConnection(this.#options.handle, error) === error) this.#happenings.fail(error);
    }
  }

  async *#print({ task, stream, bytes }: Output): AsyncGenerator<Uint8Array | Json, void> {
    const { json, label, printError } = this.#options;
    if (json) {
      if (bytes) yield { ...encodeIo(stream, `${task}`, bytes), task };
      return;
    }
    const printed = label ? this.#label(task, stream, bytes) : bytes;
    if (!printed || printed.length === 0) return;
    if (stream === "stdout") yield printed;
    else await printError(printed);
  }

  #label(task: number, stream: string, bytes: Uint8Array | undefined): Uint8Array {
    const key = `${stream} ${task}`;
    let lines = this.#lines.get(key);
    if (!lines) this.#lines.set(key, lines = new LabelledLines(`${task}: `));
    return bytes ? lines.add(bytes) : lines.end();
  }
}
