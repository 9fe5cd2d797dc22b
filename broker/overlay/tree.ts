/**
 * The tree overlay of one broker: the link to its parent, the links of its children, who is reached through which.
 * Requests and responses pass to and from the router; what only concerns the link itself (hello, the set of ranks behind
 * a child, goodbye, keepalive) is handled here.
 *
 * Invariants: nothing from a child is believed before its hello was accepted; a rank is behind at most one child.
 */

import {
  decode,
  decodeJson,
  encode,
  encodeJson,
  encodeText,
  errnum,
  errorText,
  Flag,
  FluxError,
  Idset,
  type JsonObject,
  Message,
  MessageType,
  responseTo,
  Role,
} from "../message/mod.ts";
import type { Clock, DialOptions, KeyPair, Link, Listener, ListenOptions, Random, Transport } from "../ports/mod.ts";
import type { Router } from "../router/mod.ts";
import { type Greeting, PROTOCOL, readGreeting, refusal } from "./hello.ts";

/** Changes of the ranks behind us are gathered this long, ms, before the parent hears of them. */
const GATHER_RANKS = 1;

export interface TreeOptions {
  readonly rank: number;
  readonly size: number;
  readonly uuid: string;
  readonly userid: number;
  readonly hostname: string;
  readonly version: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly transport: Transport;
  readonly router: Router;
  readonly keys?: KeyPair | undefined;
  admits?(publicKey: string): boolean;
  log(level: "err" | "warning" | "info" | "debug", text: string): void;
  /** A child joined, left in order, or was lost. */
  childChanged(child: Child, state: "joined" | "left" | "lost", reason: string): void;
  /** The link to the parent ended; the router has answered what went over it. */
  parentLost(reason: string): void;
}

export interface Child {
  readonly rank: number;
  readonly uuid: string;
  readonly hostname: string;
  /** Ranks reached through it. */
  ranks: Idset;
  /** `clock.now()` when it last sent anything. */
  lastSeen: number;
}

interface Parent {
  readonly uri: string;
  readonly link: Link;
  greeting?: { rank: number; uuid: string; hostname: string };
}

export class Tree {
  readonly #options: TreeOptions;
  readonly #children = new Map<string, Child>();
  #listener: Listener | undefined;
  #parent: Parent | undefined;
  #announced = new Idset();
  #announcing = false;
  #goodbye: (() => void) | undefined;

  constructor(options: TreeOptions) {
    this.#options = options;
  }

