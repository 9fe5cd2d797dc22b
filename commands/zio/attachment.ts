/** One who is attached to a program that a keeper runs, or reads what one that has ended has left. */

import { decodeIo, decodeJson, encodeIo, encodeJson, FluxError, ioBytes, isErrno } from "../../broker/message/mod.ts";
import { type Handle, Queue, type ResponseStream } from "../../broker/handle/mod.ts";
import { exitCode, signalNumber, systemClock } from "../../broker/ports/mod.ts";
import type { Kvs } from "../../modules/kvs/client.ts";
import { Reader } from "../../modules/kz/client.ts";
import { CommandError, type HeardSignal, Interrupted } from "../command.ts";
import type { Terminal } from "../surroundings.ts";
import { Escape } from "./escape.ts";
import type { Live, News, OutputName } from "./protocol.ts";
import { withoutQuestions } from "./replay.ts";

/** Bytes of each stream that may be under way. */
const WINDOW = 1 << 19;
/** The most that is read, and so written, at a time, bytes. */
const PIECE = 1 << 16;
/** Of what a terminal showed before, so many blocks are shown again. */
const SHOWN_BLOCKS = 64;
/** Two signals within this time detach, ms. */
const TWICE = 1000;

export interface AttachmentOptions {
  readonly handle: Handle;
  readonly kvs: Kvs;
  readonly key: string;
  /** Reads what the program gets as input; without it it gets none from here. */
  read?(into: Uint8Array): Promise<number | null>;
  readonly terminal: Terminal | undefined;
  printError(bytes: Uint8Array): Promise<void> | undefined;
  warn(text: string): void;
}

/** Something to print, or the end. */
type Happening =
  | { readonly is: "output"; readonly stream: OutputName; readonly bytes: Uint8Array; readonly live: boolean }
  | { readonly is: "over"; readonly status: number }
  | { readonly is: "detached" };

export class Attachment {
  readonly #options: AttachmentOptions;
  readonly #happenings = new Queue<Happening>();
  readonly #taken: Record<OutputName, number> = { stdout: 0, stderr: 0 };
  #live: Live | undefined;
  #stream: ResponseStream | undefined;
  #isTerminal = false;
  /** Bytes that may be written to the program now. */
  #room = 0;
  #roomMade = Promise.withResolvers<void>();
  #signalled = -Infinity;

  constructor(options: AttachmentOptions) {
    this.#options = options;
  }

