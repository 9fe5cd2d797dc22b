/**
 * One task from its request to its end, as a state machine: told what happened, it says what to do. No process, no message.
 *
 *     starting ──started──▶ running ──exited──▶ draining ──every stream has ended──▶ over
 *        │                     │                    │
 *        └──refused──▶ over    └─────abandon────────┴──▶ killed ──exited──▶ over
 *
 * `killed`: nobody is interested in it any more; its group got SIGKILL and its streams were given up. Every process ends
 * some day and every stream is closed with its last writer, so every path leads to `over`; there nothing happens any more.
 */

import type { TaskNews } from "../../handle/mod.ts";
import type { FluxError } from "../../message/mod.ts";
import { InputStream } from "./input_stream.ts";
import { OutputStream } from "./output_stream.ts";

/** What is told to who has asked for the task. */
export type News = TaskNews | { readonly type: "stopped" };

const SIGKILL = 9;

export type Input =
  | { readonly is: "started"; readonly pid: number }
  | { readonly is: "refused"; readonly error: FluxError }
  /** `status` is the word of wait(2). */
  | { readonly is: "exited"; readonly status: number }
  | { readonly is: "stopped" }
  | { readonly is: "read"; readonly stream: string; readonly bytes: Uint8Array }
  | { readonly is: "ended"; readonly stream: string }
  | { readonly is: "taken"; readonly stream: string }
  /** The task has closed a stream that others write to. */
  | { readonly is: "unread"; readonly stream: string }
  | { readonly is: "write"; readonly stream: string; readonly bytes: Uint8Array }
  | { readonly is: "write-end"; readonly stream: string }
  | { readonly is: "credit"; readonly stream: string; readonly bytes: number }
  /** Nobody reads a stream any more, and nobody waits for its end. */
  | { readonly is: "unwanted"; readonly stream: string }
  | { readonly is: "abandon" };

export type Action =
  | { readonly do: "tell"; readonly news: News }
  /** The next bytes of a stream are wanted: answered by `read` or `ended`. */
  | { readonly do: "read"; readonly stream: string }
  /** Answered by `taken` or `unread`. */
  | { readonly do: "write"; readonly stream: string; readonly bytes: Uint8Array }
  | { readonly do: "close"; readonly stream: string }
  /** Lets go of a stream the task writes to, read or not. */
  | { readonly do: "discard"; readonly stream: string }
  | { readonly do: "signal"; readonly number: number }
  /** Nothing comes any more; with the error, if it has not even begun. */
  | { readonly do: "over"; readonly error: FluxError | undefined };

export interface SubprocessOptions {
  /** Streams the task writes to that somebody reads, with the credit he gives (bytes), and whether in whole lines. */
  readonly outputs: readonly { readonly name: string; readonly credit: number; readonly wholeLines: boolean }[];
  /** Streams the task reads, with what may be written to each before it has read any, bytes. */
  readonly inputs: readonly { readonly name: string; readonly credit: number }[];
  /** Credit is told to who writes. */
  readonly tellsCredit: boolean;
}

export type Phase = "starting" | "running" | "draining" | "killed" | "over";

export class Subprocess {
  readonly #options: SubprocessOptions;
  readonly #outputs: Map<string, OutputStream>;
  readonly #inputs: Map<string, InputStream>;
  #phase: Phase = "starting";
  #exited = false;
  /** Given up before it was known whether it would start. */
  #unwanted = false;
  #actions: Action[] = [];

  constructor(options: SubprocessOptions) {
    this.#options = options;
    this.#outputs = new Map(options.outputs.map((o) => [o.name, new OutputStream(o.name, o.wholeLines, o.credit)]));
    this.#inputs = new Map(options.inputs.map((i) => [i.name, new InputStream(i.name, i.credit)]));
  }

  get phase(): Phase {
    return this.#phase;
  }

