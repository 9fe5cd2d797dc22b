/**
 * Says to a live broker what a captured program said, and compares what comes back. Answers are awaited where they
 * were captured, so that what follows from them follows again; events may come in between. What another program had
 * published while the capture was made, a second connection publishes here.
 */

import { decode, encode, encodeText, Flag, Message, MessageType } from "../../broker/message/mod.ts";
import type { Capture, Spoken } from "../captures.ts";
import { PATIENCE, RawClient } from "./replay_client.ts";
import { type Mismatch, mismatches, type Tolerance } from "./replay_shape.ts";

const decoder = new TextDecoder();

/** What one capture needs to be replayed, and what may differ when it is. */
export interface Allowances extends Tolerance {
  /** The rank whose broker the program talks to; 0 unless said. */
  rank?: number;
  /** The rank at which the other program publishes; `rank` unless said. */
  publisher?: number;
  /** Captures that are replayed before it in the same session. */
  after?: readonly string[];
  /** Names of services and modules that are others here, in topics and payloads both ways. */
  rename?: Readonly<Record<string, string>>;
  /** Topics that come any number of times, once at least, where they were captured in a row. */
  many?: readonly string[];
  /** Topics that may come beyond what was captured. */
  surplus?: readonly string[];
  /** A request that another program makes so that there is something to report. */
  stir?: string;
  /** Topics whose answers to one request may come in another order. */
  anyOrder?: readonly string[];
  /** What stands for parts of a withheld message, so that it can be said after all. */
  fill?: Readonly<Record<string, string>>;
  /** The ids of processes are others here: what was captured of one is said with the one that came. */
  pids?: boolean;
}

/** One deviation from a capture. */
export interface Difference extends Mismatch {
  capture: string;
  /** Line of the capture, of the message that was to come. */
  line: number;
  message: string;
}

/** `ping1.txt:15 c2 <- RSP broker.ping: payload.rank: expected integer, got string`. */
export function describe({ capture, line, message, path, expected, actual }: Difference): string {
  return `${capture}.txt:${line} ${message}: ${path}: expected ${expected}, got ${actual}`;
}

/**
 * Replays `capture` against the brokers whose sockets `socket(rank)` names. Returns what differs, in order; stops at the
 * first message that does not come within `patience` milliseconds. Throws when the capture withholds bytes that it would have to send.
 */
export async function replay(
  capture: Capture,
  socket: (rank: number) => string,
  allowances: Allowances = {},
  patience = PATIENCE,
): Promise<Difference[]> {
  const run = new Run(capture, (rank) => RawClient.connect(socket(rank), patience), allowances);
  try {
    for (const step of capture.steps) {
      if (step.step === "message") {
        if (step.direction === "->") await run.say(step);
        else if (!await run.expect(step)) return run.differences;
      } else if (step.step === "open") await run.open(step.connection);
      else await run.close(step.connection);
    }
    await run.closeAll();
    return run.differences;
  } finally {
    await run.end();
  }
}

class Run {
  readonly differences: Difference[] = [];
  readonly #capture: Capture;
  readonly #connect: (rank: number) => Promise<RawClient>;
  readonly #allow: Allowances;
  readonly #clients = new Map<string, RawClient>();
  /** Events that were said here and have not come back. */
  readonly #published: Message[] = [];
  /** The last message of a topic that may come many times: what further ones must be like. */
  readonly #models = new Map<string, Spoken>();
  #other: RawClient | undefined;
  #stirred = false;
  /** Of processes: captured, and here. */
  readonly #pids = new Map<string, string>();

  constructor(capture: Capture, connect: (rank: number) => Promise<RawClient>, allowances: Allowances) {
    this.#capture = capture;
    this.#connect = connect;
    this.#allow = allowances;
  }

  async open(connection: string): Promise<void> {
    this.#clients.set(connection, await this.#connect(this.#allow.rank ?? 0));
  }