  /** Yields what the program writes on standard output; returns its exit code, or 0 when detached. Throws CommandError. */
  async *run(): AsyncGenerator<Uint8Array, number> {
    const { kvs, key } = this.#options;
    this.#live = await optional(kvs.get<Live>(`${key}.live`));
    if (!this.#live && !await kvs.exists(`${key}.stdout`)) {
      throw new CommandError(`${key}: No such file or directory`, {
        hint: `'flux kvs dir' lists the keys that there are`,
      });
    }
    void this.#follow().then(
      (status) => this.#happenings.push({ is: "over", status }),
      (e) => this.#happenings.fail(e),
    );
    try {
      for await (const happening of this.#happenings) {
        if (happening.is === "over") return exitCode(happening.status);
        if (happening.is === "detached") return 0;
        const { stream, bytes, live } = happening;
        if (stream === "stdout") yield bytes;
        else await this.#options.printError(bytes);
        if (live) this.#took(stream, bytes.length);
      }
      return 0;
    } finally {
      this.#restore();
      void this.#stream?.return();
    }
  }

  /** Passes a signal on to the program; a second one soon after detaches. */
  signal(name: HeardSignal): void {
    const number = signalNumber(name)!;
    const now = systemClock.now();
    if (!this.#live || this.#isTerminal) return this.#happenings.fail(new Interrupted(128 + number));
    if (now - this.#signalled < TWICE) return this.#detach();
    this.#signalled = now;
    this.#post("signal", { signum: number });
  }

  /** What there is to be printed, in order; resolves with the word of wait(2). */
  async #follow(): Promise<number> {
    const { kvs, key, warn } = this.#options;
    try {
      if (this.#live) return await this.#followLive();
    } catch (error) {
      if (!isErrno(error, "ENOSYS") && !isErrno(error, "EHOSTUNREACH") && !isErrno(error, "ENODATA")) throw error;
      if (this.#stream) {
        throw new CommandError("the keeper of the program has gone, and the program with it", { cause: error });
      }
    }
    // It ended meanwhile, or long ago.
    this.#live = undefined;
    const status = await optional(kvs.get<number>(`${key}.exit_status`));
    const dead = status === undefined && await kvs.exists(`${key}.live`);
    await Promise.all(
      (["stdout", "stderr"] as const).map((stream) => this.#recorded(stream, dead ? "what is there" : "all")),
    );
    if (dead) {
      warn("the keeper of the program has gone: this is all it has left");
      return 1 << 8;
    }
    return status ?? await optional(kvs.get<number>(`${key}.exit_status`)) ?? 0;
  }

  async #followLive(): Promise<number> {
    const { handle, read, terminal } = this.#options;
    const { service, rank } = this.#live!;
    const size = read && terminal?.size();
    const request = encodeJson({ credit: WINDOW, ...size && { size } });
    const stream = handle.streamRaw(`${service}.attach`, request, { rank });
    for await (const payload of stream) {
      const news = decodeJson(payload) as unknown as News;
      if (news.type === "attached") {
        this.#stream = stream;
        await this.#begun(news);
      } else if (news.type === "taken") this.#grant(news.bytes);
      // The keeper ends with this, and may be gone before its stream has ended.
      else if (news.type === "exited") return news.status;
      else {
        const { stream, data } = decodeIo(news.io);
        if (data !== undefined) this.#print(stream as OutputName, ioBytes(data), true);
      }
    }
    throw new FluxError("ENODATA");
  }

  /** What was written before is read from the store, then what comes is passed on. */
  async #begun({ terminal: isTerminal, window, blocks }: News & { type: "attached" }): Promise<void> {
    const { kvs, key, read, terminal } = this.#options;
    this.#isTerminal = isTerminal && read !== undefined && terminal !== undefined;
    if (this.#isTerminal) await this.#takeTerminal(terminal!);
    for (const [stream, count] of Object.entries(blocks)) {
      const from = isTerminal ? Math.max(0, count - SHOWN_BLOCKS) : 0;
      const reader = new Reader(kvs, `${key}.${stream}`, { from });
      while (reader.index < count) {
        const data = (await reader.block())?.data;
        if (data) this.#print(stream as OutputName, isTerminal ? withoutQuestions(data) : data, false);
      }
    }
    this.#grant(window);
    if (read) void this.#type(read).catch((error) => this.#happenings.fail(error));
  }

  async #recorded(stream: OutputName, which: "all" | "what is there"): Promise<void> {
    const { kvs, key } = this.#options;
    const reader = new Reader(kvs, `${key}.${stream}`, {});
    if (!await kvs.exists(`${key}.${stream}`)) return;
    try {
      for (;;) {
        const block = which === "all" ? await reader.block() : await reader.poll();
        if (!block) return;
        if (block.data) this.#print(stream, block.data, false);
      }
    } catch (error) {
      if (!isErrno(error, "EAGAIN")) throw error;
    }
  }

  #print(stream: OutputName, bytes: Uint8Array, live: boolean): void {
    this.#happenings.push({ is: "output", stream, bytes, live });
  }

  #took(stream: OutputName, bytes: number): void {
    const taken = this.#taken[stream] += bytes;
    if (taken < WINDOW / 2) return;
    this.#taken[stream] = 0;
    this.#post("grant", { stream, bytes: taken });
  }

  /** Standard input, to its end, as fast as the program reads it. */
  async #type(read: (into: Uint8Array) => Promise<number | null>): Promise<void> {
    const buffer = new Uint8Array(PIECE);
    const escape = this.#isTerminal ? new Escape() : undefined;
    for (;;) {
      const count = await read(buffer);
      if (count === null) return this.#post("write", { io: encodeIo("stdin", "", undefined) });
      const { passed, detach } = escape?.take(buffer.subarray(0, count)) ??
        { passed: buffer.subarray(0, count), detach: false };
      if (passed.length > 0) {
        while (this.#room < passed.length) await this.#roomMade.promise;
        this.#room -= passed.length;
        this.#post("write", { io: encodeIo("stdin", "", passed) });
        await this.#options.handle.drain();
      }
      if (detach) return this.#detach();
    }
  }

  #grant(bytes: number): void {
    this.#room += bytes;
    this.#roomMade.resolve();
    this.#roomMade = Promise.withResolvers();
  }

  #detach(): void {
    this.#restore();
    this.#options.warn(`detached; 'flux zio attach ${this.#options.key}' attaches again`);
    this.#happenings.push({ is: "detached" });
  }

  /** Gives the terminal back; set while we have it. */
  #restore = () => {};

  async #takeTerminal(terminal: Terminal): Promise<void> {
    const giveBack = await terminal.raw();
    const deaf = terminal.onResize(() => this.#post("resize", { ...terminal.size() }));
    this.#restore = () => {
      deaf();
      giveBack();
      this.#restore = () => {};
    };
  }

  /** The connection may have gone meanwhile: then the stream says so. */
  #post(method: string, payload: object): void {
    const { service, rank } = this.#live!;
    try {
      this.#options.handle.post(`${service}.${method}`, { matchtag: this.#stream?.matchtag ?? 0, ...payload }, {
        rank,
      });
    } catch (error) {
      if (!(error instanceof FluxError)) throw error;
    }
  }
}

async function optional<T>(value: Promise<T>): Promise<T | undefined> {
  try {
    return await value;
  } catch (error) {
    if (isErrno(error, "ENOENT") || isErrno(error, "ENOTDIR")) return undefined;
    throw error;
  }
}
