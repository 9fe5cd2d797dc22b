/**
 * A running session for a test: the built executable, a directory of its own, and a check at the end that no process,
 * socket or directory is left behind.
 *
 *     await using session = await startSession({ size: 4 });
 *     const { stdout } = await session.flux(["getattr", "rank"], { rank: 3 });
 */

import { fail } from "node:assert";
import { killTree } from "../../broker/boot/process_tree.ts";

const root = new URL("../../", import.meta.url).pathname;
/** What `scripts/build` makes; another one for a test of the fixture's user: FLUX_TEST_EXECUTABLE. */
export const executable: string = Deno.env.get("FLUX_TEST_EXECUTABLE") ?? `${root}dist/flux`;

/** Whatever a session does takes less, or it hangs, ms. Generous: test machines are slow and shared. */
const PATIENCE = 60_000;
const LOOK = 20;

export interface Outcome {
  readonly code: number;
  readonly signal: string | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly stdin?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

export interface SessionOptions {
  readonly size?: number;
  readonly arity?: number;
  /** More options of `flux start`. */
  readonly args?: readonly string[];
  /** What says where the brokers are; `--size` unless given. */
  readonly where?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** The initial program, which has to print FLUX_URI first; one that waits for the end of its input unless given. */
  readonly program?: readonly string[];
  /** A command that runs the one behind it: `flux start` is started through it. */
  readonly through?: readonly string[];
}

/** Resolves when `condition` holds; fails, telling `what` was waited for, when it does not come true. */
export async function until(what: string, condition: () => boolean | Promise<boolean>, ms = PATIENCE): Promise<void> {
  const deadline = performance.now() + ms;
  while (!await condition()) {
    if (performance.now() > deadline) fail(`waited ${ms / 1000} s in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, LOOK));
  }
}

/** An environment in which only a test's own settings say anything to flux. */
export function plainEnvironment(more: Readonly<Record<string, string>> = {}): Record<string, string> {
  const own = { FLUX_CACHE_DIR: `${Deno.env.get("HOME")}/.cache/flux`, ...Deno.env.toObject() };
  const kept = Object.entries(own).filter(([name]) => !/^(FLUX_(?!CACHE_DIR)|PMI|SLURM_|XDG_RUNTIME)/.test(name));
  return { ...Object.fromEntries(kept), ...more };
}

/** Runs the executable to its end. */
export async function runFlux(args: readonly string[], { stdin, env, cwd }: RunOptions = {}): Promise<Outcome> {
  const child = spawnFlux(args, {
    ...(env && { env }),
    ...(cwd !== undefined && { cwd }),
    stdin: stdin === undefined ? "null" : "piped",
  });
  if (stdin !== undefined) {
    const writer = child.stdin.getWriter();
    await writer.write(new TextEncoder().encode(stdin)).catch(() => {});
    await writer.close().catch(() => {});
  }
  const { code, signal, stdout, stderr } = await child.output();
  return { code, signal, stdout: new TextDecoder().decode(stdout), stderr: new TextDecoder().decode(stderr) };
}

/** Starts the executable, or a command that starts it, with its output piped. */
export function spawnFlux(
  args: readonly string[],
  options: Deno.CommandOptions = {},
  through: readonly string[] = [],
): Deno.ChildProcess {
  const [command, ...words] = [...through, executable, ...args];
  try {
    return new Deno.Command(command!, {
      args: words,
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
      ...options,
      clearEnv: true,
      env: plainEnvironment(options.env),
    }).spawn();
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    fail(`${executable} is not there: run scripts/build, or the tests by scripts/test`);
  }
}

/** A directory for a test's files, removed at the end of its block. */
export async function workDirectory(): Promise<{ readonly path: string } & AsyncDisposable> {
  const path = await Deno.makeTempDir({ prefix: "flux-test-" });
  return {
    path,
    [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }),
  };
}

/** What of a session is still there: processes that belong to it by their command line or environment, and files. */
export function remains(rundir: string): string[] {
  const found: string[] = [];
  for (const { name } of Deno.readDirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const words = Deno.readTextFileSync(`/proc/${name}/cmdline`).split("\0");
      const belongs = words.some((word) => word.includes(rundir)) ||
        Deno.readTextFileSync(`/proc/${name}/environ`).includes(`FLUX_URI=local://${rundir}/`);
      const state = /\) (\w)/.exec(Deno.readTextFileSync(`/proc/${name}/stat`))?.[1];
      if (belongs && state !== "Z") found.push(`process ${name}: ${words.join(" ")}`);
    } catch {
      // Gone meanwhile, or not ours to read.
    }
  }
  try {
    Deno.lstatSync(rundir);
    found.push(`directory ${rundir}: ${[...Deno.readDirSync(rundir)].map((entry) => entry.name).join(" ")}`);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  return found;
}

/** Starts a session in the background and waits until its initial program runs. */
export async function startSession(options: SessionOptions = {}): Promise<Session> {
  const { size = 1, arity, args = [], env = {} } = options;
  const program = options.program ?? ["sh", "-c", 'echo "$FLUX_URI"; exec cat'];
  const directory = await Deno.makeTempDir({ prefix: "flux-test-" });
  const words = [
    ...(options.where ?? [`--size=${size}`]),
    ...(arity === undefined ? [] : [`--k-ary=${arity}`]),
    ...args,
  ];
  const child = spawnFlux(["start", ...words, ...program], {
    cwd: directory,
    env: { FLUX_TMPDIR: directory, ...env },
    stdin: "piped",
  }, options.through);
  return await Session.started(size, directory, child);
}

/** The same for a `flux start` that is not up yet: `tmpdir` is its FLUX_TMPDIR. */
export async function crash(child: Deno.ChildProcess, tmpdir: string): Promise<void> {
  killTree(child.pid, (environment) => environment.includes(`FLUX_TMPDIR=${tmpdir}`));
  await child.status;
  for await (const { name } of Deno.readDir(tmpdir)) {
    if (name.startsWith("flux-")) await Deno.remove(`${tmpdir}/${name}`, { recursive: true });
  }
}

export class Session implements AsyncDisposable {
  readonly size: number;
  /** Where the session was started; `cmbd.log` is there. */
  readonly directory: string;
  /** The process of `flux start`. */
  readonly startPid: number;
  /** How `flux start` has ended. */
  readonly ended: Promise<Outcome>;
  readonly #child: Deno.ChildProcess;
  readonly #stdin: WritableStreamDefaultWriter<Uint8Array>;
  #rundir = "";
  #stdout = "";
  #stderr = "";
  #stopped = false;

