/**
 * The tree overlay of one broker: the link to its parent, the links of its children, who is reached through which.
 * Requests and responses pass to and from the router; what only concerns the link itself (hello, the set of ranks behind
 * a child, goodbye, keepalive) is handled here.
 *
 * Invariants: nothing from a child is believed before its hello was accepted; a rank is behind at most one child.
 * Over 400 lines, since a broker that was a child may come as a parent and the other way round: both kinds of links are kept apart here.
 */

import {
  decode,
  decodeJson,
  encode,
  encodeJson,
  encodeText,
  FluxError,
  Idset,
  type Message,
  MessageType,
  responseTo,
  Role,
} from "../message/mod.ts";
import type { Listener, Timer } from "../ports/mod.ts";
import { type Child, Children } from "./children.ts";
import { Control, controlMessage, linkError } from "./link_message.ts";
import { Mismatches } from "./mismatches.ts";
import { ParentLink } from "./parent_link.ts";
import { RouteIds } from "./route_ids.ts";
import { dialOptions, type JoinOptions, listenOptions, seenFrom, type TreeOptions } from "./tree_options.ts";
import { type Greeting, isUnderstood, PROTOCOL, readGreeting, readWelcome, refusal, type Welcome } from "./hello.ts";
import { CYCLE, FAREWELL, GATHER_RANKS, LINGER } from "./tree_times.ts";
import { UnsentEvents } from "./unsent_events.ts";

export class Tree {
  readonly #options: TreeOptions;
  readonly #children: Children;
  /** Links to parents: the present one, one that is being joined, former ones that linger. */
  readonly #links = new Set<ParentLink>();
  readonly #routeIds = new RouteIds();
  readonly #credentials: { userid: number; rolemask: number };
  #listener: Listener | undefined;
  #parent: ParentLink | undefined;
  #parentSeen = 0;
  #joins = 0;
  readonly #unsent: UnsentEvents;
  readonly #mismatches: Mismatches;
  #status = 0;
  #announcing: Timer | undefined;
  #goodbye: (() => void) | undefined;

  constructor(options: TreeOptions) {
    this.#options = options;
    this.#children = new Children(options.rank);
    this.#credentials = { userid: options.userid, rolemask: Role.owner };
    this.#mismatches = new Mismatches(options.clock, options, (text) => options.log("err", text));
    this.#unsent = new UnsentEvents((text) => options.log("err", text));
  }

  get children(): Child[] {
    return this.#children.all;
  }

  /** The parent as it answered our hello, its URI, and the route id of the link to it. */
  get parent(): (Welcome & { id: string; uri: string }) | undefined {
    return this.#parent?.greeting && { ...this.#parent.greeting, uri: this.#parent.uri };
  }

