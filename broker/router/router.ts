/**
 * One broker's message switch. Endpoints (clients, modules, native services) and peers (parent, children, ring
 * neighbours) hand it messages; it hands them on, without looking into payloads. No sockets, timers or files here.
 *
 * Invariants: every request that wants an answer gets one: from a service, or from here when it cannot be
 * delivered or the link it went over is lost. Events reach each subscriber in the order of their sequence.
 */

import {
  decodeJson,
  encodeText,
  errnum,
  Flag,
  FluxError,
  type Idset,
  type Message,
  MessageType,
  responseTo,
  Role,
  USERID_UNKNOWN,
} from "../message/mod.ts";
import { Counters } from "./counters.ts";
import { Disconnects } from "./disconnects.ts";
import { type Linked, type Peer, Peers } from "./peers.ts";
import { cancellation, Pending } from "./pending.ts";
import { type Hop, route } from "./route.ts";
import { ServiceTable } from "./service_table.ts";
import { Subscriptions } from "./subscriptions.ts";
import type { Tap, TapPoint } from "./tap.ts";

/** A client, a module, or the broker's own services. */
export interface Endpoint {
  /** Its route id, a UUID. */
  readonly id: string;
  /** What its messages are stamped with where they do not say (an owner) or in any case (a guest). */
  readonly userid: number;
  readonly rolemask: number;
  deliver(message: Message): void;
  /** Bytes on their way to it that it has not taken yet, where that can be told. */
  backlog?(): number;
  /** A peer is lost: nobody waits for the answers to what came from it any more. */
  gone?(peer: string): void;
}

export interface RouterOptions {
  readonly rank: number;
  readonly size: number;
  readonly userid: number;
  /** Numbers an event and gives it to everyone (rank 0), or sends it towards rank 0. */
  publish(event: Message): void;
}

/** The event under an older name, or undefined; `isWanted` tells whether anyone subscribed to a topic, before it is made. */
export type Alias = (event: Message, isWanted: (topic: string) => boolean) => Message | undefined;

interface Attached {
  endpoint: Endpoint;
  counters: Counters;
  disconnects: Disconnects;
  /** Requests given to an endpoint that lives elsewhere and may vanish without having answered them. */
  pending: Pending | undefined;
}

const ROUTER_CREDENTIALS = { userid: USERID_UNKNOWN, rolemask: Role.owner };

export class Router {
  readonly services = new ServiceTable();
  readonly #options: RouterOptions;
  readonly #endpoints = new Map<string, Attached>();
  readonly #peers = new Peers();
  readonly #subscriptions = new Subscriptions();
  readonly #taps = new Set<Tap>();
  readonly #leaving = new Set<(id: string) => void>();
  readonly #aliases: Alias[] = [];
  #events: Message[] = [];
  #delivering = false;

  constructor(options: RouterOptions) {
    this.#options = options;
  }

  attach(endpoint: Endpoint): Counters {
    const pending = endpoint.backlog || isGuest(endpoint) ? new Pending() : undefined;
    const attached = { endpoint, counters: new Counters(), disconnects: new Disconnects(), pending };
    this.#endpoints.set(endpoint.id, attached);
    return attached.counters;
  }

  /** Removes an endpoint, its services and subscriptions, and tells the services it used that it is gone. */
  detach(id: string): void {
    const attached = this.#endpoints.get(id);
    if (!attached) return;
    this.#endpoints.delete(id);
    this.services.removeAll(id);
    this.#subscriptions.removeAll(id);
    for (const message of attached.disconnects.drain()) this.#request(message, "local");
    for (const request of attached.pending?.drain() ?? []) {
      this.#respond(request, errnum("ENOSYS"), `${request.service} went away before it answered`);
    }
  }

  /** Joins a peer. Its pending requests start from nothing. */
  join(peer: Peer, ranks?: Idset): void {
    this.#peers.join(peer, ranks);
  }

