/**
 * Messages over one connected byte stream, both ways, for either side of the local socket (wire.md §2.2).
 * Outgoing messages that pile up while a write is under way leave together in the next one.
 */

import { CLIENT_ROUTES_LIMIT, decode, encodeStream, FluxError, type Message, StreamReader } from "../message/mod.ts";

/** What this needs of a connection: `Deno.Conn` fits. */
export interface ByteStream {
  read(into: Uint8Array): Promise<number | null>;
  write(bytes: Uint8Array): Promise<number>;
  close(): void;
}

/** Small messages are gathered into writes of about this many bytes. */
const GATHER = 1 << 16;

export class MessageStream {
  readonly #conn: ByteStream;
  #outgoing: Uint8Array<ArrayBuffer>[] = [];
  #backlog = 0;
  #writing = false;
  #closing = false;
  #closed = false;
  /** The peer takes nothing any more. What it has said before it went is still to be read. */
  #broken = false;
  #resumeReading: (() => void) | undefined;
  #whenIdle: (() => void)[] = [];
  readonly #pauseAbove: number;

  /**
   * Above `pauseAbove` bytes of backlog nothing more is read until the peer has taken what it has coming: for the
   * serving side only, since two sides that wait for each other never go on.
   */
  constructor(conn: ByteStream, pauseAbove = Infinity) {
    this.#conn = conn;
    this.#pauseAbove = pauseAbove;
  }

  /** Bytes queued and not written yet. */
  get backlog(): number {
    return this.#backlog;
  }

  /** Queues one message. After the connection broke it is dropped; the reading side reports the break. */
  send(message: Message): void {
    if (this.#closed || this.#closing || this.#broken) return;
    const bytes = encodeStream(message);
    this.#outgoing.push(bytes);
    this.#backlog += bytes.length;
    if (!this.#writing) void this.#write();
  }

  /** Reads until the end of the stream, handing over each message. Throws EPROTO on anything that is none, and what `read` throws. */
  async receive(each: (message: Message) => void): Promise<void> {
    const reader = new StreamReader();
    for (;;) {
      if (this.#backlog > this.#pauseAbove) await new Promise<void>((resolve) => this.#resumeReading = resolve);
      const count = await this.#conn.read(reader.space());
      if (count === null || this.#closed) return;
      reader.filled(count);
      for (let bytes = reader.next(); bytes && !this.#closed; bytes = reader.next()) {
        each(decode(bytes, CLIENT_ROUTES_LIMIT));
      }
    }
  }

  /** Resolves when nothing is queued any more: written, or lost with the connection. */
  drain(): Promise<void> {
    if (!this.#writing) return Promise.resolve();
    return new Promise((resolve) => this.#whenIdle.push(resolve));
  }

  /** Closes once everything queued is written. */
  close(): void {
    if (this.#closed) return;
    this.#closing = true;
    if (!this.#writing) this.abort();
  }

  /** Closes at once; what is queued is lost. */
  abort(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#outgoing = [];
    this.#backlog = 0;
    this.#conn.close();
    this.#resume();
  }

  #resume(): void {
    this.#resumeReading?.();
    this.#resumeReading = undefined;
  }

  async #write(): Promise<void> {
    this.#writing = true;
    try {
      while (this.#outgoing.length > 0) {
        const bytes = this.#gather();
        for (let at = 0; at < bytes.length;) at += await this.#conn.write(bytes.subarray(at));
        this.#backlog -= bytes.length;
        if (this.#backlog <= this.#pauseAbove) this.#resume();
      }
    } catch (error) {
      if (!(error instanceof Deno.errors.BadResource) && !isBroken(error)) throw error;
      this.#outgoing = [];
      this.#backlog = 0;
      this.#broken = true;
      this.#resume();
    } finally {
      this.#writing = false;
      for (const resolve of this.#whenIdle.splice(0)) resolve();
    }
    if (this.#closing && !this.#closed) this.abort();
  }

  #gather(): Uint8Array<ArrayBuffer> {
    const first = this.#outgoing[0]!;
    if (this.#outgoing.length === 1 || first.length >= GATHER) {
      this.#outgoing.shift();
      return first;
    }
    let size = 0;
    let count = 0;
    while (count < this.#outgoing.length && (count === 0 || size + this.#outgoing[count]!.length <= GATHER)) {
      size += this.#outgoing[count++]!.length;
    }
    const bytes = new Uint8Array(size);
    let at = 0;
    for (const part of this.#outgoing.splice(0, count)) {
      bytes.set(part, at);
      at += part.length;
    }
    return bytes;
  }
}

/** True for the ways a peer's disappearance shows in `read` or `write`. */
export function isBroken(error: unknown): boolean {
  return error instanceof Deno.errors.BrokenPipe || error instanceof Deno.errors.ConnectionReset ||
    error instanceof Deno.errors.ConnectionAborted || error instanceof Deno.errors.BadResource ||
    error instanceof Deno.errors.Interrupted;
}

/** The error a peer's silence means to who waits for it. */
export function connectionLost(error?: unknown): FluxError {
  if (error instanceof FluxError) return error;
  return new FluxError("ECONNRESET", "lost connection to the broker", error === undefined ? {} : { cause: error });
}
