/**
 * What a broker's socket may be told by a program that is broken, or hostile: a generator that repeats itself from its
 * seed. Each specimen says what a broker must do with it, besides living on and serving the others.
 */

import {
  encode,
  encodeJson,
  Flag,
  Message,
  type MessageInit,
  MessageType,
  NODEID_ANY,
} from "../../broker/message/mod.ts";
import { type SeededRandom, seededRandom } from "../sim/mod.ts";
import { framed } from "./replay_client.ts";

/**
 * `drop`: the bytes are no message, the connection is closed. `wait`: they are the beginning of one, the rest may come.
 * `keep`: they are messages, however senseless; the connection lives.
 */
export type Fate = "drop" | "wait" | "keep";

export interface Specimen {
  name: string;
  bytes: Uint8Array;
  fate: Fate;
}

type Maker = (random: SeededRandom) => Omit<Specimen, "name">;

const PROTO_SIZE = 20;

const makers: Record<string, Maker> = {
  "bad magic": (random) => {
    const bytes = framed(ping());
    bytes[random.below(4)]! ^= 1 + random.below(255);
    return { bytes, fate: "drop" };
  },
  "a request of the web": () => ({ bytes: text("GET / HTTP/1.1\r\nHost: flux\r\n\r\n"), fate: "drop" }),
  "message of length zero": () => ({ bytes: framed(new Uint8Array(0)), fate: "drop" }),
  "frames of length zero": (random) => ({ bytes: framed(new Uint8Array(1 + random.below(5000))), fate: "drop" }),
  "length beyond the limit": (random) => ({ bytes: header(0x4000_0001 + random.below(0xbfff_ffff)), fate: "drop" }),
  "length that never comes": (random) => ({
    bytes: concat([header(1 << (20 + random.below(10))), random.bytes(random.below(3000))]),
    fate: "wait",
  }),
  "cut header": (random) => ({ bytes: framed(ping()).subarray(0, 1 + random.below(7)), fate: "wait" }),
  "cut message": (random) => {
    const bytes = framed(ping());
    return { bytes: bytes.subarray(0, 8 + random.below(bytes.length - 8)), fate: "wait" };
  },
  "frame length that lies": (random) => {
    const bytes = ping();
    bytes[random.below(2)] = 30 + random.below(226);
    return { bytes: framed(bytes), fate: "drop" };
  },
  "long frame length that lies": (random) => {
    const length = new Uint8Array([0xff, ...random.bytes(4)]);
    length[1]! |= 0x10;
    return { bytes: framed(concat([new Uint8Array(1), length, ping()])), fate: "drop" };
  },
  "PROTO of another size": (random) => {
    const size = [0, 1, 19, 21, 40, 254][random.below(6)]!;
    const proto = concat([ping().subarray(-PROTO_SIZE), new Uint8Array(300)]).subarray(0, size);
    return {
      bytes: framed(concat([ping().subarray(0, -PROTO_SIZE - 1), new Uint8Array([size]), proto])),
      fate: "drop",
    };
  },
  "PROTO magic or version": (random) => {
    const bytes = ping();
    bytes[bytes.length - PROTO_SIZE + random.below(2)]! ^= 1 + random.below(255);
    return { bytes: framed(bytes), fate: "drop" };
  },
  "type that is none": (random) => proto(2, [0, 3, 5, 6, 7, 9, 16, 32, 64, 128, 255][random.below(11)]!),
  "NORESPONSE and STREAMING": () => proto(3, 0x0b | Flag.noresponse | Flag.streaming),
  "flags without their frames": (random) => proto(3, [0x00, 0x01, 0x02, 0x08, 0x09, 0x0a][random.below(6)]!),
  "valid header, random body": (random) => ({ bytes: framed(random.bytes(1 + random.below(2000))), fate: "drop" }),
  "random bytes": (random) => ({
    bytes: concat([new Uint8Array(1), random.bytes(8 + random.below(500))]),
    fate: "drop",
  }),
  "70,000 routes": () => {
    const route = new Uint8Array([1, 0x61]);
    return { bytes: framed(concat([...Array(70_000).fill(route), ping()])), fate: "drop" };
  },
  "topic that is not UTF-8": () => {
    const bytes = ping();
    bytes[2] = 0xff;
    return { bytes: framed(bytes), fate: "drop" };
  },

  "a valid request, then bad magic": (random) => ({
    bytes: concat([framed(ping()), random.bytes(3), header(9)]),
    fate: "drop",
  }),
  "a hundred requests, no answer read": () => ({ bytes: concat(Array(100).fill(framed(ping()))), fate: "keep" }),
  "request without topic": () => message({ topic: "" }),
  ...Object.fromEntries(
    ["__proto__", "constructor", "valueOf", "hasOwnProperty", "toString.ping", "broker.__proto__", "attr.constructor"]
      .map((topic) => [
        `topic that JavaScript knows, ${topic}`,
        () => message({ topic, payload: encodeJson({}) }),
      ]),
  ),
  ...Object.fromEntries(
    ["groups.join", "module.load", "attr.get", "service.add", "event.subscribe"].map((topic) => [
      `names that JavaScript knows, ${topic}`,
      (random: SeededRandom) => {
        const name = ["__proto__", "constructor", "valueOf"][random.below(3)]!;
        return message({ topic, payload: encodeJson({ name, path: name, args: [], service: name, topic: name }) });
      },
    ]),
  ),
  "topic of 60,000 characters": () => message({ topic: "x".repeat(60_000) }),
  "topic of dots": (random) => message({ topic: ".".repeat(1 + random.below(9)) }),
  "payload that is not JSON": (random) =>
    message({ topic: pick(random), payload: random.bytes(1 + random.below(100)) }),
  "payload of a NUL": (random) => message({ topic: pick(random), payload: new Uint8Array(1) }),
  "JSON that is no object": (random) =>
    message({ topic: pick(random), payload: text(["[]\0", "1\0", "null\0", '"a"\0', "\0", "{\0"][random.below(6)]!) }),
  "JSON of other types": (random) => {
    const value = [null, true, 0, -1, 1e300, "", [], {}, "\0", "__proto__", "constructor"][random.below(11)]!;
    const keys = ["name", "topic", "service", "names", "value", "path", "flags", "final", "payload"];
    return message({ topic: pick(random), payload: encodeJson(Object.fromEntries(keys.map((key) => [key, value]))) });
  },
  "JSON that nests too deep": (random) =>
    message({ topic: pick(random), payload: text(`{"name":${"[".repeat(100_000)}${"]".repeat(100_000)}}\0`) }),
  "a rank that is not there": (random) =>
    message({ topic: "broker.ping", aux1: 3 + random.below(0xffff_ff00), payload: encodeJson({}) }),
  "UPSTREAM of another rank": (random) =>
    message({ topic: "broker.ping", flags: Flag.upstream, aux1: random.below(10), payload: encodeJson({}) }),
  "routes of strangers": (random) =>
    message({
      topic: "broker.ping",
      routes: [random.uuid(), "", "a", "\xff"].filter(Boolean),
      payload: encodeJson({}),
    }),
  "a streaming request to what does not stream": () =>
    message({ topic: "attr.get", flags: Flag.streaming, payload: encodeJson({ name: "rank" }) }),
  "a response to nobody": (random) =>
    message({ type: MessageType.response, topic: "broker.ping", aux1: 0, routes: [random.uuid(), random.uuid()] }),
  "a response without routes": () => message({ type: MessageType.response, topic: "a.b", aux1: 2 }),
  "a control message": (random) =>
    message({ type: MessageType.control, topic: "", aux1: random.below(4), aux2: random.below(9) }),
  "an event that claims a sequence": (random) =>
    message({ type: MessageType.event, topic: "garbage.event", aux1: 1 + random.below(0xffff_fffe) }),
  "an event without topic": () => message({ type: MessageType.event, topic: "", aux1: 0, aux2: 0 }),
  "a cancel of what was never asked": (random) =>
    message({
      topic: "log.cancel",
      flags: Flag.noresponse,
      payload: encodeJson({ matchtag: random.below(0xffff_ffff) }),
    }),
  "a disconnect that was not asked for": () => message({ topic: "attr.disconnect", flags: Flag.noresponse }),
  "credentials that are made up": (random) =>
    message({
      topic: "broker.ping",
      userid: random.below(70_000),
      rolemask: random.below(0xffff_ffff) || 1,
      payload: encodeJson({}),
    }),
};

