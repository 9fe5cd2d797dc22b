/**
 * The byte-stream encoding of one message (wire.md §1.2, 1.13): frames, each with a length of 1 byte
 * (< 255) or `ff` and 4 bytes big-endian; the last frame is PROTO, 20 bytes.
 *
 * Invariant: `decode(encode(m))` equals `m`, and `encode(decode(b))` equals `b` for every `b` a conforming peer
 * sends. Any other byte string is refused with EPROTO; nothing here reads past its end, and what decoding costs is
 * bounded by the limits below, not by what a length field claims.
 */

import { FluxError } from "./errno.ts";
import { Flag, Message, MessageType } from "./message.ts";
import { allocate } from "./slab.ts";

const MAGIC = 0x8e;
const VERSION = 0x01;
const PROTO_SIZE = 20;
const LONG = 0xff;
const FRAMING = Flag.topic | Flag.payload | Flag.route;
const TYPES = MessageType.request | MessageType.response | MessageType.event | MessageType.control;

/** Bounds on what a stranger may make us unpack; a session's own messages stay far below. */
const TOPIC_LIMIT = 1 << 16;
/** Route ids a message between brokers may have. */
const ROUTES_LIMIT = 1 << 16;
/** Route ids a message of a client may have: fewer, so that the hops it makes cannot turn it into one that a broker refuses. */
export const CLIENT_ROUTES_LIMIT = ROUTES_LIMIT >> 1;

const utf8 = new TextEncoder();
const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * The bytes of `message`, behind `headroom` zero bytes that the caller fills in (a stream header). They are a view:
 * their `buffer` may hold other messages too. ROUTE is always set, as every libflux client and broker does.
 */
export function encode(message: Message, headroom = 0): Uint8Array<ArrayBuffer> {
  const { routes, topic, payload } = message;
  const topicBytes = isAscii(topic) ? undefined : utf8.encode(topic);
  const topicSize = topicBytes ? topicBytes.length : topic.length;
  let size = headroom + 1 + 1 + PROTO_SIZE;
  for (let i = 0; i < routes.length; i++) size += frameSize(routes[i]!.length);
  if (topicSize > 0) size += frameSize(topicSize);
  if (payload) size += frameSize(payload.length);

  const bytes = allocate(size);
  let at = headroom;
  for (let i = routes.length - 1; i >= 0; i--) {
    const id = routes[i]!;
    at = writeChars(bytes, writeLength(bytes, at, id.length), id);
  }
  at = writeLength(bytes, at, 0);
  if (topicBytes) at = writeFrame(bytes, at, topicBytes);
  else if (topicSize > 0) at = writeChars(bytes, writeLength(bytes, at, topicSize), topic);
  if (payload) at = writeFrame(bytes, at, payload);

  at = writeLength(bytes, at, PROTO_SIZE);
  bytes[at] = MAGIC;
  bytes[at + 1] = VERSION;
  bytes[at + 2] = message.type;
  bytes[at + 3] = (message.flags & ~FRAMING) | Flag.route | (topicSize > 0 ? Flag.topic : 0) |
    (payload ? Flag.payload : 0);
  writeU32(bytes, at + 4, message.userid);
  writeU32(bytes, at + 8, message.rolemask);
  writeU32(bytes, at + 12, message.aux1);
  writeU32(bytes, at + 16, message.aux2);
  return bytes;
}

/**
 * The message in `bytes`. Its payload is a view on them, not a copy. Throws EPROTO on anything malformed, and on more
 * than `routesLimit` route ids.
 */