  async say(spoken: Spoken): Promise<void> {
    const message = spoken.message ?? this.#filled(spoken);
    if (!message) throw new Error(`${this.#capture.name}.txt:${spoken.line}: the capture withholds these bytes`);
    const renamed = this.#rename(message);
    if (message.type === MessageType.event) this.#published.push(renamed);
    const asCaptured = spoken.bytes && !this.#allow.rename && !this.#allow.pids;
    await this.#client(spoken).send(asCaptured ? spoken.bytes! : encode(renamed));
  }

  /** Awaits the message that was captured here and compares it. False when it does not come. */
  async expect(spoken: Spoken): Promise<boolean> {
    if (!spoken.message) throw new Error(`${this.#capture.name}.txt:${spoken.line}: the capture withholds these bytes`);
    const expected = this.#rename(spoken.message);
    const many = this.#mayRepeat(expected);
    if (many && this.#models.has(modelKey(spoken.connection, expected))) return true;

    const isEvent = expected.type === MessageType.event;
    if (isEvent) await this.#publishFor(expected);
    else if (expected.has(Flag.streaming)) await this.#stir();

    for (;;) {
      const actual = await this.#client(spoken).take((message) =>
        keyOf(message) === keyOf(expected) && (!this.#comesInAnyOrder(message) || this.#fits(expected, message))
      );
      if (!actual) {
        const why = this.#client(spoken).closed ? "the connection was closed" : "nothing within the time limit";
        this.#report(spoken, [{ path: "message", expected: "one", actual: why }]);
        return false;
      }
      const model = this.#models.get(modelKey(spoken.connection, actual));
      if (model && !many && this.#mayRepeat(actual)) {
        this.#compare(model, this.#rename(model.message!), actual);
        continue;
      }
      this.#compare(spoken, expected, actual);
      this.#learnPid(expected, actual);
      if (many) this.#models.set(modelKey(spoken.connection, expected), spoken);
      return true;
    }
  }

  /** The program closes: nothing may have come that was not captured. */
  async close(connection: string): Promise<void> {
    const client = this.#clients.get(connection)!;
    this.#clients.delete(connection);
    await using _ = client;
    const last = this.#capture.steps.findLast((step) => step.step === "message" && step.connection === connection);
    const settled = await client.settle();
    if (last?.step !== "message") return;
    if (!settled) this.#report(last, [{ path: "connection", expected: "open", actual: "closed or silent" }]);
    for (const message of client.inbox) {
      const model = this.#models.get(modelKey(connection, message));
      if (model && this.#mayRepeat(message)) this.#compare(model, this.#rename(model.message!), message);
      else if (!isItem(message) || !this.#allow.surplus?.includes(message.topic)) {
        this.#report(last, [{ path: "message", expected: "no more", actual: summary(message) }]);
      }
    }
  }

  async closeAll(): Promise<void> {
    for (const connection of [...this.#clients.keys()]) await this.close(connection);
  }

  async end(): Promise<void> {
    for (const client of [...this.#clients.values(), this.#other]) await client?.[Symbol.asyncDispose]();
  }

  #client(spoken: Spoken): RawClient {
    const client = this.#clients.get(spoken.connection);
    if (!client) throw new Error(`${this.#capture.name}.txt:${spoken.line}: ${spoken.connection} is not open`);
    return client;
  }

  #compare(spoken: Spoken, expected: Message, actual: Message): void {
    const sent = this.#published.findIndex((event) => event.topic === actual.topic);
    const exact = actual.type === MessageType.event && sent >= 0;
    this.#report(spoken, mismatches(expected, actual, this.#allow, exact));
    if (exact) this.#published.splice(sent, 1);
  }

  #report(spoken: Spoken, found: Mismatch[]): void {
    const { connection, direction, line, printed } = spoken;
    const message = `${connection} ${direction} ${printed.kind} ${printed.topic}`;
    for (const mismatch of found) this.differences.push({ capture: this.#capture.name, line, message, ...mismatch });
  }

  #comesInAnyOrder(message: Message): boolean {
    return this.#allow.anyOrder?.includes(message.topic) ?? false;
  }

  #fits(expected: Message, actual: Message): boolean {
    return mismatches(expected, actual, this.#allow).length === 0;
  }

  #learnPid(expected: Message, actual: Message): void {
    if (!this.#allow.pids || expected.errnum !== 0) return;
    const [theirs, ours] = [expected, actual].map(({ payload }) => /"pid":(\d+)/.exec(decoder.decode(payload))?.[1]);
    if (theirs && ours) this.#pids.set(theirs, ours);
  }

  /** A request of which only the print is known, made of that and of what fills its gaps. */
  #filled({ printed: { kind, topic, flags, first, second, payload } }: Spoken): Message | undefined {
    if (!this.#allow.fill || kind !== "REQ") return undefined;
    let text = payload.replace(/\\0$/, "");
    for (const [gap, filling] of Object.entries(this.#allow.fill)) text = text.replaceAll(gap, filling);
    const nodeid = first[1] === "ANY" ? 0xffffffff : Number(first[1]);
    const streaming = flags.includes("STREAM") ? Flag.streaming : 0;
    const parts = { type: MessageType.request, topic, flags: streaming, aux1: nodeid, aux2: Number(second[1]) };
    return new Message({ ...parts, payload: encodeText(text) });
  }

  #mayRepeat(message: Message): boolean {
    return isItem(message) && (this.#allow.many?.includes(message.topic) ?? false);
  }

  /** Publishes an event that this program did not publish itself. Heartbeats come by themselves. */
  async #publishFor(expected: Message): Promise<void> {
    if (expected.topic === "heartbeat.pulse" || this.#published.some((event) => event.topic === expected.topic)) return;
    const { type, topic, payload, flags } = expected;
    const event = new Message({ type, topic, payload, flags });
    this.#published.push(event);
    await (await this.#otherProgram()).send(encode(event));
  }

  async #stir(): Promise<void> {
    if (!this.#allow.stir || this.#stirred) return;
    this.#stirred = true;
    const request = { type: MessageType.request, topic: this.#allow.stir, aux1: 0xffffffff, aux2: 1 } as const;
    await (await this.#otherProgram()).send(encode(new Message({ ...request, payload: encodeText("{}") })));
  }

  async #otherProgram(): Promise<RawClient> {
    const { publisher, rank = 0 } = this.#allow;
    return this.#other ??= await this.#connect(publisher ?? rank);
  }

  /** The message with the names that services have here. */
  #rename(message: Message): Message {
    const names = Object.entries(this.#allow.rename ?? {});
    if (names.length === 0 && this.#pids.size === 0) return message;
    const renamed = message.copy();
    for (const [theirs, ours] of this.#pids) {
      if (renamed.payload?.at(-1) !== 0) continue;
      const text = decoder.decode(renamed.payload.subarray(0, -1));
      renamed.payload = encodeText(text.replace(`"pid":${theirs}`, `"pid":${ours}`));
    }
    for (const [from, to] of names) {
      if (renamed.service === from) renamed.topic = to + renamed.topic.slice(from.length);
      if (renamed.payload?.at(-1) !== 0) continue;
      const text = new TextDecoder().decode(renamed.payload.subarray(0, -1));
      renamed.payload = encodeText(text.replaceAll(`"${from}"`, `"${to}"`));
    }
    return decode(encode(renamed));
  }
}

/** What tells one conversation on a connection from another: a response's matchtag, an event's topic. */
function keyOf(message: Message): string {
  return message.type === MessageType.event ? `event ${message.topic}` : `${message.type} ${message.matchtag}`;
}

/** An event, or a response that is no error and so does not end a stream. */
function isItem(message: Message): boolean {
  return message.type === MessageType.event || message.errnum === 0;
}

function modelKey(connection: string, message: Message): string {
  return `${connection} ${keyOf(message)} ${message.topic}`;
}

function summary(message: Message): string {
  const kind = message.type === MessageType.event ? "event" : `response with errnum ${message.errnum}`;
  return `${kind} ${message.topic} tag ${message.aux2}`;
}