  /**
   * A peer is lost: what was sent through it and not answered is answered EHOSTUNREACH, and what came from it and is served
   * here or beyond is cancelled.
   */
  leave(id: string): void {
    for (const request of this.#peers.leave(id)?.pending.drain() ?? []) {
      this.#respond(request, errnum("EHOSTUNREACH"), "overlay disconnect");
    }
    for (const listener of [...this.#leaving]) listener(id);
    for (const { endpoint } of [...this.#endpoints.values()]) endpoint.gone?.(id);
    for (const { peer, pending } of this.#peers.all) {
      for (const request of pending.streams()) if (request.routes.at(-1) === id) peer.send(cancellation(request));
    }
  }

  /**
   * A peer is about to be left in order. Streams over it are cancelled there and end here with EHOSTUNREACH; other
   * requests may still be answered until `leave`.
   */
  retire(id: string): void {
    const linked = this.#peers.get(id);
    if (!linked) return;
    linked.retired = true;
    for (const request of linked.pending.streams()) {
      linked.pending.forget(request);
      linked.peer.send(cancellation(request));
      this.#respond(request, errnum("EHOSTUNREACH"), "overlay disconnect");
    }
  }

  /** Calls `listener` with the id of each peer that is lost, until disposed: nobody waits for answers over it any more. */
  watchPeers(listener: (id: string) => void): Disposable {
    this.#leaving.add(listener);
    return { [Symbol.dispose]: () => this.#leaving.delete(listener) };
  }

  /** Which ranks are reached through a child, from now on. Through one that is `moving`, only by what comes from above. */
  reach(id: string, ranks: Idset, moving = false): void {
    this.#peers.reach(id, ranks, moving);
  }

  /** The child peer behind which a rank lives. */
  childFor(rank: number): string | undefined {
    return this.#peers.childFor(rank, "local");
  }

  get endpoints(): Endpoint[] {
    return [...this.#endpoints.values()].map((a) => a.endpoint);
  }

  /** Bytes that wait for an endpoint of this broker; 0 where that cannot be told. */
  backlog(id: string): number {
    return this.#endpoints.get(id)?.endpoint.backlog?.() ?? 0;
  }

  counters(id: string): Counters | undefined {
    return this.#endpoints.get(id)?.counters ?? this.#peers.get(id)?.counters;
  }

  /** Requests sent to a peer and not answered yet. */
  pending(id: string): number {
    return this.#peers.get(id)?.pending.size ?? 0;
  }

  tap(tap: Tap): Disposable {
    this.#taps.add(tap);
    return { [Symbol.dispose]: () => this.#taps.delete(tap) };
  }

  /** Adds an older name of an event: who subscribed to that name, and not to the event itself, gets what `alias` returns. */
  alias(alias: Alias): void {
    this.#aliases.push(alias);
  }

  /** A message from an endpoint. The message belongs to the router from here on. */
  fromEndpoint(id: string, message: Message): void {
    const attached = this.#endpoints.get(id);
    if (!attached) return;
    const { endpoint } = attached;
    attached.counters.sent(message);
    if (isGuest(endpoint)) {
      message.userid = endpoint.userid;
      message.rolemask = endpoint.rolemask;
      // Nor may it speak for another sender, or answer what it was not asked.
      if (message.type === MessageType.request) message.routes = [];
      if (message.type === MessageType.response && !attached.pending?.has(message)) return;
    } else {
      if (message.userid === USERID_UNKNOWN) message.userid = endpoint.userid;
      if (message.rolemask === Role.none) message.rolemask = endpoint.rolemask;
    }
    if (message.type === MessageType.request) message.routes.push(id);
    this.#trace("tx", id, message, "endpoint");
    switch (message.type) {
      case MessageType.request:
        if (this.#connectionRequest(endpoint, message)) return;
        attached.disconnects.arm(message);
        return this.#request(message, "local");
      case MessageType.response:
        attached.pending?.answered(message);
        return this.#response(message);
      case MessageType.event:
        return this.#options.publish(message);
    }
  }

  /** A request or response from a peer. The message belongs to the router from here on. */
  fromPeer(id: string, message: Message): void {
    const linked = this.#peers.get(id);
    if (!linked) return;
    linked.counters.received(message);
    this.#trace("rx", id, message, "peer");
    message.rolemask &= ~Role.local;
    if (message.type === MessageType.request) {
      message.routes.push(id);
      if (linked.peer.kind === "left") this.#ringRequest(message);
      else this.#request(message, linked.peer.kind === "parent" ? "parent" : "child");
    } else if (message.type === MessageType.response) {
      if (linked.retired && !linked.pending.has(message)) return;
      linked.pending.answered(message);
      this.#response(message);
    } else if (message.type === MessageType.event) {
      this.#options.publish(message);
    }
  }

  /** Sends a request of an endpoint around the ring to the rank it is addressed to. */
  fromEndpointByRing(id: string, request: Message): void {
    this.#endpoints.get(id)?.counters.sent(request);
    request.routes.push(id);
    this.#ringRequest(request);
  }

  /** Gives a numbered event to everyone here who subscribed to it. */
  deliverEvent(event: Message): void {
    this.#trace("rx", "", event, "event");
    this.#events.push(event);
    if (this.#delivering) return;
    this.#delivering = true;
    try {
      for (let next = this.#events.shift(); next; next = this.#events.shift()) this.#distribute(next);
    } finally {
      this.#delivering = false;
    }
  }

  #distribute(event: Message): void {
    const given = new Set<string>();
    for (const id of [...this.#subscriptions.matching(event.topic)]) {
      given.add(id);
      this.#deliverEventTo(id, event);
    }
    for (const alias of this.#aliases) {
      const other = alias(event, (topic) => this.#subscriptions.has(topic));
      if (!other) continue;
      for (const id of [...this.#subscriptions.matching(other.topic)]) {
        if (!given.has(id)) this.#deliverEventTo(id, other);
      }
    }
  }

  #deliverEventTo(id: string, event: Message): void {
    const attached = this.#endpoints.get(id);
    if (!attached) return;
    const { endpoint } = attached;
    if (event.has(Flag.private) && !(endpoint.rolemask & Role.owner) && endpoint.userid !== event.userid) return;
    this.#deliver(attached, event);
  }

  #request(message: Message, from: "local" | "parent" | "child"): void {
    const hop = route(message, from, {
      rank: this.#options.rank,
      size: this.#options.size,
      service: (name) => this.services.find(name),
      child: (rank) => this.#peers.childFor(rank, from),
    });
    this.#forward(message, hop);
  }

  #forward(message: Message, hop: Hop): void {
    switch (hop.to) {
      case "local": {
        const attached = this.#endpoints.get(hop.id);
        return attached ? this.#deliver(attached, message) : this.#respond(message, errnum("ENOSYS"));
      }
      case "parent":
      case "child": {
        const linked = hop.to === "parent" ? this.#peers.parent : this.#peers.get(hop.id);
        return linked
          ? this.#toPeer(linked, message)
          : this.#respond(message, errnum("EHOSTUNREACH"), "overlay disconnect");
      }
      case "error":
        return this.#respond(message, hop.errnum, hop.text);
    }
  }

  #ringRequest(message: Message): void {
    if (message.nodeid === this.#options.rank) return this.#request(message, "parent");
    const right = this.#peers.right;
    if (right && message.routes.length <= this.#options.size) this.#toPeer(right, message);
    else this.#respond(message, errnum("EHOSTUNREACH"));
  }

  #toPeer(linked: Linked, request: Message): void {
    linked.pending.sent(request);
    linked.counters.sent(request);
    this.#trace("tx", linked.peer.id, request, "peer");
    if (linked.peer.send(request) || request.wantsNoResponse) return;
    linked.pending.forget(request);
    this.#respond(request, errnum("EHOSTUNREACH"), "overlay disconnect");
  }

  #response(message: Message): void {
    const id = message.routes.pop();
    if (id === undefined) return;
    const attached = this.#endpoints.get(id);
    if (attached) return this.#deliver(attached, message);
    const linked = this.#peers.get(id);
    if (!linked) return;
    linked.counters.sent(message);
    this.#trace("tx", id, message, "peer");
    linked.peer.send(message);
  }

  #deliver(attached: Attached, message: Message): void {
    attached.counters.received(message);
    if (message.type === MessageType.request) attached.pending?.sent(message);
    this.#trace("rx", attached.endpoint.id, message, "endpoint");
    attached.endpoint.deliver(message);
  }

  /** Answers from the router itself. */
  #respond(request: Message, errnum: number, text?: string): void {
    if (request.wantsNoResponse) return;
    const { userid, rolemask } = request;
    const credentials = { userid, rolemask: rolemask || Role.owner };
    const response = responseTo(request, credentials, errnum, text === undefined ? undefined : encodeText(text));
    this.#trace("tx", "", response, "endpoint");
    this.#response(response);
  }

  /** Subscriptions and service names concern the connection itself and are served here (wire.md §2.4, 2.5, 2.7). */
  #connectionRequest(endpoint: Endpoint, request: Message): boolean {
    const methods = this.#connectionMethods;
    const handler = Object.hasOwn(methods, request.topic) ? methods[request.topic] : undefined;
    if (!handler) return false;
    let failure: FluxError | undefined;
    try {
      handler(endpoint, decodeJson(request.payload));
    } catch (error) {
      if (!(error instanceof FluxError)) throw error;
      failure = error;
    }
    if (!request.wantsNoResponse) {
      const payload = failure?.hasText ? encodeText(failure.message) : undefined;
      const response = responseTo(request, ROUTER_CREDENTIALS, failure?.errnum ?? 0, payload);
      this.#trace("tx", "", response, "endpoint");
      this.#response(response);
    }
    return true;
  }

  readonly #connectionMethods: Record<string, (endpoint: Endpoint, payload: Record<string, unknown>) => void> = {
    "event.subscribe": (endpoint, payload) => this.#subscriptions.add(text(payload, "topic"), endpoint.id),
    "event.unsubscribe": (endpoint, payload) => this.#subscriptions.remove(text(payload, "topic"), endpoint.id),
    "service.add": (endpoint, payload) => {
      const service = text(payload, "service");
      if (!(endpoint.rolemask & Role.owner) && !service.startsWith(`${endpoint.userid}-`)) throw new FluxError("EPERM");
      this.services.add(service, endpoint.id);
    },
    "service.remove": (endpoint, payload) => this.services.remove(text(payload, "service"), endpoint.id),
  };

  #trace(direction: "tx" | "rx", id: string, message: Message, point: TapPoint): void {
    if (this.#taps.size > 0) { for (const tap of this.#taps) tap(direction, id, message, point); }
  }
}

/** An endpoint of another user than the one whose session it is. */
function isGuest({ rolemask }: Endpoint): boolean {
  return (rolemask & Role.owner) === 0;
}

function text(payload: Record<string, unknown>, key: string): string {
  const value = payload[key];
  if (typeof value !== "string") throw new FluxError("EPROTO", `missing string "${key}"`);
  return value;
}
