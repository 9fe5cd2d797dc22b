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
  errorText,
  FluxError,
  Idset,
  type Message,
  MessageType,
  responseTo,
  Role,
} from "../message/mod.ts";
import type { DialOptions, Listener, ListenOptions } from "../ports/mod.ts";
import { type Child, Children } from "./children.ts";
import { Control } from "./link_message.ts";
import { ParentLink } from "./parent_link.ts";
import type { TreeOptions } from "./tree_options.ts";
import { type Greeting, PROTOCOL, readGreeting, refusal } from "./hello.ts";

/** Changes of the ranks behind us are gathered this long, ms, before the parent hears of them. */
const GATHER_RANKS = 1;
/**
 * What was asked over the link to a former parent has this long to be answered, ms. Halfway it is told that we have moved,
 * since everyone must know the new way before the old one is gone.
 */
const LINGER = 200;
/** A parent has this long to take note that we leave, ms; it may be stopped. */
const FAREWELL = 2000;
/** A child that announces our own rank this long, ms, is not just out of date. */
const CYCLE = 2000;

export class Tree {
  readonly #options: TreeOptions;
  readonly #children: Children;
  /** Links to parents: the present one, one that is being joined, former ones that linger. */
  readonly #links = new Set<ParentLink>();
  #listener: Listener | undefined;
  #parent: ParentLink | undefined;
  #status = 0;
  #announcing = false;
  #goodbye: (() => void) | undefined;

  constructor(options: TreeOptions) {
    this.#options = options;
    this.#children = new Children(options.rank);
  }