  get children(): Child[] {
    return [...this.#children.values()].sort((a, b) => a.rank - b.rank);
  }

  /** The parent's rank, uuid and URI once its hello was answered. */
  get parent(): { rank: number; uuid: string; hostname: string; uri: string } | undefined {
    return this.#parent?.greeting && { ...this.#parent.greeting, uri: this.#parent.uri };
  }

  /** Where children reach us; empty before `listen`. */
  get endpoint(): string {
    return this.#listener?.endpoint ?? "";
  }

  /** This rank and every rank reached through a child. */
  get ranks(): Idset {
    const set = new Idset([this.#options.rank]);
    for (const child of this.#children.values()) for (const rank of child.ranks) set.add(rank);
    return set;
  }

  listen(endpoint: string): void {
    const { keys, admits, transport } = this.#options;
    const options: ListenOptions = { ...(keys && { keys }), ...(admits && { admits }) };
    this.#listener = transport.listen(endpoint, options, {
      message: (peer, bytes) => this.#fromChild(peer, bytes),
      down: (peer, reason) => this.#childGone(peer, "lost", reason),
      refused: (address, reason) => this.#options.log("warning", `refused ${address}: ${reason}`),
    });
  }

  /** Joins a parent; resolves when it has accepted us. Rejects with its refusal, or when the link breaks first. */
  connect(uri: string, serverKey?: string): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const options = this.#options;
    const dial: DialOptions = {
      name: options.random.uuid(),
      ...(options.keys && serverKey && { keys: options.keys, serverKey }),
    };
    const previous = this.#parent;
    const link = options.transport.dial(uri, dial, {
      up: () => this.#greet(link),
      message: (bytes) => {
        if (this.#parent !== parent) return;
        if (parent.greeting) return this.#fromParent(parent, decode(bytes));
        try {
          this.#accepted(parent, decode(bytes));
          resolve();
        } catch (error) {
          link.close();
          reject(error);
        }
      },
      down: (reason) => {
        if (this.#parent !== parent) return;
        reject(new FluxError("ECONNRESET", `${uri}: ${reason}`));
        this.#parentGone(parent, reason);
      },
    });
    const parent: Parent = { uri, link };
    this.#parent = parent;
    if (previous) this.#drop(previous);
    return promise;
  }

  /** Tells the parent that we leave in order; resolves when it has taken note, or the link is gone. */
  async leave(): Promise<void> {
    const parent = this.#parent;
    if (!parent?.greeting) return;
    const noted = new Promise<void>((resolve) => this.#goodbye = resolve);
    this.#toParent("overlay.goodbye");
    await noted;
    this.#parent = undefined;
    this.#drop(parent);
  }

  /** Ends the link of one child, as if it were lost. Throws ENOENT when there is none with this rank. */
  disconnect(rank: number, reason: string): void {
    for (const [peer, child] of this.#children) {
      if (child.rank !== rank) continue;
      this.#listener?.drop(peer);
      return this.#childGone(peer, "lost", reason);
    }
    throw new FluxError("ENOENT", `rank ${rank} is not a child of rank ${this.#options.rank}`);
  }

  /** Sends an unnumbered event on its way to rank 0. */
  publish(event: Message): void {
    if (this.#parent?.greeting) this.#parent.link.send(encode(event));
    else this.#options.log("err", `event ${event.topic} is lost: there is no link to a parent`);
  }

  /** Says that we are still there, for when nothing else was sent lately. */
  keepalive(): void {
    const parent = this.#parent;
    if (!parent?.greeting) return;
    parent.link.send(encode(new Message({ type: MessageType.control, aux1: 0 })));
  }

  close(): void {
    this.#parent?.link.close();
    this.#parent = undefined;
    this.#listener?.close();
    this.#listener = undefined;
  }

  #greet(link: Link): void {
    const { rank, uuid, hostname, version } = this.#options;
    this.#announced = this.ranks;
    const greeting: Greeting = { rank, uuid, hostname, version, ranks: `${this.#announced}`, protocol: PROTOCOL };
    link.send(encode(linkRequest("overlay.hello", { ...greeting })));
  }

  #accepted(parent: Parent, answer: Message): void {
    if (answer.type !== MessageType.response || answer.topic !== "overlay.hello") {
      throw new FluxError("EPROTO", `${parent.uri}: unexpected ${answer.topic || "message"} instead of a hello`);
    }
    if (answer.errnum !== 0) throw new FluxError(answer.errnum, errorText(answer.payload));
    const { uuid, rank, hostname } = decodeJson(answer.payload);
    if (typeof uuid !== "string" || typeof rank !== "number") {
      throw new FluxError("EPROTO", `${parent.uri}: malformed hello`);
    }
    parent.greeting = { uuid, rank, hostname: String(hostname) };
    const { link } = parent;
    this.#options.router.join({
      id: uuid,
      kind: "parent",
      send: (message) => {
        link.send(encode(message));
        return true;
      },
    });
    this.#announce();
  }

  #fromParent(parent: Parent, message: Message): void {
    if (message.type === MessageType.response && message.topic === "overlay.goodbye") return this.#goodbye?.();
    this.#options.router.fromPeer(parent.greeting!.uuid, message);
  }