/** Names of all kinds there are. */
export const kinds: readonly string[] = Object.keys(makers);

/** `rounds` of every kind, each time another one; the same for the same seed. */
export function* garbage(seed: number, rounds = 1): Generator<Specimen> {
  const random = seededRandom(seed);
  for (let round = 0; round < rounds; round++) {
    for (const [name, make] of Object.entries(makers)) {
      yield { name: `${name} #${round}`, ...make(random.fork(`${name} ${round}`)) };
    }
  }
}

/** A ping of the local broker, well formed. */
export function ping(matchtag = 1): Uint8Array<ArrayBuffer> {
  const payload = encodeJson({ seq: 0, "time.tv_sec": 0, "time.tv_nsec": 0, pad: "" });
  return encode(new Message({ ...REQUEST, topic: "broker.ping", aux2: matchtag, payload }));
}

const REQUEST = { type: MessageType.request, aux1: NODEID_ANY, aux2: 1 } as const;

/** Topics that every broker serves with an object as payload. */
function pick(random: SeededRandom): string {
  const topics = [
    "attr.get",
    "attr.set",
    "broker.getenv",
    "broker.ping",
    "event.publish",
    "event.subscribe",
    "groups.get",
    "groups.join",
    "log.dmesg",
    "module.load",
    "module.remove",
    "service.add",
    "state-machine.monitor",
  ];
  return topics[random.below(topics.length)]!;
}

function message(init: Partial<MessageInit>): Omit<Specimen, "name"> {
  return { bytes: framed(encode(new Message({ ...REQUEST, ...init }))), fate: "keep" };
}

/** A ping with one byte of its PROTO changed. */
function proto(offset: number, value: number): Omit<Specimen, "name"> {
  const bytes = ping();
  bytes[bytes.length - PROTO_SIZE + offset] = value;
  return { bytes: framed(bytes), fate: "drop" };
}

function header(length: number): Uint8Array {
  return concat([
    framed(new Uint8Array(0)).subarray(0, 4),
    Uint8Array.of(length >>> 24, length >>> 16, length >>> 8, length),
  ]);
}

function text(content: string): Uint8Array {
  return new TextEncoder().encode(content);
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
