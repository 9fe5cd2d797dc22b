/**
 * Runs a program with its streams in the key-value store, and for all who attach. What it writes goes to them at once, as far as
 * each has credit, and into the record behind that; so a key that was typed is not seen a commit later.
 */

import { decodeIo, encodeIo, FluxError, ioBytes, type JsonObject } from "../../broker/message/mod.ts";
import {
  type Handle,
  integerField,
  type Methods,
  objectField,
  optionalInteger,
  type Request,
  stringField,
  until,
} from "../../broker/handle/mod.ts";
import { systemClock, systemSpawner, type Task, type TerminalSize, waitStatus } from "../../broker/ports/mod.ts";
import type { Kvs } from "../../modules/kvs/client.ts";
import { openReader, Tee, Writer } from "../../modules/kz/client.ts";
import { Attached, NOBODY, type Source } from "./attached.ts";
import { INPUT_WINDOW, type Live, type OutputName } from "./protocol.ts";
import { Recorder } from "./recorder.ts";
import { Redraw } from "./redraw.ts";

/** What is echoed is recorded in pieces of so many milliseconds. */
const LINGER = 100;
const END_OF_TRANSMISSION = new Uint8Array([4]);
const SIGKILL = 9;
/** Outlives us if we are killed, and kills the program then: the end of its input says so. */
const GUARD = `trap '' HUP INT QUIT TERM; read -r word || kill -KILL "-$0"`;

export interface KeeperOptions {
  readonly handle: Handle;
  readonly kvs: Kvs;
  readonly key: string;
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** The program has a terminal of this size. */
  readonly terminal: TerminalSize | undefined;
  readonly blocksize: number;
  /** Bytes that are recorded of what the program writes. */
  readonly limit: number;
  /** Blocks are committed when the program has ended, or a MiB has gathered. */
  readonly lazy: boolean;
  /** Replaces what the key has. */
  readonly force: boolean;
  /** Nothing the program writes is read before somebody is attached: who has started it for himself misses nothing. */
  readonly hold: boolean;
  /** The program runs, and can be attached to. */
  ready(): void;
  debug(text: string): void;
}

interface Output extends Source {
  readonly recorder: Recorder;
  readonly writer: Writer;
}

export class Keeper {
  readonly #options: KeeperOptions;
  readonly #outputs: Output[];
  readonly #attached = new Map<string, Attached>();
  readonly #failed = Promise.withResolvers<never>();
  #task: Task | undefined;
  /** Of a program that has a terminal. */
  readonly #redraw: Redraw | undefined;
  #input: WritableStreamDefaultWriter<Uint8Array> | undefined;

  constructor(options: KeeperOptions) {
    this.#options = options;
    const allowance = { left: options.limit };
    const size = options.terminal;
    if (size) {
      this.#redraw = new Redraw({ clock: systemClock, size, resize: (size) => this.#task?.resize?.(size) });
    }
    const names: OutputName[] = options.terminal ? ["stdout"] : ["stdout", "stderr"];
    this.#outputs = names.map((name) => this.#output(name, allowance));
    this.#failed.promise.catch(() => {});
  }