export function decode(bytes: Uint8Array, routesLimit = ROUTES_LIMIT): Message {
  const end = bytes.length - PROTO_SIZE - 1;
  const proto = end + 1;
  if (end < 0 || bytes[end] !== PROTO_SIZE || bytes[proto] !== MAGIC || bytes[proto + 1] !== VERSION) {
    throw malformed("no PROTO frame");
  }
  const type = bytes[proto + 2]!;
  const flags = bytes[proto + 3]!;
  if ((type & TYPES) !== type || type === 0 || (type & (type - 1)) !== 0) {
    throw malformed(`unknown message type ${type}`);
  }
  if ((flags & Flag.noresponse) && (flags & Flag.streaming)) throw malformed("NORESPONSE and STREAMING together");

  const frames = new Frames(bytes, end);
  const routes: string[] = [];
  if (flags & Flag.route) {
    while (frames.next("no route delimiter")) {
      if (frames.size >= LONG) throw malformed("route id too long");
      if (routes.length === routesLimit) throw malformed("too many routes");
      routes.push(chars(bytes, frames.start, frames.stop));
    }
    if (routes.length > 1) routes.reverse();
  }
  let topic = "";
  if (flags & Flag.topic) {
    if (frames.next("topic missing") > TOPIC_LIMIT) throw malformed("topic too long");
    topic = text(bytes, frames.start, frames.stop);
  }
  let payload: Uint8Array | undefined;
  if (flags & Flag.payload && frames.next("payload missing") > 0) payload = bytes.subarray(frames.start, frames.stop);
  if (frames.stop !== end) throw malformed("frames left over");

  return new Message({
    type: type as MessageType,
    flags: flags & ~FRAMING,
    userid: readU32(bytes, proto + 4),
    rolemask: readU32(bytes, proto + 8),
    aux1: readU32(bytes, proto + 12),
    aux2: readU32(bytes, proto + 16),
    routes,
    topic,
    payload,
  });
}

/** Steps over the frames in front of `end`; `start` and `stop` bound the frame that was last stepped on. */
class Frames {
  start = 0;
  stop = 0;
  readonly #bytes: Uint8Array;
  readonly #end: number;

  constructor(bytes: Uint8Array, end: number) {
    this.#bytes = bytes;
    this.#end = end;
  }

  get size(): number {
    return this.stop - this.start;
  }

  /** Steps to the next frame and returns its size. Throws EPROTO with `missing` when there is none. */
  next(missing: string): number {
    let at = this.stop;
    if (at >= this.#end) throw malformed(missing);
    let size = this.#bytes[at++]!;
    if (size === LONG) {
      if (at + 4 > this.#end) throw malformed("truncated frame length");
      size = readU32(this.#bytes, at);
      at += 4;
    }
    if (size > this.#end - at) throw malformed("truncated frame");
    this.start = at;
    this.stop = at + size;
    return size;
  }
}

function malformed(what: string): FluxError {
  return new FluxError("EPROTO", `malformed message: ${what}`);
}

function isAscii(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 0x7f) return false;
  return true;
}

/** A topic: UTF-8, in practice ASCII. */
function text(bytes: Uint8Array, start: number, stop: number): string {
  for (let i = start; i < stop; i++) {
    if (bytes[i]! < 0x80) continue;
    try {
      return strict.decode(bytes.subarray(start, stop));
    } catch {
      throw malformed("topic is not UTF-8");
    }
  }
  return chars(bytes, start, stop);
}

/** One character a byte, so that any route id comes back as it was; six at a time, twice as fast as one by one. */
function chars(bytes: Uint8Array, start: number, stop: number): string {
  let s = "";
  let i = start;
  for (; i + 6 <= stop; i += 6) {
    s += String.fromCharCode(bytes[i]!, bytes[i + 1]!, bytes[i + 2]!, bytes[i + 3]!, bytes[i + 4]!, bytes[i + 5]!);
  }
  for (; i < stop; i++) s += String.fromCharCode(bytes[i]!);
  return s;
}

function frameSize(length: number): number {
  return length < LONG ? 1 + length : 5 + length;
}

function writeLength(bytes: Uint8Array, at: number, length: number): number {
  if (length < LONG) {
    bytes[at] = length;
    return at + 1;
  }
  bytes[at] = LONG;
  writeU32(bytes, at + 1, length);
  return at + 5;
}

function writeFrame(bytes: Uint8Array, at: number, frame: Uint8Array): number {
  at = writeLength(bytes, at, frame.length);
  bytes.set(frame, at);
  return at + frame.length;
}

function writeChars(bytes: Uint8Array, at: number, text: string): number {
  for (let i = 0; i < text.length; i++) bytes[at++] = text.charCodeAt(i);
  return at;
}

/** Big-endian, as every number on the wire. */
export function writeU32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 24;
  bytes[at + 1] = value >>> 16;
  bytes[at + 2] = value >>> 8;
  bytes[at + 3] = value;
}

/** Big-endian, 0 … 2^32-1. */
export function readU32(bytes: Uint8Array, at: number): number {
  return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0;
}