  /** Bytes written to it that it has not read. */
  get waiting(): number {
    return [...this.#inputs.values()].reduce((sum, { length }) => sum + length, 0);
  }

  /** Takes what happened; returns what is to be done, in order. Throws ENOBUFS when too much was written to it. */
  handle(input: Input): Action[] {
    if (this.#phase !== "over") this.#take(input);
    const actions = this.#actions;
    this.#actions = [];
    return actions;
  }

  #take(input: Input): void {
    switch (input.is) {
      case "started":
        return this.#started(input.pid);
      case "refused":
        return this.#end(input.error);
      case "exited":
        return this.#hasExited(input.status);
      case "stopped":
        return this.#tell({ type: "stopped" });
      case "read":
        return this.#hasRead(input.stream, input.bytes);
      case "ended":
        return this.#streamEnded(input.stream);
      case "taken":
        return this.#taken(input.stream);
      case "unread":
        return this.#unread(input.stream);
      case "write":
        return this.#write(input.stream, input.bytes);
      case "write-end":
        this.#inputs.get(input.stream)?.end();
        return this.#feed(input.stream);
      case "credit":
        this.#outputs.get(input.stream)?.grant(input.bytes);
        return this.#demand();
      case "unwanted":
        this.#giveUp(input.stream);
        return this.#drained();
      case "abandon":
        return this.#abandon();
    }
  }

  #started(pid: number): void {
    this.#phase = "running";
    if (this.#unwanted) return this.#abandon();
    this.#tell({ type: "started", pid });
    if (this.#options.tellsCredit) {
      for (const { name, credit } of this.#options.inputs) this.#credit(name, credit);
    }
    for (const name of this.#inputs.keys()) this.#feed(name);
    this.#demand();
  }

  /** What its descendants still write is read to the end; what was written to it is lost. */
  #hasExited(status: number): void {
    this.#exited = true;
    for (const [name, input] of this.#inputs) {
      input.breakOff();
      this.#actions.push({ do: "close", stream: name });
    }
    if (this.#phase === "killed") return this.#end(undefined);
    this.#phase = "draining";
    this.#tell({ type: "finished", status });
    this.#drained();
  }

  #hasRead(name: string, bytes: Uint8Array): void {
    const output = this.#outputs.get(name)!;
    if (output.closed) return;
    const piece = output.read(bytes);
    if (piece) this.#tell({ type: "output", stream: name, bytes: piece });
    this.#demand();
  }

  #streamEnded(name: string): void {
    const output = this.#outputs.get(name)!;
    if (output.closed) return;
    const rest = output.end();
    if (rest) this.#tell({ type: "output", stream: name, bytes: rest });
    this.#tell({ type: "output", stream: name, bytes: undefined });
    this.#drained();
  }

  #taken(name: string): void {
    const count = this.#inputs.get(name)!.taken();
    if (count > 0) this.#credit(name, count);
    this.#feed(name);
  }

  #unread(name: string): void {
    const lost = this.#inputs.get(name)!.breakOff();
    this.#actions.push({ do: "close", stream: name });
    if (lost > 0) this.#credit(name, lost);
  }

  #write(name: string, bytes: Uint8Array): void {
    const input = this.#inputs.get(name);
    if (!input || this.#phase === "killed") return;
    const lost = input.write(bytes);
    if (lost > 0) this.#credit(name, lost);
    this.#feed(name);
  }

  #giveUp(name: string): void {
    const output = this.#outputs.get(name);
    if (!output || output.closed) return;
    output.giveUp();
    this.#actions.push({ do: "discard", stream: name });
  }

  #abandon(): void {
    if (this.#phase === "starting") {
      this.#unwanted = true;
      return;
    }
    if (this.#phase === "killed") return;
    this.#phase = "killed";
    this.#actions.push({ do: "signal", number: SIGKILL });
    for (const name of this.#outputs.keys()) this.#giveUp(name);
    for (const [name, input] of this.#inputs) {
      input.breakOff();
      this.#actions.push({ do: "close", stream: name });
    }
    if (this.#exited) this.#end(undefined);
  }

  #drained(): void {
    if (this.#exited && [...this.#outputs.values()].every(({ closed }) => closed)) this.#end(undefined);
  }

  #end(error: FluxError | undefined): void {
    this.#phase = "over";
    this.#actions.push({ do: "over", error });
  }

  #demand(): void {
    if (this.#phase === "starting" || this.#phase === "killed") return;
    for (const [name, output] of this.#outputs) {
      if (output.demand()) this.#actions.push({ do: "read", stream: name });
    }
  }

  #feed(name: string): void {
    if (this.#phase !== "running") return;
    const next = this.#inputs.get(name)?.next();
    if (next === "close") this.#actions.push({ do: "close", stream: name });
    else if (next) this.#actions.push({ do: "write", stream: name, bytes: next });
  }

  #credit(name: string, bytes: number): void {
    if (this.#options.tellsCredit) this.#tell({ type: "add-credit", stream: name, bytes });
  }

  #tell(news: News): void {
    if (this.#phase !== "killed") this.#actions.push({ do: "tell", news });
  }
}
