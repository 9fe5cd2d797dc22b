/** Processes that are none: programs written in the test, which live in virtual time. */

import { FluxError } from "../../broker/message/mod.ts";
import {
  type Child,
  type Clock,
  type ExitStatus,
  signalName,
  sleep,
  type Spawner,
  type SpawnOptions,
  type Task,
  type TaskChannel,
  type TaskOptions,
} from "../../broker/ports/mod.ts";

const SIGKILL = 9;

/** What a scripted program sees of itself. */
export interface Script {
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly clock: Clock;
  readonly stdin: AsyncIterable<Uint8Array>;
  print(text: string, stream?: "stdout" | "stderr"): void;
  /** What it inherits besides, by the name of its variable. */
  readonly channels: ReadonlyMap<string, ScriptChannel>;
  /** Signals it does not die of, SIGKILL never among them. */
  ignore(number: number): void;
  /** Aborts when it is killed. */
  readonly killed: AbortSignal;
}

/** The program's end of a socket. */
export interface ScriptChannel {
  write(text: string): void;
  readonly readable: AsyncIterable<Uint8Array>;
}

/** Returns its exit code. */
export type Program = (script: Script) => Promise<number>;

const PROGRAMS: Readonly<Record<string, Program>> = {
  true: () => Promise.resolve(0),
  exit: ({ argv }) => Promise.resolve(Number(argv[1])),
  echo(script) {
    script.print(`${script.argv.slice(1).join(" ")}\n`);
    return Promise.resolve(0);
  },
  async cat({ stdin, print }) {
    const decoder = new TextDecoder();
    for await (const bytes of stdin) print(decoder.decode(bytes, { stream: true }));
    return 0;
  },
  async sleep({ argv, clock, killed }) {
    await sleep(clock, Number(argv[1]) * 1000, killed);
    return 0;
  },
  async stubborn({ clock, killed, ignore }) {
    for (const number of [2, 15]) ignore(number);
    await sleep(clock, 1e9, killed);
    return 0;
  },
};

/** The processes of one host. Unknown programs are ENOENT. */
export class ScriptedSpawner implements Spawner {
  readonly #clock: Clock;
  readonly #programs: Readonly<Record<string, Program>>;
  #pid = 100;
  /** Those that run, by pid. */
  readonly running = new Map<number, readonly string[]>();
  /** Ends all of them when the host dies. */
  readonly #kills = new Map<number, () => void>();

  constructor(clock: Clock, programs: Readonly<Record<string, Program>> = {}) {
    this.#clock = clock;
    this.#programs = { ...PROGRAMS, ...programs };
  }

  /** What a broker runs beside its tasks: it waits for the end of its input. */
  spawn({ argv }: SpawnOptions): Child {
    const ended = Promise.withResolvers<ExitStatus>();
    const stdin = new WritableStream<Uint8Array>({ close: () => ended.resolve({ code: 0, signal: null }) });
    if (!argv[0]!.endsWith("sh")) throw new FluxError("ENOENT", `${argv[0]}: No such file or directory`);
    return { pid: this.#pid++, status: ended.promise, stdin, stdout: null, stderr: null, kill() {} };
  }

  spawnTask({ argv, env, stdin: has, channels: names = [] }: TaskOptions): Promise<Task> {
    const name = argv[0]!;
    const program = Object.hasOwn(this.#programs, name) ? this.#programs[name] : undefined;
    if (!program) return Promise.reject(new FluxError("ENOENT", `${name}: No such file or directory`));
    const pid = this.#pid++;
    const ended = Promise.withResolvers<ExitStatus>();
    const killed = new AbortController();
    const outputs = { stdout: new Pipe(), stderr: new Pipe() };
    const input = new Pipe();
    if (has === "null") input.close();
    const channels = names.map((name) => ({ name, ours: new Pipe(), theirs: new Pipe() }));
    const ignored = new Set<number>();
    this.running.set(pid, argv);
    const end = (status: ExitStatus) => {
      if (!this.running.delete(pid)) return;
      this.#kills.delete(pid);
      for (const pipe of [...Object.values(outputs), input, ...channels.map(({ ours }) => ours)]) pipe.close();
      ended.resolve(status);
      killed.abort();
    };
    const signal = (number: number) => {
      if (!this.running.has(pid)) return false;
      const dies = number === SIGKILL || !(ignored.has(number) || number === 0 || number >= 17);
      if (dies) end({ code: 128 + number, signal: signalName(number) });
      return true;
    };
    this.#kills.set(pid, () => signal(SIGKILL));
    program({
      argv,
      env,
      clock: this.#clock,
      stdin: input.readable,
      print: (text, stream = "stdout") => outputs[stream].push(new TextEncoder().encode(text)),
      channels: new Map(channels.map(({ name, ours, theirs }) => {
        const write = (text: string) => ours.push(new TextEncoder().encode(text));
        return [name, { write, readable: theirs.readable }];
      })),
      ignore: (number) => void ignored.add(number),
      killed: killed.signal,
    }).then((code) => end({ code, signal: null }), (error) => {
      if (!killed.signal.aborted) throw error;
    });
    const stdin = new WritableStream<Uint8Array>({
      write(bytes) {
        input.push(bytes);
        return input.room();
      },
      close: () => input.close(),
      abort: () => input.close(),
    });
    return Promise.resolve({
      pid,
      status: ended.promise,
      stdin,
      stdout: outputs.stdout.readable,
      stderr: outputs.stderr.readable,
      channels: channels.map(({ ours, theirs }) => channelOf(ours, theirs)),
      signal,
      onStop() {},
    });
  }

  /** The host dies. */
  killAll(): void {
    for (const kill of [...this.#kills.values()]) kill();
  }
}

/** The broker's end of a socket: what the program writes, and what it reads. */
function channelOf(ours: Pipe, theirs: Pipe): TaskChannel {
  const reader = ours.readable.getReader();
  let rest: Uint8Array = new Uint8Array();
  return {
    async read(into) {
      if (rest.length === 0) {
        const { value, done } = await reader.read();
        if (done) return null;
        rest = value;
      }
      const count = Math.min(rest.length, into.length);
      into.set(rest.subarray(0, count));
      rest = rest.subarray(count);
      return count;
    },
    async write(bytes) {
      theirs.push(bytes.slice());
      await theirs.room();
      return bytes.length;
    },
    closeWrite() {
      theirs.close();
      return Promise.resolve();
    },
    close() {
      theirs.close();
      void reader.cancel();
    },
  };
}

/** Bytes that a pipe holds. */
const PIPE = 1 << 16;

/** A stream between a program and who started it. */
class Pipe {
  readonly readable: ReadableStream<Uint8Array>;
  #controller!: ReadableStreamDefaultController<Uint8Array>;
  #closed = false;
  #waiting: (() => void)[] = [];

  constructor() {
    this.readable = new ReadableStream<Uint8Array>({
      start: (controller) => void (this.#controller = controller),
      pull: () => this.#wake(),
      cancel: () => {
        this.#closed = true;
        this.#wake();
      },
    }, new ByteLengthQueuingStrategy({ highWaterMark: PIPE }));
  }

  push(bytes: Uint8Array): void {
    if (!this.#closed && bytes.length > 0) this.#controller.enqueue(bytes);
  }

  /** Resolves when it is not full, or nobody reads it any more. */
  async room(): Promise<void> {
    while (!this.#closed && this.#controller.desiredSize! <= 0) {
      await new Promise<void>((resolve) => void this.#waiting.push(resolve));
    }
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#controller.close();
    this.#wake();
  }

  #wake(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}
