/** A message as `flux snoop` shows it (cli.md §4.9). */

import { decodeText, Flag, type Json, type Message, MessageType } from "../../broker/message/mod.ts";

const RULE = "-".repeat(38);
const SIGNS = {
  [MessageType.request]: ">",
  [MessageType.response]: "<",
  [MessageType.event]: "e",
  [MessageType.control]: "k",
};
const NAMES = {
  [MessageType.request]: "request",
  [MessageType.response]: "response",
  [MessageType.event]: "event",
  [MessageType.control]: "control",
};
/** Route ids are cut to this many characters, and payloads unless they are to be shown whole. */
const ID_CHARS = 5;
const PAYLOAD_CHARS = 70;
const PROTO_SIZE = 20;

/** The frames of a message, one a line, each with its length; `bytes` is its encoding, the last frame of which is PROTO. */
export function dumpMessage(message: Message, bytes: Uint8Array, long: boolean): string {
  const { routes, topic, payload, type } = message;
  const lines = [RULE];
  const frame = (length: number, text: string) => lines.push(`${SIGNS[type]}[${`${length}`.padStart(3, "0")}] ${text}`);
  if (type !== MessageType.event) {
    const length = routes.reduce((sum, id) => sum + id.length, 0);
    frame(length, `|${routes.map((id) => id.slice(0, ID_CHARS)).join("!")}|`);
  }
  if (topic !== "") frame(topic.length, topic);
  if (payload) frame(payload.length, long ? show(payload) : shorten(show(payload)));
  frame(PROTO_SIZE, bytes.subarray(-PROTO_SIZE).toHex().toUpperCase());
  return lines.join("\n");
}

/** The same as data. */
export function messageRecord(message: Message): object {
  const { type, topic, flags, userid, rolemask, routes, payload } = message;
  return {
    type: NAMES[type],
    topic,
    ...(type === MessageType.request && { nodeid: message.nodeid, matchtag: message.matchtag }),
    ...(type === MessageType.response && { errnum: message.errnum, matchtag: message.matchtag }),
    ...(type === MessageType.event && { sequence: message.sequence }),
    flags: Object.entries(Flag).filter(([, bit]) => flags & bit).map(([name]) => name),
    userid,
    rolemask,
    routes,
    size: payload?.length ?? 0,
    payload: payload ? parse(payload) : null,
  };
}

/** Text as it is, other bytes in hexadecimal. */
function show(payload: Uint8Array): string {
  return text(payload) ?? payload.toHex();
}

function shorten(line: string): string {
  return line.length > PAYLOAD_CHARS ? `${line.slice(0, PAYLOAD_CHARS)}...` : line;
}

function parse(payload: Uint8Array): Json {
  const whole = text(payload);
  if (whole === undefined) return payload.toHex();
  try {
    return JSON.parse(whole);
  } catch {
    return whole;
  }
}

function text(payload: Uint8Array): string | undefined {
  try {
    return decodeText(payload);
  } catch {
    return undefined;
  }
}
