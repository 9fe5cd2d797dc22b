/**
 * The event overlay of one broker. Rank 0 numbers events; each broker passes them on to the children that joined it,
 * in order. A child joins with the last number it has seen and is sent everything after it, so first contact, a gap and
 * a new parent are one and the same case. Unnumbered events travel up to rank 0 over the tree. What goes down in one turn of the
 * event loop goes in one parcel.
 */

import {
  decode,
  decodeJson,
  encode,
  encodeJson,
  encodeText,
  errnum,
  FluxError,
  Message,
  MessageType,
  pack,
  responseTo,
  Role,
  unpack,
} from "../message/mod.ts";
import type { KeyPair, Link, Listener, Random, Transport } from "../ports/mod.ts";
import { EventLog } from "./event_log.ts";
import { checkAnswer, linkError, linkRequest } from "./link_message.ts";
import { dialOptions, type JoinOptions, listenOptions, seenFrom } from "./tree_options.ts";

/** A parcel leaves when it holds this many bytes, or when the turn ends. */
const PARCEL = 1 << 16;
/**
 * Turns of the microtask queue in which rank 0 waits for company: what one message leads to (a commit, the word of it, the state of a job)
 * is published within them. Every parcel wakes every broker, which costs each far more than what is in it.
 */
const HOPS = 24;

export interface EventsOptions {
  readonly rank: number;
  readonly hostname: string;
  readonly random: Random;
  readonly transport: Transport;
  readonly keys?: KeyPair | undefined;
  rankOf?(publicKey: string): number | undefined;
  /** Events kept for children that missed some, as {@link EventLog} has it. */
  readonly history?: number | undefined;
  log(level: "err" | "warning" | "info" | "debug", text: string): void;
  /** Milliseconds of the clock. */
  now(): number;
  /** Gives a numbered event to everyone on this broker. */
  deliver(event: Message): void;
  /** The link to the parent ended. */
  parentLost(reason: string): void;
}

/** A child's request to join, and the last event it has seen, if it follows the sequence already. */
interface Joining {
  readonly request: Message;
  readonly after: number | undefined;
}

export class Events {
  readonly #options: EventsOptions;
  readonly #log: EventLog;
  readonly #children = new Set<string>();
  /** Children that asked to join before we knew where the sequence is: they are answered when we do. */
  readonly #early = new Map<string, Joining>();
  /** Events on their way to the children, encoded, and their bytes. */
  #outgoing: Uint8Array<ArrayBuffer>[] = [];
  #outgoingSize = 0;
  #listener: Listener | undefined;
  #link: Link | undefined;
  /** The link to a parent that has not taken us in yet. */
  #candidate: Link | undefined;
  #catchingUp = false;
  #seen = 0;
  /** A parent has told where the sequence is, so that from there on nothing may be missed. */
  #follows = false;

  constructor(options: EventsOptions) {
    this.#options = options;
    this.#log = new EventLog(options.history);
  }

  /** When the parent last said anything here. */
  get parentSeen(): number {
    return this.#seen;
  }

  /** The number of the last event seen here. */
  get last(): number {
    return this.#log.last;
  }

  get endpoint(): string {
    return this.#listener?.endpoint ?? "";
  }

