/** A process that is none: what the front end says and does is kept, signals are sent by hand. */

import type { Handle } from "../../../broker/handle/mod.ts";
import { FluxError } from "../../../broker/message/mod.ts";
import type { Surroundings } from "../../../commands/surroundings.ts";

/** What `exit` and `become` throw, since they must not return. */
export class Left extends Error {
  override readonly name = "Left";
}

export class FakeSurroundings implements Surroundings {
  readonly variables: Record<string, string>;
  out = "";
  err = "";
  writes = 0;
  /** What there is to be read from standard input. */
  input: Uint8Array = new Uint8Array();
  closed = 0;
  opened: string[] = [];
  exits: number[] = [];
  /** The words of the program it became last. */
  program: readonly string[] | undefined;
  #heard: ((signal: Deno.Signal) => void) | undefined;
  /** A write takes a turn of the event loop, as a real one does. */
  slow = false;
  /** What a write fails with. */
  refusal: Error | undefined;
  /** What becoming these programs fails with; all others succeed. */
  failures: Record<string, FluxError> = {};
  /** What connecting fails with. */
  unreachable: Error | undefined;

  constructor(variables: Record<string, string> = {}) {
    this.variables = variables;
    for (
      const name of [
        "env",
        "setEnv",
        "write",
        "writeError",
        "read",
        "complain",
        "terminal",
        "onSignal",
        "exit",
        "open",
        "become",
      ] as const
    ) {
      Object.defineProperty(this, name, { value: this[name].bind(this) });
    }
  }

  /** Whether the front end listens for signals now. */
  get listening(): boolean {
    return this.#heard !== undefined;
  }

  send(signal: Deno.Signal): void {
    this.#heard!(signal);
  }

  env(name: string): string | undefined {
    return this.variables[name];
  }
  setEnv(name: string, value: string): void {
    this.variables[name] = value;
  }
  async write(bytes: Uint8Array): Promise<void> {
    this.writes++;
    await (this.slow ? new Promise((resolve) => setTimeout(resolve, 0)) : undefined);
    if (this.refusal) throw this.refusal;
    this.out += new TextDecoder().decode(bytes);
  }
  writeError(bytes: Uint8Array): Promise<void> {
    this.err += new TextDecoder().decode(bytes);
    return Promise.resolve();
  }
  read(into: Uint8Array): Promise<number | null> {
    const piece = this.input.subarray(0, into.length);
    this.input = this.input.subarray(piece.length);
    into.set(piece);
    return Promise.resolve(piece.length === 0 ? null : piece.length);
  }
  complain(text: string): void {
    this.err += text;
  }
  terminal(): undefined {}
  columns(): number {
    return 80;
  }
  onSignal(_signals: readonly Deno.Signal[], heard: (signal: Deno.Signal) => void): () => void {
    this.#heard = heard;
    return () => this.#heard = undefined;
  }
  exit(status: number): never {
    this.exits.push(status);
    throw new Left();
  }
  open(uri: string): Promise<Handle> {
    this.opened.push(uri);
    if (this.unreachable) return Promise.reject(this.unreachable);
    return Promise.resolve({ close: () => this.closed++ } as unknown as Handle);
  }
  become(words: readonly string[]): Promise<never> {
    const failure = this.failures[words[0]!];
    if (!failure) this.program = words;
    return Promise.reject(failure ?? new Left());
  }
}
