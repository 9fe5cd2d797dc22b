/**
 * Messages on a byte stream (wire.md §2.2): each behind an 8-byte header, the magic 0xffee0012 in host byte
 * order and the length of what follows, big-endian. Pure: bytes in, messages' bytes out.
 */

import { FluxError } from "./errno.ts";
import { encode, readU32, writeU32 } from "./codec.ts";
import type { Message } from "./message.ts";
import { allocate } from "./slab.ts";

export const HEADER_SIZE = 8;
const MAGIC = [0x12, 0x00, 0xee, 0xff] as const;

/** The largest message a stream carries, bytes. The spec sets none; this bounds what a stranger can make us hold. */
export const MESSAGE_LIMIT = 1 << 30;

/** `message` with its stream header, ready to write. Throws EMSGSIZE above {@link MESSAGE_LIMIT}. */
export function encodeStream(message: Message): Uint8Array<ArrayBuffer> {
  const bytes = encode(message, HEADER_SIZE);
  const length = bytes.length - HEADER_SIZE;
  if (length > MESSAGE_LIMIT) throw new FluxError("EMSGSIZE", `message of ${length} bytes is over the limit`);
  bytes.set(MAGIC);
  writeU32(bytes, 4, length);
  return bytes;
}

/**
 * Cuts a byte stream into messages. Read into {@link space}, say how much with {@link filled}, then call {@link next}
 * until it returns null. Throws EPROTO (from `next` and `space`) as soon as a header is wrong, before what it announces
 * is read or has memory; the stream is lost then. Memory follows the bytes that have arrived, never a length field.
 */
export class StreamReader {
  #buffer: Uint8Array<ArrayBuffer>;
  #start = 0;
  #end = 0;
  readonly #limit: number;
  readonly #initial: number;

  /** `limit`: the largest message, bytes; `initial`: the buffer an idle stream keeps, bytes. */
  constructor(limit: number = MESSAGE_LIMIT, initial = 1 << 16) {
    this.#limit = limit;
    this.#initial = initial;
    this.#buffer = new Uint8Array(initial);
  }

  /**
   * Where the next bytes of the stream go; never empty. Makes room first: moves what is unread to the front, or grows.
   * A buffer that grew for a large message is given back once that has been taken.
   */
  space(): Uint8Array<ArrayBuffer> {
    const unread = this.#end - this.#start;
    const wanted = Math.max(this.#pending(), unread + 1);
    if (unread === 0) {
      this.#start = this.#end = 0;
      if (this.#buffer.length > this.#initial) this.#buffer = new Uint8Array(this.#initial);
    } else if (this.#start > 0 && this.#start + wanted > this.#buffer.length) {
      this.#buffer.copyWithin(0, this.#start, this.#end);
      this.#start = 0;
      this.#end = unread;
    }
    if (this.#end === this.#buffer.length) {
      const grown = new Uint8Array(Math.max(this.#end + 4096, Math.min(this.#end * 2, this.#limit + HEADER_SIZE)));
      grown.set(this.#buffer);
      this.#buffer = grown;
    }
    return this.#buffer.subarray(this.#end);
  }

  /** `count` bytes were written into what `space` returned. */
  filled(count: number): void {
    this.#end += count;
  }

  /** The next whole message's bytes (a copy, the caller's to keep), or null when more input is needed. */
  next(): Uint8Array<ArrayBuffer> | null {
    const size = this.#pending();
    if (size === 0 || this.#end - this.#start < size) return null;
    const message = allocate(size - HEADER_SIZE);
    message.set(this.#buffer.subarray(this.#start + HEADER_SIZE, this.#start + size));
    this.#start += size;
    return message;
  }

  /** Size of the message that starts at the read mark with its header, 0 while the header is incomplete. */
  #pending(): number {
    if (this.#end - this.#start < HEADER_SIZE) return 0;
    for (let i = 0; i < MAGIC.length; i++) {
      if (this.#buffer[this.#start + i] !== MAGIC[i]) throw new FluxError("EPROTO", "bad magic in stream header");
    }
    const length = readU32(this.#buffer, this.#start + 4);
    if (length > this.#limit) throw new FluxError("EPROTO", `message of ${length} bytes is over the limit`);
    return HEADER_SIZE + length;
  }
}