  get children(): Child[] {
    return this.#children.all;
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
    return this.#children.ranks;
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

  /**
   * Joins a parent; resolves when it has accepted us and is the parent. A former parent stays until then, and a little
   * longer for answers on their way. Rejects with the refusal, with the signal's reason, or when the link breaks first.
   */
  connect(uri: string, serverKey?: string, signal?: AbortSignal): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const options = this.#options;
    const dial: DialOptions = {
      name: options.random.uuid(),
      ...(options.keys && serverKey && { keys: options.keys, serverKey }),
    };
    const link = options.transport.dial(uri, dial, {
      up: () => this.#greet(parent),
      message: (bytes) => {
        if (!this.#links.has(parent)) return;
        try {
          const message = decode(bytes);
          if (parent.greeting) return this.#fromParent(parent, message);
          this.#accepted(parent, message);
          resolve();
        } catch (error) {
          if (!(error instanceof FluxError)) throw error;
          if (parent.greeting) this.#parentGone(parent, error.message);
          else give(error);
        }
      },
      down: (reason) => {
        if (!this.#links.has(parent)) return;
        reject(new FluxError("ECONNRESET", `${uri}: ${reason}`));
        this.#parentGone(parent, reason);
      },
    });
    const parent = new ParentLink(uri, link);
    this.#links.add(parent);
    const give = (error: unknown) => {
      this.#drop(parent);
      reject(error);
    };
    const abort = () => give(signal!.reason);
    signal?.addEventListener("abort", abort, { once: true });
    return promise.finally(() => signal?.removeEventListener("abort", abort));
  }

  /** Tells the parent that we leave in order; resolves when it has taken note, or the link is gone. */
  async leave(): Promise<void> {
    const parent = this.#parent;
    if (!parent?.greeting) return;
    const noted = new Promise<void>((resolve) => this.#goodbye = resolve);
    parent.say("overlay.goodbye");
    const timer = this.#options.clock.after(FAREWELL, () => this.#goodbye?.());
    await noted;
    timer.cancel();
    this.#parent = undefined;
    this.#drop(parent);
  }

  /** Ends the link of one child, as if it were lost. Throws ENOENT when there is none with this rank. */
  disconnect(rank: number, reason: string): void {
    const [peer] = this.#children.peers((child) => child.rank === rank);
    if (peer !== undefined) return this.#endChild(peer, "lost", reason);
    throw new FluxError("ENOENT", `rank ${rank} is not a child of rank ${this.#options.rank}`);
  }

  /** Ends the link to the parent, as if it were lost. Throws ENOENT when there is none. */
  disconnectParent(reason: string): void {
    if (!this.#parent) throw new FluxError("ENOENT", `rank ${this.#options.rank} has no parent`);
    this.#parentGone(this.#parent, reason);
  }

  /** Tells the present parent, and each later one, the status of our subtree. */
  report(status: number): void {
    if (status === this.#status) return;
    this.#status = status;
    if (this.#parent?.greeting) this.#parent.control(Control.status, status);
  }

  /** Sends an unnumbered event on its way to rank 0. */
  publish(event: Message): void {
    if (this.#parent?.greeting) this.#parent.link.send(encode(event));
    else this.#options.log("err", `event ${event.topic} is lost: there is no link to a parent`);
  }

  /** Says that we are still there, for when nothing else was sent lately. */
  keepalive(): void {
    if (this.#parent?.greeting) this.#parent.control(Control.keepalive, 0);
  }

  close(): void {
    for (const parent of this.#links) parent.link.close();
    this.#links.clear();
    this.#parent = undefined;
    this.#listener?.close();
    this.#listener = undefined;
  }

  #greet(parent: ParentLink): void {
    const { rank, uuid, hostname, version } = this.#options;
    parent.told = this.#children.lasting;
    const greeting: Greeting = { rank, uuid, hostname, version, ranks: `${parent.told}`, protocol: PROTOCOL };
    parent.say("overlay.hello", { ...greeting, protocol: [...PROTOCOL] });
  }

  #accepted(parent: ParentLink, answer: Message): void {
    if (answer.type !== MessageType.response || answer.topic !== "overlay.hello") {
      throw new FluxError("EPROTO", `${parent.uri}: unexpected ${answer.topic || "message"} instead of a hello`);
    }
    if (answer.errnum !== 0) throw new FluxError(answer.errnum, errorText(answer.payload));
    const { uuid, rank, hostname } = decodeJson(answer.payload);
    if (typeof uuid !== "string" || typeof rank !== "number") {
      throw new FluxError("EPROTO", `${parent.uri}: malformed hello`);
    }
    const previous = this.#parent;
    // An older link to the same broker ends: it is dead, though nobody told us, or we left it only just now.
    for (const link of this.#links) if (link.greeting?.uuid === uuid) this.#drop(link);
    // So does the one of a former child: to the router a broker is one peer.
    for (const peer of this.#children.peers((c) => c.uuid === uuid)) this.#endChild(peer, "moved", "it is the parent");
    parent.greeting = { uuid, rank, hostname: String(hostname) };
    this.#parent = parent;
    const { link } = parent;
    this.#options.router.join({
      id: uuid,
      kind: "parent",
      send: (message) => {
        link.send(encode(message));
        return true;
      },
    });
    parent.control(Control.status, this.#status);
    this.#announce();
    this.#options.parentJoined?.();
    if (previous && this.#links.has(previous)) this.#retire(previous);
  }

  /** Leaves a former parent: what streams over it is ended at once, the rest gets `LINGER` to be answered. */
  #retire(parent: ParentLink): void {
    const { clock, router } = this.#options;
    router.retire(parent.greeting!.uuid);
    clock.after(LINGER / 2, () => this.#links.has(parent) && parent.say("overlay.moving"));
    clock.after(LINGER, () => {
      if (this.#links.has(parent)) this.#moved(parent);
    });
  }

  #moved(parent: ParentLink): void {
    parent.say("overlay.goodbye", { moved: true });
    this.#drop(parent);
  }

  #fromParent(parent: ParentLink, message: Message): void {
    if (message.type === MessageType.response && message.topic === "overlay.goodbye") return this.#goodbye?.();
    this.#options.router.fromPeer(parent.greeting!.uuid, message);
  }

  #parentGone(parent: ParentLink, reason: string): void {
    this.#drop(parent);
    if (this.#parent !== parent) return;
    this.#parent = undefined;
    this.#goodbye?.();
    this.#options.parentLost(reason);
  }

  #drop(parent: ParentLink): void {
    this.#links.delete(parent);
    parent.link.close();
    if (parent.greeting) this.#options.router.leave(parent.greeting.uuid);
  }

  #fromChild(peer: string, bytes: Uint8Array): void {
    const child = this.#children.get(peer);
    let message: Message;
    try {
      message = decode(bytes);
      if (!child) return this.#hello(peer, message);
      if (this.#linkMessage(peer, child, message)) return;
    } catch (error) {
      if (!(error instanceof FluxError)) throw error;
      this.#options.log("err", `${child ? `rank ${child.rank}` : "unknown peer"}: ${error.message}`);
      return this.#endChild(peer, "lost", error.message);
    }
    this.#options.router.fromPeer(child.uuid, message);
  }

  /** Handles what only concerns the link; true when that was all. Throws EPROTO and EINVAL for what makes no sense. */
  #linkMessage(peer: string, child: Child, message: Message): boolean {
    child.lastSeen = this.#options.clock.now();
    if (message.type === MessageType.control) this.#controlFrom(child, message);
    else if (message.type !== MessageType.request) return false;
    else if (message.topic === "overlay.ranks") this.#ranks(child, message);
    else if (message.topic === "overlay.moving") this.#moving(child);
    else if (message.topic === "overlay.goodbye") this.#farewell(peer, message);
    else return false;
    return true;
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

  /** Ends older links to the broker that comes: one not noticed to be dead, one from when it was our parent. */
  #replace({ rank, uuid }: Greeting): void {
    for (const peer of this.#children.peers((child) => child.rank === rank || child.uuid === uuid)) {
      this.#endChild(peer, "lost", "it came back over a new connection");
    }
    for (const link of this.#links) if (link !== this.#parent && link.greeting?.uuid === uuid) this.#moved(link);
  }

  #join(peer: string, greeting: Greeting): void {
    const { clock, router } = this.#options;
    const child = this.#children.join(peer, greeting, clock.now());
    router.join({
      id: child.uuid,
      kind: "child",
      send: (message) => this.#listener?.send(peer, encode(message)) ?? false,
    });
    this.#reach();
    this.#options.childChanged(child, "joined", "");
  }

  #ranks(child: Child, message: Message): void {
    const { ranks } = decodeJson(message.payload);
    if (typeof ranks !== "string") return;
    this.#children.announce(child, Idset.parse(ranks));
    if (this.#isBelow(child)) this.#options.clock.after(CYCLE, () => this.#breakCycle(child));
    this.#reach();
    this.#options.childChanged(child, "ranks", "");
  }

  /** What a child announces may be out of date while ranks move; if it stays so, we are in a circle without rank 0. */
  #breakCycle(child: Child): void {
    if (!this.#children.all.includes(child) || !this.#isBelow(child)) return;
    this.disconnect(child.rank, `rank ${this.#options.rank} has got below it: the tree has a cycle`);
  }

  #isBelow(child: Child): boolean {
    return child.announced.has(this.#options.rank);
  }

  #moving(child: Child): void {
    this.#children.moves(child);
    this.#reach();
  }

  #controlFrom(child: Child, message: Message): void {
    if (message.aux1 !== Control.status || child.status === message.aux2) return;
    child.status = message.aux2;
    this.#options.childChanged(child, "status", "");
  }

  /** Tells the router and the parent which ranks are behind which child now. */
  #reach(): void {
    for (const child of this.#children.all) this.#options.router.reach(child.uuid, child.ranks, child.moving);
    this.#announceSoon();
  }

  #farewell(peer: string, request: Message): void {
    this.#listener?.send(peer, encode(responseTo(request, this.#credentials)));
    const { moved } = decodeJson(request.payload);
    if (moved === true) this.#childGone(peer, "moved", "it moved to another parent");
    else this.#childGone(peer, "left", "it said goodbye");
    this.#listener?.drop(peer);
  }

  #endChild(peer: string, change: "moved" | "lost", reason: string): void {
    this.#listener?.drop(peer);
    this.#childGone(peer, change, reason);
  }

  #childGone(peer: string, change: "left" | "moved" | "lost", reason: string): void {
    const child = this.#children.remove(peer);
    if (!child) return;
    this.#options.router.leave(child.uuid);
    this.#reach();
    this.#options.childChanged(child, change, reason);
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
    for (const parent of this.#links) parent.announce(this.#children.lasting);
  }

  get #credentials(): { userid: number; rolemask: number } {
    return { userid: this.#options.userid, rolemask: Role.owner };
  }
}
