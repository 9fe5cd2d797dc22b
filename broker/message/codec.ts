/**
 * The byte-stream encoding of one message (wire.md §1.2, 1.13): frames, each with a length of 1 byte
 * (< 255) or `ff` and 4 bytes big-endian; the last frame is PROTO, 20 bytes.
 *
 * Invariant: `decode(encode(m))` equals `m`, and `encode(decode(b))` equals `b` for every `b` a conforming peer
 * sends. Any other byte string is refused with EPROTO; nothing here reads past its end.
 */

import { FluxError } from "./errno.ts";
import { Flag, Message, MessageType } from "./message.ts";

const MAGIC = 0x8e;
const VERSION = 0x01;
const PROTO_SIZE = 20;
const LONG = 0xff;
const FRAMING = Flag.topic | Flag.payload | Flag.route;
const TYPES = new Set<number>(Object.values(MessageType));

const utf8 = new TextEncoder();
const text = new TextDecoder();

/**
 * The bytes of `message`, behind `headroom` zero bytes that the caller fills in (a stream header).
 * ROUTE is always set, as every libflux client and broker does.
 */
export function encode(message: Message, headroom = 0): Uint8Array<ArrayBuffer> {
  const { routes, topic, payload } = message;
  const topicBytes = topic === "" ? undefined : utf8.encode(topic);
  let size = headroom + 1 + 1 + PROTO_SIZE;
  for (const id of routes) size += frameSize(id.length);
  if (topicBytes) size += frameSize(topicBytes.length);
  if (payload) size += frameSize(payload.length);

  const bytes = new Uint8Array(size);
  let at = headroom;
  for (let i = routes.length - 1; i >= 0; i--) {
    const id = routes[i]!;
    at = writeLength(bytes, at, id.length);
    for (let j = 0; j < id.length; j++) bytes[at++] = id.charCodeAt(j);
  }
  at = writeLength(bytes, at, 0);
  if (topicBytes) at = writeFrame(bytes, at, topicBytes);
  if (payload) at = writeFrame(bytes, at, payload);

  at = writeLength(bytes, at, PROTO_SIZE);
  bytes[at] = MAGIC;
  bytes[at + 1] = VERSION;
  bytes[at + 2] = message.type;
  bytes[at + 3] = (message.flags & ~FRAMING) | Flag.route | (topicBytes ? Flag.topic : 0) |
    (payload ? Flag.payload : 0);
  writeU32(bytes, at + 4, message.userid);
  writeU32(bytes, at + 8, message.rolemask);
  writeU32(bytes, at + 12, message.aux1);
  writeU32(bytes, at + 16, message.aux2);
  return bytes;
}

/** The message in `bytes`. Its payload is a view on them, not a copy. Throws EPROTO on anything malformed. */
export function decode(bytes: Uint8Array): Message {
  const frames = split(bytes);
  const proto = frames.pop();
  if (!proto || proto.length !== PROTO_SIZE || proto[0] !== MAGIC || proto[1] !== VERSION) {
    throw malformed("no PROTO frame");
  }
  const type = proto[2]!;
  const flags = proto[3]!;
  if (!TYPES.has(type)) throw malformed(`unknown message type ${type}`);
  if ((flags & Flag.noresponse) && (flags & Flag.streaming)) throw malformed("NORESPONSE and STREAMING together");

  let next = 0;
  const routes: string[] = [];
  if (flags & Flag.route) {
    for (;;) {
      const frame = frames[next++];
      if (!frame) throw malformed("no route delimiter");
      if (frame.length === 0) break;
      routes.push(ascii(frame));
    }
    routes.reverse();
  }
  const topic = flags & Flag.topic ? frames[next++] : undefined;
  const payload = flags & Flag.payload ? frames[next++] : undefined;
  if (next !== frames.length) throw malformed(next > frames.length ? "frames missing" : "frames left over");

  return new Message({
    type: type as MessageType,
    flags: flags & ~FRAMING,
    userid: readU32(proto, 4),
    rolemask: readU32(proto, 8),
    aux1: readU32(proto, 12),
    aux2: readU32(proto, 16),
    routes,
    topic: topic ? ascii(topic) : "",
    payload,
  });
}

function split(bytes: Uint8Array): Uint8Array[] {
  const frames: Uint8Array[] = [];
  let at = 0;
  while (at < bytes.length) {
    let length = bytes[at++]!;
    if (length === LONG) {
      if (at + 4 > bytes.length) throw malformed("truncated frame length");
      length = readU32(bytes, at);
      at += 4;
    }
    if (at + length > bytes.length) throw malformed("truncated frame");
    frames.push(bytes.subarray(at, at + length));
    at += length;
  }
  return frames;
}

function malformed(what: string): FluxError {
  return new FluxError("EPROTO", `malformed message: ${what}`);
}

function ascii(bytes: Uint8Array): string {
  if (bytes.length > 64) return text.decode(bytes);
  let s = "";
  for (let i = 0; i < bytes.length; i++) {
    const c = bytes[i]!;
    if (c > 0x7f) return text.decode(bytes);
    s += String.fromCharCode(c);
  }
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

function writeU32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 24;
  bytes[at + 1] = value >>> 16;
  bytes[at + 2] = value >>> 8;
  bytes[at + 3] = value;
}

function readU32(bytes: Uint8Array, at: number): number {
  return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0;
}