  listen(endpoint: string): void {
    this.#listener = this.#options.transport.listen(endpoint, listenOptions(this.#options), {
      message: (peer, bytes) => this.#fromChild(peer, bytes),
      refused: (address, reason) => this.#options.log("warning", `refused ${address}: ${reason}`),
      down: (peer) => {
        this.#children.delete(peer);
        this.#early.delete(peer);
      },
    });
  }

  /**
   * Follows a parent; resolves when its events flow, everything missed since the last one included. A former parent is
   * followed until then. Rejects with the refusal (EOVERFLOW: what was missed is no longer kept), with the signal's reason,
   * with ECONNREFUSED when nobody listens there any more, or when the link breaks first.
   */
  connect(uri: string, serverKey?: string, { signal, patience, host }: JoinOptions = {}): Promise<void> {
    const { hostname } = this.#options;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const link = this.#options.transport.dial(
      seenFrom(hostname, uri, host),
      dialOptions(this.#options, serverKey, patience),
      {
        up: () => this.#join(link),
        message: (parcel) => {
          try {
            for (const bytes of unpack(parcel)) {
              if (this.#link !== link && this.#candidate !== link) return;
              this.#seen = this.#options.now();
              const message = decode(bytes);
              if (message.type === MessageType.event) {
                this.#receive(message, bytes);
                continue;
              }
              this.#joined(link, message);
              resolve();
            }
          } catch (error) {
            if (!(error instanceof FluxError)) throw error;
            lost(error);
          }
        },
        down: (reason) => lost(linkError(uri, reason)),
      },
    );
    this.#candidate?.close();
    this.#candidate = link;
    const give = (error: unknown) => {
      if (this.#candidate === link) this.#candidate = undefined;
      if (this.#link === link) this.#link = undefined;
      link.close();
      reject(error);
    };
    const lost = (error: FluxError) => {
      const isParent = this.#link === link;
      give(error);
      if (isParent) this.#options.parentLost(error.message);
    };
    const abort = () => give(signal!.reason);
    signal?.addEventListener("abort", abort, { once: true });
    return promise.finally(() => signal?.removeEventListener("abort", abort));
  }

  /** Rank 0: numbers an event and sends it to everyone. Returns its number. */
  publish(event: Message): number {
    event.aux1 = this.#log.last + 1;
    event.routes = [];
    const bytes = encode(new Message({ ...event, rolemask: event.rolemask & ~Role.local || Role.owner }));
    this.#pass(event, bytes);
    return event.aux1;
  }

  close(): void {
    this.#flush();
    this.#link?.close();
    this.#candidate?.close();
    this.#link = this.#candidate = undefined;
    this.#listener?.close();
    this.#listener = undefined;
  }

  #join(link: Link): void {
    const payload = this.#follows ? { after: this.#log.last } : {};
    link.send(encode(linkRequest("event.join", payload)));
  }

  #joined(link: Link, answer: Message): void {
    checkAnswer(answer);
    const { sequence } = decodeJson(answer.payload);
    if (typeof sequence !== "number") throw new FluxError("EPROTO", "malformed answer to event.join");
    if (!this.#follows) this.#log.startAfter(sequence);
    this.#follows = true;
    this.#catchingUp = false;
    if (this.#link === link) return;
    this.#link?.close();
    this.#link = link;
    this.#candidate = undefined;
    const early = [...this.#early];
    this.#early.clear();
    for (const [peer, joining] of early) this.#admit(peer, joining);
  }

  #receive(event: Message, bytes: Uint8Array): void {
    switch (this.#log.judge(event.sequence)) {
      case "next":
        return this.#pass(event, bytes as Uint8Array<ArrayBuffer>);
      case "duplicate":
        return;
      case "gap":
        if (this.#catchingUp || !this.#link) return;
        this.#catchingUp = true;
        this.#options.log(
          "warning",
          `events ${this.#log.last + 1} to ${event.sequence - 1} are missing, fetching them`,
        );
        this.#join(this.#link);
    }
  }

  #pass(event: Message, bytes: Uint8Array<ArrayBuffer>): void {
    this.#log.append(bytes);
    if (this.#children.size > 0) this.#send(bytes);
    this.#options.deliver(event);
  }

  #send(bytes: Uint8Array<ArrayBuffer>): void {
    if (this.#outgoing.length === 0) this.#flushAfter(this.#options.rank === 0 ? HOPS : 0);
    this.#outgoing.push(bytes);
    this.#outgoingSize += bytes.length;
    if (this.#outgoingSize >= PARCEL) this.#flush();
  }

  #flushAfter(hops: number): void {
    queueMicrotask(() => hops === 0 ? this.#flush() : this.#flushAfter(hops - 1));
  }

  #flush(): void {
    if (this.#outgoing.length === 0) return;
    const parcel = pack(this.#outgoing);
    this.#outgoing = [];
    this.#outgoingSize = 0;
    for (const peer of this.#children) this.#listener?.send(peer, parcel);
  }

  #fromChild(peer: string, bytes: Uint8Array): void {
    try {
      const request = decode(bytes);
      if (request.topic !== "event.join") throw new FluxError("EPROTO", `unexpected "${request.topic}"`);
      const { after } = decodeJson(request.payload);
      const joining = { request, after: typeof after === "number" ? after : undefined };
      if (this.#follows || this.#options.rank === 0) this.#admit(peer, joining);
      else this.#early.set(peer, joining);
    } catch (error) {
      if (!(error instanceof FluxError)) throw error;
      this.#options.log("err", `event overlay: ${error.message}`);
      this.#children.delete(peer);
      this.#listener?.drop(peer);
    }
  }

  /** Takes in a child and sends it what it missed, or refuses it when that is no longer kept. */
  #admit(peer: string, { request, after }: Joining): void {
    this.#flush();
    const missed = after === undefined ? [] : this.#log.after(after);
    const credentials = { userid: request.userid, rolemask: Role.owner };
    if (missed === null) {
      const text = `events before ${this.#log.first} are no longer kept by rank ${this.#options.rank}`;
      this.#options.log("err", `event overlay: a child has seen event ${after}; ${text}`);
      const refusal = responseTo(request, credentials, errnum("EOVERFLOW"), encodeText(text));
      this.#listener?.send(peer, pack([encode(refusal)]));
      return;
    }
    this.#children.add(peer);
    const answer = responseTo(request, credentials, 0, encodeJson({ sequence: this.#log.last }));
    this.#listener?.send(peer, pack([encode(answer), ...missed]));
  }
}
