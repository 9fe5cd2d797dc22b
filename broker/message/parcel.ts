/**
 * Several encoded messages in one piece, for links between our own brokers: what travels together costs the transport
 * once. Each message behind its length, 4 bytes, big-endian. Pure.
 */

import { readU32, writeU32 } from "./codec.ts";
import { FluxError } from "./errno.ts";

const LENGTH_SIZE = 4;

/** One piece of bytes that holds `messages`, in order. */
export function pack(messages: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const parcel = new Uint8Array(messages.reduce((size, { length }) => size + LENGTH_SIZE + length, 0));
  let at = 0;
  for (const message of messages) {
    writeU32(parcel, at, message.length);
    parcel.set(message, at + LENGTH_SIZE);
    at += LENGTH_SIZE + message.length;
  }
  return parcel;
}

/** The messages in a parcel: views on it, not copies. Throws EPROTO, before anything, when it is not whole. */
export function unpack(parcel: Uint8Array): Uint8Array[] {
  const messages: Uint8Array[] = [];
  for (let at = 0; at < parcel.length;) {
    const start = at + LENGTH_SIZE;
    const stop = start <= parcel.length ? start + readU32(parcel, at) : Infinity;
    if (stop > parcel.length) throw new FluxError("EPROTO", "malformed parcel: truncated message");
    messages.push(parcel.subarray(start, stop));
    at = stop;
  }
  return messages;
}