  private constructor(size: number, directory: string, child: Deno.ChildProcess) {
    this.size = size;
    this.directory = directory;
    this.startPid = child.pid;
    this.#child = child;
    this.#stdin = child.stdin.getWriter();
    const reading = Promise.all([
      this.#read(child.stdout, (text) => this.#stdout += text),
      this.#read(child.stderr, (text) => this.#stderr += text),
    ]);
    this.ended = child.status.then(async ({ code, signal }) => {
      await reading;
      return { code, signal, stdout: this.#stdout, stderr: this.#stderr };
    });
  }

  /** Made by {@link startSession}. */
  static async started(size: number, directory: string, child: Deno.ChildProcess): Promise<Session> {
    const session = new Session(size, directory, child);
    let ended = false;
    try {
      void child.status.then(() => ended = true);
      await until("the initial program to print FLUX_URI", () => ended || session.#stdout.includes("\n"));
      const path = /^local:\/\/(.*)\/local-0\n/.exec(session.#stdout)?.[1];
      if (path === undefined) fail("the session did not come up");
      session.#rundir = path;
      return session;
    } catch (error) {
      if (!ended) child.kill("SIGKILL");
      const explained = session.#explained(error);
      await session.ended;
      await Deno.remove(directory, { recursive: true });
      throw explained;
    }
  }

  /** The run directory. */
  get rundir(): string {
    return this.#rundir;
  }

  get stdout(): string {
    return this.#stdout;
  }

  get stderr(): string {
    return this.#stderr;
  }

  /** The session's log so far. */
  get log(): string {
    try {
      return Deno.readTextFileSync(`${this.directory}/cmbd.log`);
    } catch {
      return "";
    }
  }

  uri(rank = 0): string {
    return `local://${this.#rundir}/local-${rank}`;
  }

  /** The process of one broker. */
  pid(rank: number): number {
    return Number(Deno.readTextFileSync(`${this.#rundir}/broker-${rank}.pid`));
  }

  /** Runs a flux command against one rank. */
  async flux(args: readonly string[], options: RunOptions & { rank?: number } = {}): Promise<Outcome> {
    const { rank = 0, ...rest } = options;
    return await runFlux(args, { cwd: this.directory, ...rest, env: { FLUX_URI: this.uri(rank), ...rest.env } });
  }

  /** Writes to the initial program. */
  async write(text: string): Promise<void> {
    await this.#stdin.write(new TextEncoder().encode(text));
  }

  /** Ends the initial program's input, with it the session; resolves to how `flux start` ended. */
  async stop(): Promise<Outcome> {
    if (!this.#stopped) {
      this.#stopped = true;
      await this.#stdin.close().catch(() => {});
    }
    return await this.ended;
  }

  /** Kills every process of the session at the same moment, so that it leaves its files as they are; removes those of its run directory. */
  async crash(): Promise<void> {
    this.#stopped = true;
    await crash(this.#child, this.directory);
    await this.ended;
  }

  /** Resolves when nothing of the session is left; fails with a list of what is. */
  async gone(ms = PATIENCE): Promise<void> {
    let left: string[] = [];
    try {
      await until("nothing is left", () => (left = remains(this.#rundir)).length === 0, ms);
    } catch (error) {
      throw this.#explained(error, left);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const late = setTimeout(() => this.#child.kill("SIGKILL"), PATIENCE);
    try {
      const { signal } = await this.stop();
      if (signal === "SIGKILL" && !this.#stopped) fail("flux start did not end");
      await this.gone(5000);
    } finally {
      clearTimeout(late);
      for (const line of remains(this.#rundir)) {
        const pid = /^process (\d+)/.exec(line)?.[1];
        if (pid) Deno.kill(Number(pid), "SIGKILL");
      }
      await Deno.remove(this.directory, { recursive: true });
    }
  }

  async #read(stream: ReadableStream<Uint8Array>, take: (text: string) => void): Promise<void> {
    for await (const text of stream.pipeThrough(new TextDecoderStream() as ReadableWritablePair<string, Uint8Array>)) {
      take(text);
    }
  }

  #explained(error: unknown, left: readonly string[] = []): Error {
    const parts = [error instanceof Error ? error.message : String(error), ...left];
    if (this.#stderr) parts.push(`standard error:\n${this.#stderr}`);
    if (this.log) parts.push(`cmbd.log:\n${this.log}`);
    return new Error(parts.join("\n"), { cause: error });
  }
}