  /**
   * Runs the program to its end; resolves with the word of wait(2) when all of its output is in the store. Throws EEXIST for a
   * key that is taken, why the program cannot be started, and what the store refuses.
   */
  async run(): Promise<number> {
    const { handle, kvs, key, force, argv, env, terminal } = this.#options;
    if (!force && await kvs.exists(key)) throw new FluxError("EEXIST", `${key}: File exists`);
    const rank = await handle.rank();
    const service = `zio-${rank}-${Deno.pid}`;
    await handle.serve(this.#methods(service));
    const task = this.#task = await systemSpawner.spawnTask({
      argv,
      env,
      stdin: "piped",
      stdout: "piped",
      stderr: terminal ? "null" : "piped",
      ...terminal && { terminal },
    });
    this.#input = task.stdin!.getWriter();
    this.#input.closed.catch(() => {});
    const following = new AbortController();
    const guard = systemSpawner.spawn({
      argv: ["/bin/sh", "-c", GUARD, `${task.pid}`],
      env: {},
      stdin: "piped",
      stdout: "null",
      stderr: "null",
      detached: true,
    });
    try {
      return await Promise.race([this.#keep(task, { service, rank }, following.signal), this.#failed.promise]);
    } catch (error) {
      task.signal(SIGKILL);
      throw error;
    } finally {
      following.abort(new FluxError("ECANCELED"));
      const writer = guard.stdin!.getWriter();
      await writer.write(new TextEncoder().encode("over\n")).catch(() => {});
      await guard.status;
    }
  }

  /** Passes a signal on to all processes of the program. */
  signal(number: number): void {
    this.#task?.signal(number);
  }

  async #keep(task: Task, live: Live, signal: AbortSignal): Promise<number> {
    const { kvs, key, handle, lazy, ready, debug } = this.#options;
    void handle.closed.then((error) => error && this.#failed.reject(error));
    const opening = kvs.transaction().mkdir(key);
    for (const { name } of this.#outputs) opening.mkdir(`${key}.${name}`);
    if (lazy) debug("blocks are committed at the end");
    await opening.put(`${key}.live`, live).commit();
    ready();
    this.#follow(signal).catch((error) => signal.aborted || this.#failed.reject(error));
    const pumps = this.#outputs.map((output) => this.#pump(output, task[output.name]!));
    const status = waitStatus(await task.status);
    debug(`the program has ended, status ${status}`);
    // What it has left behind may hold its output; on a terminal, the kernel sees to that.
    await Promise.all(pumps);
    await this.#note();
    await Promise.all(this.#outputs.map(({ writer }) => writer.close()));
    await kvs.transaction().put(`${key}.exit_status`, status).unlink(`${key}.live`).commit();
    for (const attached of [...this.#attached.values()]) attached.end(status);
    await handle.drain();
    return status;
  }

  /** What was not recorded is said at the end of the record. */
  async #note(): Promise<void> {
    const lost = this.#outputs.reduce((sum, { recorder }) => sum + recorder.position.lost, 0);
    if (lost > 0) await this.#outputs.at(-1)!.writer.put(new TextEncoder().encode(lostNotice(lost)));
  }

  #output(name: OutputName, allowance: { left: number }): Output {
    const { kvs, key, lazy, blocksize, terminal, hold } = this.#options;
    const writer = new Writer(kvs, `${key}.${name}`, lazy ? { delay: { put: true } } : {});
    const tee = new Tee();
    const recorder = new Recorder({
      writer,
      clock: systemClock,
      blocksize,
      allowance,
      linger: terminal && LINGER,
      roomMade: () => tee.roomMade(),
      failed: (error) => this.#failed.reject(error),
    });
    tee.add(recorder);
    if (hold) tee.add(NOBODY);
    return { name, tee, recorder, writer };
  }

  async #pump({ tee }: Output, stream: ReadableStream<Uint8Array>): Promise<void> {
    const reader = stream.getReader();
    for (;;) {
      await tee.room();
      const { value } = await reader.read();
      if (value) this.#redraw?.wrote();
      tee.give(value);
      if (!value) return;
    }
  }

  /** What anyone writes to the stream `stdin` is read by the program, and its end too. */
  async #follow(signal: AbortSignal): Promise<void> {
    const { kvs, key } = this.#options;
    const reader = await openReader(kvs, `${key}.stdin`, { noexist: true, signal });
    for await (const bytes of reader) await this.#write(bytes);
    await this.#end();
  }

  #methods(service: string): Methods {
    return {
      [`${service}.attach`]: (request) => {
        request.requireStreaming();
        return until(this.#attach(request));
      },
      [`${service}.grant`]: (request) => {
        const { payload } = request;
        this.#find(request)?.grant(stringField(payload, "stream"), integerField(payload, "bytes"));
      },
      [`${service}.write`]: (request) => void this.#written(request),
      [`${service}.resize`]: ({ payload }) => this.#redraw?.resize(readSize(payload)),
      [`${service}.signal`]: ({ payload }) => this.signal(integerField(payload, "signum")),
    };
  }

  async #attach(request: Request): Promise<void> {
    const { argv, terminal, debug } = this.#options;
    const { payload } = request;
    const id = `${request.sender} ${request.matchtag}`;
    const positions = this.#outputs.map(({ name, recorder }) => ({ name, ...recorder.position }));
    const attached = new Attached(request, integerField(payload, "credit"), this.#outputs);
    attached.tell({
      type: "attached",
      command: argv[0]!,
      terminal: terminal !== undefined,
      window: INPUT_WINDOW,
      blocks: Object.fromEntries(positions.map(({ name, blocks }) => [name, blocks])),
    });
    for (const { name, rest, lost } of positions) {
      if (lost > 0 && !terminal) {
        attached.tell({ type: "output", io: encodeIo("stderr", "", new TextEncoder().encode(lostNotice(lost))) });
      }
      if (rest.length > 0) attached.tell({ type: "output", io: encodeIo(name, "", rest) });
    }
    this.#attached.set(id, attached);
    debug(`${this.#attached.size} attached`);
    if (payload.size !== undefined) this.#redraw?.begin(readSize(objectField(payload, "size")));
    request.signal.addEventListener("abort", () => attached.leave(), { once: true });
    attached.begin();
    await attached.done;
    this.#attached.delete(id);
    debug(`${this.#attached.size} attached`);
  }

  #find(request: Request): Attached | undefined {
    return this.#attached.get(`${request.sender} ${optionalInteger(request.payload, "matchtag") ?? 0}`);
  }

  async #written(request: Request): Promise<void> {
    const { data, eof } = decodeIo(request.payload.io);
    const attached = this.#find(request);
    const bytes = data === undefined ? undefined : ioBytes(data);
    if (bytes) await this.#write(bytes);
    if (eof) await this.#end();
    if (bytes) attached?.tell({ type: "taken", bytes: bytes.length });
  }

  /**
   * Resolves when it is taken; a program that reads no more takes everything. Without a terminal it stands in line when this
   * returns, so that an end that comes next does not overtake it.
   */
  async #write(bytes: Uint8Array): Promise<void> {
    if (this.#redraw) await this.#redraw.done;
    await this.#input?.write(bytes).catch(() => {});
  }

  async #end(): Promise<void> {
    if (this.#options.terminal) return await this.#write(END_OF_TRANSMISSION);
    const input = this.#input;
    this.#input = undefined;
    await input?.close().catch(() => {});
  }
}

function readSize(payload: JsonObject): TerminalSize {
  const clamp = (size: number) => Math.min(65535, Math.max(1, size));
  return { columns: clamp(integerField(payload, "columns")), rows: clamp(integerField(payload, "rows")) };
}

/** Told to who reads the record. */
function lostNotice(lost: number): string {
  return `flux-zio: ${lost} bytes of output were not recorded; --limit SIZE records more\n`;
}
