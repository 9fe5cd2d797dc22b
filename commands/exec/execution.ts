/** One program on many ranks, from the first request to the last output. */

import { type Handle, Queue } from "../../broker/handle/mod.ts";
import { encodeJson, type FluxError, type Idset, strerror } from "../../broker/message/mod.ts";
import { exitCode, signalNumber, startStatus, systemClock } from "../../broker/ports/mod.ts";
import { type HeardSignal, Interrupted } from "../command.ts";
import { orLostConnection } from "../lost_connection.ts";
import { CommandError } from "../mod.ts";
import { Broadcast } from "./broadcast.ts";
import { type Printed, type Printer, TooMuch } from "./printer.ts";
import { type Happening, RemoteTasks } from "./remote_tasks.ts";

/** Standard output and error come here, and standard input is counted (wire.md §3.17). */
const FLAGS = 1 | 2 | 8;
/** Output under way from all tasks together, bytes, and the bounds of what that is for each stream. */
const WINDOW = 8 << 20, LEAST = 1 << 16, MOST = 1 << 20;
/** Two signals within this time end everything, ms. */
const TWICE = 1000;
/** The status that stands for a rank that is not there. */
const NO_RANK = 68;
const LAUNCHING = "error launching process: ";

type Output = Happening & { what: "output" };

export interface ExecutionOptions {
  readonly handle: Handle;
  readonly ranks: Idset;
  readonly argv: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly printer: Printer;
  /** Reads what all tasks get as standard input; without it they get none. */
  read?(into: Uint8Array): Promise<number | null>;
  warn(text: string): void;
  readonly verbose: boolean;
}

export class Execution {
  readonly #options: ExecutionOptions;
  readonly #happenings = new Queue<Happening>();
  readonly #start = systemClock.now();
  #tasks: RemoteTasks | undefined;
  #signalled = -Infinity;

  constructor(options: ExecutionOptions) {
    this.#options = options;
  }

  /** Yields what is to be printed; returns the status of the command. */
  async *run(): AsyncGenerator<Printed, number> {
    const { handle, ranks, argv, printer, read } = this.#options;
    this.#say(`Starting ${argv[0]} on ${ranks.toNodeset()}`);
    const tasks = this.#tasks = this.#send();
    this.#say("Sent all requests");
    const broadcast = read && new Broadcast({ tasks, read, drain: () => handle.drain() });
    let fed = false;
    let left = ranks.size;
    while (left > 0) {
      const { value: happening, done } = await this.#happenings.next();
      if (done) break;
      if (happening.what === "output") {
        yield* this.#print(tasks, happening);
        continue;
      }
      broadcast?.wake();
      if (happening.what === "over") {
        left -= happening.ranks.size;
        yield* this.#over(tasks, happening.ranks);
      }
      if (fed || !broadcast || tasks.waiting > 0) continue;
      fed = true;
      broadcast.run().catch((error) => this.#happenings.fail(error));
    }
    for (const printed of printer.rest()) {
      if (printed instanceof Promise) await printed;
      else yield printed;
    }
    const code = [...ranks].reduce((highest, rank) => Math.max(highest, outcome(tasks, rank)), 0);
    this.#say(`${ranks.size} tasks complete with code ${code}`);
    return code;
  }

  /** Passes a signal on to all tasks; a second one soon after ends the command, and with it what still runs. */
  signal(name: HeardSignal): void {
    const number = signalNumber(name)!;
    const now = systemClock.now();
    if (now - this.#signalled < TWICE) return this.#happenings.fail(new Interrupted(128 + number));
    this.#signalled = now;
    // Who runs nothing yet, or only waits for those that cannot be reached, is not kept waiting.
    if (!this.#tasks || this.#tasks.isIdle) return this.#happenings.fail(new Interrupted(128 + number));
    const count = this.#tasks.signal(number);
    const processes = count === 1 ? "process" : "processes";
    this.#options.warn(`sending ${name} to ${count} ${processes}; another within 1 s kills what is left`);
  }

  #send(): RemoteTasks {
    const { handle, ranks, argv, cwd, env, read } = this.#options;
    const window = Math.min(MOST, Math.max(LEAST, Math.floor(WINDOW / ranks.size)));
    const cmd = { cwd, cmdline: argv, env, opts: read ? {} : { stdin_CLOSED: "true" } };
    const credit = { stdout: window, stderr: window };
    const tasks = new RemoteTasks(handle, ranks, encodeJson({ cmd, flags: FLAGS, credit }), window);
    tasks.follow((happening) => this.#happenings.push(happening))
      .catch(async (error) => this.#happenings.fail(await orLostConnection(handle, error)));
    return tasks;
  }

  async *#print(tasks: RemoteTasks, { ranks, stream, bytes }: Output): AsyncGenerator<Printed, void> {
    for (const rank of ranks) {
      let printed: Printed | Promise<void> | undefined;
      try {
        printed = this.#options.printer.output(rank, stream, bytes);
      } catch (error) {
        if (!(error instanceof TooMuch)) throw error;
        throw new CommandError("there is too much output to collapse", { hint: "leave --collapse out" });
      }
      if (printed instanceof Promise) await printed;
      else if (printed !== undefined) yield printed;
      if (bytes) tasks.took(rank, stream, bytes.length);
    }
  }

  *#over(tasks: RemoteTasks, ranks: Idset): Generator<Printed, void> {
    for (const rank of ranks) {
      const { error } = tasks.end(rank);
      const why = error && reason(error);
      if (why !== undefined) this.#options.warn(`Error: rank ${rank}: ${why}`);
      const told = this.#options.printer.over(rank, outcome(tasks, rank), why);
      if (told !== undefined) yield told;
    }
  }

  #say(text: string): void {
    const { verbose, warn } = this.#options;
    if (verbose) warn(`${(systemClock.now() - this.#start).toFixed(6)}ms: ${text}`);
  }
}

/** What a task adds to the status of the command. */
function outcome(tasks: RemoteTasks, rank: number): number {
  const { status, error } = tasks.end(rank);
  if (!error) return exitCode(status ?? 0);
  if (error.message.startsWith(LAUNCHING)) return startStatus(error);
  return error.code === "EHOSTUNREACH" ? NO_RANK : 1;
}

/** The error in words: always what strerror says, and what else is known. */
function reason(error: FluxError): string {
  const text = error.message.startsWith(LAUNCHING) ? error.message.slice(LAUNCHING.length) : error.message;
  const plain = strerror(error.errnum);
  return text.includes(plain) ? text : `${plain}: ${text}`;
}
