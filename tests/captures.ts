/**
 * Reads a file of `tests/captures`: one run of an unmodified flux 0.88 program, as it was seen on the broker's socket.
 * A file is a list of steps in the order of time, over one or more connections.
 */

import { decode, type Message } from "../broker/message/mod.ts";

/** `->`: the program to the broker; `<-`: the broker to the program. */
export type Direction = "->" | "<-";

/** What the capture prints about a message, in its own notation; compared with what the codec makes of the bytes. */
export interface Printed {
  kind: "REQ" | "RSP" | "EVT";
  topic: string;
  /** Flag letters: T topic, P payload, R route, NORSP, UP, PRIV, STREAM. */
  flags: string[];
  /** `?` is unknown. */
  uid: string;
  role: number;
  /** `nodeid=ANY`, `errnum=2`, `seq=73`. */
  first: [name: string, value: string];
  /** `tag=1`, `aux2=0`. */
  second: [name: string, value: string];
  /** As printed, most recent hop first. */
  routes: string[];
  payload: string;
}

/** One message of a conversation. */
export interface Spoken {
  step: "message";
  connection: string;
  direction: Direction;
  /** Line in the file, from 1. */
  line: number;
  printed: Printed;
  /** The length that the stream header gives. */
  length: number;
  /** Its bytes, without stream header; undefined where the file withholds them (they held an environment). */
  bytes: Uint8Array | undefined;
  /** The bytes, decoded. */
  message: Message | undefined;
}

/** A connection is made, or closed by the program. */
export interface Connected {
  step: "open" | "close";
  connection: string;
  line: number;
}

export type Step = Spoken | Connected;

export interface Capture {
  /** File name without `.txt`. */
  name: string;
  /** The command that was run. */
  command: string;
  steps: Step[];
}

const MESSAGE =
  /^(c\d+) (->|<-) (REQ|RSP|EVT) (\S*) \[([^\]]*)\] uid=(\S+) role=(\d+) (\w+)=(\S+) (\w+)=(\S+) routes=\[([^\]]*)\] (.*)$/s;
const HEADER = /^ {3}(->|<-) HDR 1200eeff([0-9a-f]{8})$/;
const WITHHELD = /^\(elided/;

/** Reads the text of the file `name`. Throws an Error naming file and line on anything it does not know. */
export function parseCapture(name: string, text: string): Capture {
  const lines = text.split("\n");
  if (lines.at(-1) === "") lines.pop();
  const steps: Step[] = [];
  let length = -1;

  const fail = (line: number, what: string): never => {
    throw new Error(`${name}.txt:${line}: ${what}`);
  };

  for (let i = 1; i < lines.length; i++) {
    const line = i + 1;
    const content = lines[i]!;
    const [, connection = "", what = ""] = /^(c\d+) (OPEN|-> CLOSE|<- CLOSE|<- AUTHBYTE)/.exec(content) ?? [];
    if (what === "OPEN") steps.push({ step: "open", connection, line });
    else if (what === "-> CLOSE") steps.push({ step: "close", connection, line });
    else if (what === "<- AUTHBYTE" && !content.endsWith("b'\\x00'")) fail(line, "connection was refused");
    if (what) continue;

    const header = HEADER.exec(content);
    if (header) {
      length = parseInt(header[2]!, 16);
      continue;
    }
    const match = MESSAGE.exec(content) ?? fail(line, "neither a header nor a message");
    const hex = /^ {3}HEX (.*)$/.exec(lines[++i] ?? "")?.[1] ?? fail(line + 1, "no HEX line");
    if (length < 0) fail(line, "message without HDR");
    const bytes = WITHHELD.test(hex) ? undefined : Uint8Array.fromHex(hex);
    if (bytes && bytes.length !== length) fail(line + 1, `HEX has ${bytes.length} bytes, HDR says ${length}`);
    steps.push({
      step: "message",
      connection: match[1]!,
      direction: match[2] as Direction,
      line,
      printed: printed(match),
      length,
      bytes,
      message: bytes && decode(bytes),
    });
    length = -1;
  }
  return { name, command: (lines[0] ?? "").replace(/^## /, ""), steps };
}

function printed(match: RegExpExecArray): Printed {
  const routes = match[12]!;
  return {
    kind: match[3] as Printed["kind"],
    topic: match[4]!,
    flags: match[5]!.split(","),
    uid: match[6]!,
    role: Number(match[7]),
    first: [match[8]!, match[9]!],
    second: [match[10]!, match[11]!],
    routes: routes === "" ? [] : routes.split(", ").map((id) => id.slice(1, -1)),
    payload: match[13]!,
  };
}

/** The messages of a capture, in order. */
export function messagesOf(capture: Capture): Spoken[] {
  return capture.steps.filter((step) => step.step === "message");
}

const folder = new URL("./captures/", import.meta.url);

/** The names of all captures, sorted. */
export function captureNames(): string[] {
  return [...Deno.readDirSync(folder)].map((entry) => entry.name).filter((name) => name.endsWith(".txt"))
    .map((name) => name.slice(0, -".txt".length)).sort();
}

/** Reads one capture by name. */
export function readCapture(name: string): Capture {
  return parseCapture(name, Deno.readTextFileSync(new URL(`${name}.txt`, folder)));
}