  /** `clock.now()` when the parent last said anything over the tree, and how often a parent was joined. */
  get contact(): { seen: number; joins: number } {
    return { seen: this.#parentSeen, joins: this.#joins };
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
    this.#listener = this.#options.transport.listen(endpoint, listenOptions(this.#options), {
      message: (peer, bytes) => this.#fromChild(peer, bytes),
      down: (peer, reason) => this.#childGone(peer, "lost", reason),
      refused: (address, reason) => this.#options.log("warning", `refused ${address}: ${reason}`),
    });
  }

  /**
   * Joins a parent; resolves when it has accepted us and is the parent. A former parent stays until then, and a little
   * longer for answers on their way. Rejects with the refusal, with the signal's reason, with ECONNREFUSED when nobody
   * listens there any more, or when the link breaks first.
   */
  connect(uri: string, serverKey?: string, how: JoinOptions = {}): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const { signal, patience } = how;
    const { hostname } = this.#options;
    const link = this.#options.transport.dial(
      seenFrom(hostname, uri, how.host),
      dialOptions(this.#options, serverKey, patience),
      {
        up: () => this.#greet(parent, how.failover ?? false),
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
        // Before there was a parent, nobody hears of it but who reads our standard error.
        refused: (reason) => this.#options.log(this.#joins === 0 ? "crit" : "warning", `${uri}: ${reason}`),
        down: (reason) => {
          if (!this.#links.has(parent)) return;
          reject(linkError(uri, reason));
          this.#parentGone(parent, reason);
        },
      },
    );
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

  /** The same, and the child is to end and not to look for another parent. Throws ENOENT. */
  dismiss(rank: number, reason: string): void {
    const [peer] = this.#children.peers((child) => child.rank === rank);
    if (peer !== undefined) this.#control(peer, Control.disconnect);
    this.disconnect(rank, reason);
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

  /** Sends an unnumbered event on its way to rank 0; without a parent it waits for the next one. */
  publish(event: Message): void {
    if (this.#parent?.greeting) return this.#parent.link.send(encode(event));
    this.#unsent.add(event);
  }

  /** Says that we are still there, for when nothing else was sent lately. */
  keepalive(): void {
    if (this.#parent?.greeting) this.#parent.control(Control.keepalive, 0);
  }

  /** Says so to the children. */
  keepaliveDown(): void {
    for (const peer of this.#children.peers(() => true)) this.#control(peer, Control.keepalive);
  }

  close(): void {
    this.#unsent.close();
    this.#mismatches.close();
    for (const parent of this.#links) parent.link.close();
    this.#links.clear();
    this.#parent = undefined;
    this.#listener?.close();
    this.#listener = undefined;
  }

  #control(peer: string, kind: number): void {
    this.#listener?.send(peer, encode(controlMessage(kind, 0)));
  }

  #greet(parent: ParentLink, failover: boolean): void {
    const { rank, uuid, hostname, version } = this.#options;
    parent.told = this.#children.lasting;
    const greeting: Greeting = { rank, uuid, hostname, version, ranks: `${parent.told}`, protocol: PROTOCOL };
    parent.say("overlay.hello", { ...greeting, protocol: [...PROTOCOL], ...(failover && { failover }) });
  }

  #accepted(parent: ParentLink, answer: Message): void {
    const { uuid, ...welcome } = readWelcome(parent.uri, answer);
    const previous = this.#parent;
    // An older link to the same broker ends: it is dead, though nobody told us, or we left it only just now.
    for (const link of this.#links) if (link.greeting?.uuid === uuid) this.#drop(link);
    // So does the one of a former child: to the router a broker is one peer.
    for (const peer of this.#children.peers((c) => c.uuid === uuid)) this.#endChild(peer, "moved", "it is the parent");
    parent.greeting = { uuid, id: this.#routeIds.next(uuid), ...welcome };
    this.#parent = parent;
    this.#parentSeen = this.#options.clock.now();
    this.#joins++;
    this.#options.router.join(parent.peer);
    parent.control(Control.status, this.#status);
    this.#announce();
    this.#unsent.send(parent.link);
    this.#options.parentJoined?.();
    if (previous && this.#links.has(previous)) this.#retire(previous);
  }

  /** Leaves a former parent: what streams over it is ended at once, the rest gets `LINGER` to be answered. */
  #retire(parent: ParentLink): void {
    const { clock, router } = this.#options;
    router.retire(parent.greeting!.id);
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
    if (parent === this.#parent) this.#parentSeen = this.#options.clock.now();
    if (message.type === MessageType.control) {
      if (message.aux1 === Control.disconnect && parent === this.#parent) this.#options.dismissed?.();
      return;
    }
    if (message.type === MessageType.response && message.topic === "overlay.goodbye") return this.#goodbye?.();
    this.#options.router.fromPeer(parent.greeting!.id, message);
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
    if (parent.greeting) this.#options.router.leave(parent.greeting.id);
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
    this.#options.router.fromPeer(child.id, message);
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
    let greeting: Greeting | undefined;
    try {
      if (request.topic !== "overlay.hello") throw new FluxError("EPROTO", `"${request.topic}" before hello`);
      greeting = readGreeting(decodeJson(request.payload));
      const why = refusal(greeting, this.#options);
      if (why) throw new FluxError("EINVAL", why);
      this.#identify(peer, greeting);
      const stale = greeting.failover && this.#options.refusesStale?.(greeting.rank, greeting.uuid);
      if (stale) throw new FluxError("ESTALE", stale);
      const closed = greeting.failover && this.#options.refusesOrphans?.();
      if (closed) throw new FluxError("EAGAIN", closed);
      this.#replace(greeting);
      const running = this.#options.isRunning?.() ?? false;
      answer(0, encodeJson({ rank, uuid, hostname, running }));
      this.#join(peer, greeting);
    } catch (error) {
      if (!(error instanceof FluxError)) throw error;
      if (greeting && !isUnderstood(greeting)) this.#mismatches.add(greeting);
      else log("err", `hello refused: ${error.message}`);
      answer(error.errnum, encodeText(error.message));
      this.#listener?.drop(peer);
    }
  }

  /** Throws EPERM when the peer has proved to be another rank than it says. */
  #identify(peer: string, { rank, hostname }: Greeting): void {
    const key = this.#listener?.keyOf(peer);
    const proved = key === undefined ? rank : this.#options.rankOf?.(key);
    if (proved !== rank) {
      throw new FluxError("EPERM", `${hostname} says it is rank ${rank}, but has the key of rank ${proved}`);
    }
  }

  /** Ends older links to the broker that comes: one not noticed to be dead, one from when it was our parent. */
  #replace({ rank, uuid }: Greeting): void {
    for (const peer of this.#children.peers((child) => child.rank === rank || child.uuid === uuid)) {
      this.#endChild(
        peer,
        this.#children.get(peer)?.uuid === uuid ? "moved" : "lost",
        "it came back over a new connection",
      );
    }
    for (const link of this.#links) if (link !== this.#parent && link.greeting?.uuid === uuid) this.#moved(link);
  }

  #join(peer: string, greeting: Greeting): void {
    const { clock, router } = this.#options;
    const child = this.#children.join(peer, greeting, this.#routeIds.next(greeting.uuid), clock.now());
    router.join({
      id: child.id,
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
    if (child.announced.has(this.#options.rank)) this.#options.clock.after(CYCLE, () => this.#breakCycle(child));
    this.#reach();
    this.#options.childChanged(child, "ranks", "");
  }

  /** What a child announces may be out of date while ranks move; if it stays so, we are in a circle without rank 0. */
  #breakCycle(child: Child): void {
    const { rank } = this.#options;
    if (!this.#children.all.includes(child) || !child.announced.has(rank)) return;
    this.disconnect(child.rank, `rank ${rank} has got below it: the tree has a cycle`);
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
    for (const child of this.#children.all) this.#options.router.reach(child.id, child.ranks, child.moving);
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
    this.#options.router.leave(child.id);
    this.#reach();
    this.#options.childChanged(child, change, reason);
  }

  #announceSoon(): void {
    if (!this.#parent?.greeting) return;
    this.#announcing ??= this.#options.clock.after(GATHER_RANKS, () => {
      this.#announcing = undefined;
      this.#announce();
    });
  }

  #announce(): void {
    for (const parent of this.#links) parent.announce(this.#children.lasting);
  }
}
