/** What the tests of `flux kvs` share. */

import { assertEquals } from "../assert.ts";
import { type RunOptions, type Session, spawnFlux } from "./session.ts";

type Options = RunOptions & { rank?: number };

/** Runs `flux kvs` where it must succeed and say nothing on standard error; what it prints. */
export async function kvs(session: Session, args: readonly string[], options: Options = {}): Promise<string> {
  const { code, stdout, stderr } = await session.flux(["kvs", ...args], options);
  assertEquals([code, stderr], [0, ""], args.join(" ").slice(0, 200));
  return stdout;
}

/** Runs `flux kvs` where it must fail with status 1 and print nothing; what it says. */
export async function refused(session: Session, args: readonly string[], options: Options = {}): Promise<string> {
  const { code, stdout, stderr } = await session.flux(["kvs", ...args], options);
  assertEquals([code, stdout], [1, ""], `${args.join(" ").slice(0, 200)}: ${stderr}`);
  return stderr;
}

/** The bytes a `flux kvs` prints that is given bytes. */
export async function piped(session: Session, args: readonly string[], input?: Uint8Array): Promise<Uint8Array> {
  const child = spawnFlux(["kvs", ...args], {
    cwd: session.directory,
    env: { FLUX_URI: session.uri() },
    stdin: input ? "piped" : "null",
  });
  if (input) {
    const writer = child.stdin.getWriter();
    await writer.write(input);
    await writer.close();
  }
  const { code, stdout, stderr } = await child.output();
  assertEquals([code, new TextDecoder().decode(stderr)], [0, ""], args.join(" "));
  return stdout;
}

/** A `flux kvs` that goes on until it is stopped, and what it has printed. */
export class Running implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #reading: Promise<void>;
  #stdout = "";

  constructor(session: Session, args: readonly string[], rank = 0) {
    this.#child = spawnFlux(["kvs", ...args], { env: { FLUX_URI: session.uri(rank) } });
    this.#reading = this.#read();
  }

  get stdout(): string {
    return this.#stdout;
  }

  /** How it ends: its status, and what it said on standard error. */
  async ended(): Promise<[number, string]> {
    const [{ code }, stderr] = await Promise.all([this.#child.status, new Response(this.#child.stderr).text()]);
    await this.#reading;
    return [code, stderr];
  }

  /** Sends it Ctrl-C. */
  async interrupted(): Promise<[number, string]> {
    this.#child.kill("SIGINT");
    return await this.ended();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#child.kill("SIGKILL");
    } catch {
      // It has ended.
    }
    if (!this.#child.stderr.locked) await this.#child.stderr.cancel();
    await this.#child.status;
    await this.#reading;
  }

  async #read(): Promise<void> {
    const text = this.#child.stdout.pipeThrough(new TextDecoderStream() as ReadableWritablePair<string, Uint8Array>);
    for await (const piece of text) this.#stdout += piece;
  }
}