  #parentGone(parent: Parent, reason: string): void {
    this.#parent = undefined;
    this.#drop(parent);
    this.#goodbye?.();
    this.#options.parentLost(reason);
  }

  #drop(parent: Parent): void {
    parent.link.close();
    if (parent.greeting) this.#options.router.leave(parent.greeting.uuid);
  }

  #fromChild(peer: string, bytes: Uint8Array): void {
    const child = this.#children.get(peer);
    let message: Message;
    try {
      message = decode(bytes);
    } catch (error) {
      if (!(error instanceof FluxError)) throw error;
      this.#options.log("err", `${child ? `rank ${child.rank}` : "unknown peer"}: ${error.message}`);
      this.#listener?.drop(peer);
      return this.#childGone(peer, "lost", error.message);
    }
    if (!child) return this.#hello(peer, message);
    child.lastSeen = this.#options.clock.now();
    if (message.type === MessageType.control) return;
    if (message.type === MessageType.request && message.topic === "overlay.ranks") return this.#ranks(child, message);
    if (message.type === MessageType.request && message.topic === "overlay.goodbye") {
      return this.#farewell(peer, message);
    }
    this.#options.router.fromPeer(child.uuid, message);
  }

  #hello(peer: string, request: Message): void {
    const { rank, uuid, hostname, log } = this.#options;
    const answer = (errnum: number, payload: Uint8Array) =>
      this.#listener?.send(peer, encode(responseTo(request, this.#credentials, errnum, payload)));
    try {
      if (request.topic !== "overlay.hello") throw new FluxError("EPROTO", `"${request.topic}" before hello`);
      const greeting = readGreeting(decodeJson(request.payload));
      const why = refusal(greeting, this.#options);
      if (why) throw new FluxError("EINVAL", why);
      this.#replace(greeting);
      answer(0, encodeJson({ rank, uuid, hostname }));
      this.#join(peer, greeting);
    } catch (error) {
      if (!(error instanceof FluxError)) throw error;
      log("err", `hello refused: ${error.message}`);
      answer(error.errnum, encodeText(error.message));
      this.#listener?.drop(peer);
    }
  }

  /** A rank that comes back over a new link while its old one has not been noticed to be dead. */
  #replace(greeting: Greeting): void {
    for (const [peer, child] of this.#children) {
      if (child.rank !== greeting.rank && child.uuid !== greeting.uuid) continue;
      this.#listener?.drop(peer);
      this.#childGone(peer, "lost", "it came back over a new connection");
    }
  }

  #join(peer: string, greeting: Greeting): void {
    const { clock, router } = this.#options;
    const { rank, uuid, hostname } = greeting;
    const child: Child = { rank, uuid, hostname, ranks: Idset.parse(greeting.ranks), lastSeen: clock.now() };
    this.#children.set(peer, child);
    router.join({
      id: uuid,
      kind: "child",
      send: (message) => this.#listener?.send(peer, encode(message)) ?? false,
    }, child.ranks);
    this.#claim(child);
    this.#options.childChanged(child, "joined", "");
  }

  #ranks(child: Child, message: Message): void {
    const { ranks } = decodeJson(message.payload);
    if (typeof ranks !== "string") return;
    child.ranks = Idset.parse(ranks);
    this.#claim(child);
  }

  /** Ranks that moved behind `child` are no longer behind another one. */
  #claim(child: Child): void {
    const { router } = this.#options;
    for (const other of this.#children.values()) {
      if (other === child || other.ranks.intersection(child.ranks).size === 0) continue;
      other.ranks = other.ranks.difference(child.ranks);
      router.reach(other.uuid, other.ranks);
    }
    router.reach(child.uuid, child.ranks);
    this.#announceSoon();
  }

  #farewell(peer: string, request: Message): void {
    this.#listener?.send(peer, encode(responseTo(request, this.#credentials)));
    this.#childGone(peer, "left", "it said goodbye");
    this.#listener?.drop(peer);
  }

  #childGone(peer: string, state: "left" | "lost", reason: string): void {
    const child = this.#children.get(peer);
    if (!child) return;
    this.#children.delete(peer);
    this.#options.router.leave(child.uuid);
    this.#announceSoon();
    this.#options.childChanged(child, state, reason);
  }

  #announceSoon(): void {
    if (this.#announcing || !this.#parent?.greeting) return;
    this.#announcing = true;
    this.#options.clock.after(GATHER_RANKS, () => {
      this.#announcing = false;
      this.#announce();
    });
  }

  #announce(): void {
    const ranks = this.ranks;
    if (!this.#parent?.greeting || ranks.equals(this.#announced)) return;
    this.#announced = ranks;
    this.#toParent("overlay.ranks", { ranks: `${ranks}` });
  }

  #toParent(topic: string, payload?: JsonObject): void {
    this.#parent?.link.send(encode(linkRequest(topic, payload)));
  }

  get #credentials(): { userid: number; rolemask: number } {
    return { userid: this.#options.userid, rolemask: Role.owner };
  }
}

/** A request that concerns one link; it never reaches the router. */
export function linkRequest(topic: string, payload?: object): Message {
  return new Message({
    type: MessageType.request,
    flags: topic === "overlay.ranks" ? Flag.noresponse : 0,
    rolemask: Role.owner,
    topic,
    payload: payload && encodeJson(payload),
  });
}

/** The error number of an answer over a link as an exception, or nothing. */
export function checkAnswer(answer: Message): void {
  if (answer.errnum !== 0) throw new FluxError(answer.errnum || errnum("EPROTO"), errorText(answer.payload));
}
