/** A client of the broker's socket that says exactly what it is told, byte for byte, and keeps all it hears. */

import {
  decode,
  encode,
  encodeJson,
  Message,
  MessageType,
  NODEID_ANY,
  StreamReader,
} from "../../broker/message/mod.ts";
import { isBroken } from "../../broker/handle/mod.ts";
import { systemClock } from "../../broker/ports/mod.ts";

/** Milliseconds to wait for what must come. */
export const PATIENCE = 8000;
/** Matchtag of the requests that {@link RawClient.settle} makes; no capture uses it. */
export const SETTLE_TAG = 0x5e771e;

interface Waiter {
  wanted: (message: Message) => boolean;
  resolve: (message: Message | null) => void;
}

export class RawClient implements AsyncDisposable {
  readonly #conn: Deno.UnixConn;
  readonly #inbox: Message[] = [];
  readonly #waiters = new Set<Waiter>();
  readonly #reading: Promise<void>;
  #closed = false;
  readonly #patience: number;

  private constructor(conn: Deno.UnixConn, patience: number) {
    this.#conn = conn;
    this.#patience = patience;
    this.#reading = this.#read().finally(() => {
      this.#closed = true;
      for (const waiter of this.#waiters) waiter.resolve(null);
    });
  }

  /** Connects and reads the byte that says whether the broker takes us. Throws an Error when it does not. */
  static async connect(path: string, patience = PATIENCE): Promise<RawClient> {
    const conn = await Deno.connect({ transport: "unix", path });
    const verdict = new Uint8Array(1);
    if (await conn.read(verdict) !== 1 || verdict[0] !== 0) {
      conn.close();
      throw new Error(`${path}: the broker refuses us with ${verdict[0]}`);
    }
    return new RawClient(conn, patience);
  }

  /** True once the broker has closed the connection, or we have. */
  get closed(): boolean {
    return this.#closed;
  }

  /** Resolves when the broker closes the connection. */
  get ended(): Promise<void> {
    return this.#reading;
  }

  /** What came and was not taken. */
  get inbox(): readonly Message[] {
    return this.#inbox;
  }

  /** Writes bytes as they are. Throws what the connection throws. */
  async write(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length;) at += await this.#conn.write(bytes.subarray(at));
  }

  /** Sends the bytes of one message behind their stream header. */
  send(bytes: Uint8Array): Promise<void> {
    return this.write(framed(bytes));
  }

  /** The first message that is `wanted`, now or before patience ends; null when none came, or the connection ended. */
  take(wanted: (message: Message) => boolean): Promise<Message | null> {
    const index = this.#inbox.findIndex(wanted);
    if (index >= 0) return Promise.resolve(this.#inbox.splice(index, 1)[0]!);
    if (this.#closed) return Promise.resolve(null);
    return new Promise((resolve) => {
      const waiter: Waiter = {
        wanted,
        resolve: (message) => {
          timer.cancel();
          this.#waiters.delete(waiter);
          resolve(message);
        },
      };
      const timer = systemClock.after(this.#patience, () => waiter.resolve(null));
      this.#waiters.add(waiter);
    });
  }

  /** Returns once the broker has answered everything that it answers at once: asks for something and awaits the answer. */
  async settle(): Promise<boolean> {
    if (this.#closed) return false;
    await this.send(encode(
      new Message({
        type: MessageType.request,
        topic: "attr.get",
        aux1: NODEID_ANY,
        aux2: SETTLE_TAG,
        payload: encodeJson({ name: "rank" }),
      }),
    ));
    return await this.take((message) => message.type === MessageType.response && message.aux2 === SETTLE_TAG) !== null;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#conn.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
    await this.#reading;
  }

  async #read(): Promise<void> {
    const reader = new StreamReader();
    try {
      for (;;) {
        const count = await this.#conn.read(reader.space());
        if (count === null) break;
        reader.filled(count);
        for (let bytes = reader.next(); bytes; bytes = reader.next()) this.#receive(decode(bytes));
      }
    } catch (error) {
      if (!isBroken(error)) throw error;
    }
    if (!this.#closed) this.#conn.close();
  }

  #receive(message: Message): void {
    for (const waiter of this.#waiters) {
      if (waiter.wanted(message)) return waiter.resolve(message);
    }
    this.#inbox.push(message);
  }
}

/** The bytes of a message behind a stream header, whatever they are. */
export function framed(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(8 + bytes.length);
  out.set([0x12, 0x00, 0xee, 0xff]);
  new DataView(out.buffer).setUint32(4, bytes.length);
  out.set(bytes, 8);
  return out;
}
