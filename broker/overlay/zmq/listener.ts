import { FluxError, strerror } from "../../message/mod.ts";
import { BACKLOG_LIMIT, type Listener, type ListenerEvents, type ListenOptions, type Timer } from "../../ports/mod.ts";
import { BYE, type Control, credit, creditValue, EMPTY, Kind } from "./control.ts";
import { isIpv6, placesOf, tcpParts } from "./endpoint.ts";
import type { Engine, Party } from "./engine.ts";
import { Gatekeeper } from "./gatekeeper.ts";
import { NOTIFY_DISCONNECT, Option, SocketType } from "./options.ts";
import { Peer, sever } from "./peer.ts";
import type { Source } from "./poller.ts";
import { report } from "./report.ts";
import { Socket } from "./socket.ts";
import { checkSize, setCommonOptions } from "./socket_options.ts";
import { ipcPath, listenUnix } from "./unix_socket.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** How long a peer that was told the end may take to go by itself, ms. */
const BYE_GRACE_MS = 5_000;

/** Makes libzmq open a socket of its own. */
const NO_FD = -1;

/** Connections that may wait to be accepted: a broker can have hundreds of children that dial at once. */
const ACCEPT_BACKLOG = 1024;

/**
 * The listening side: a ROUTER. libzmq says in line with a peer's messages, behind the last one, that its connection
 * ended (ROUTER_NOTIFY: a part without bytes).
 */
export class ZmqListener implements Listener, Source, Party {
  readonly endpoint: string;
  readonly #engine: Engine;
  readonly #socket: Socket;
  readonly #gatekeeper: Gatekeeper | null = null;
  /** The files of ipc places. */
  readonly #paths: string[] = [];
  readonly #limit: number;
  /** By name, until the connection is gone. */
  readonly #peers = new Map<string, Peer>();
  readonly #idBuffer: Bytes = new Uint8Array(256);
  /** Of whom the last message came: often the next is from the same. */
  #last: Peer | null = null;
  /** Null once closed. */
  #events: ListenerEvents | null;
  #isDestroyed = false;
  #grace: Timer | null = null;

  /** Throws EADDRINUSE, EINVAL, EACCES and what else bind(2) says. */
  constructor(engine: Engine, endpoint: string, options: ListenOptions, events: ListenerEvents) {
    const places = placesOf(endpoint);
    this.#engine = engine;
    this.#events = events;
    this.#limit = options.backlogLimit ?? BACKLOG_LIMIT;
    this.#socket = new Socket(engine.context, SocketType.router);
    try {
      setCommonOptions(this.#socket, places);
      this.#socket.set(Option.routerMandatory, 1);
      this.#socket.set(Option.routerNotify, NOTIFY_DISCONNECT);
      this.#socket.set(Option.backlog, ACCEPT_BACKLOG);
      const { keys, admits } = options;
      if (keys) {
        this.#gatekeeper = new Gatekeeper(engine, this.#socket, {
          endpoint,
          keys,
          admits: (key) => this.#events !== null && (admits?.(key) ?? false),
          refused: (address, reason) => {
            const listening = this.#events;
            if (listening) report(() => listening.refused?.(address, reason));
          },
        });
      }
      this.endpoint = places.map((place) => this.#bind(place)).join(",");
    } catch (error) {
      for (const path of this.#paths) removeFile(path);
      this.#release();
      throw error;
    }
    engine.poller.add(this);
    engine.join(this);
  }

  get fd(): number {
    return this.#socket.fd;
  }

  isReadable(): boolean {
    return this.#socket.isReadable();
  }

  send(name: string, bytes: Bytes): boolean {
    checkSize(bytes);
    const peer = this.#peers.get(name);
    if (!peer || peer.isOver) return false;
    if (peer.outbox.admit(bytes)) this.#transmit(peer, bytes);
    if (peer.outbox.isOver) this.#giveUp(peer);
    return true;
  }

  keyOf(name: string): string | undefined {
    return this.#peers.get(name)?.key;
  }

  drop(name: string): void {
    const peer = this.#peers.get(name);
    if (peer && !peer.isOver) this.#dismiss(peer);
  }

  close(): void {
    if (!this.#events) return;
    this.#events = null;
    // No unbind: it would end the connections too, with what they have not delivered.
    for (const path of this.#paths) removeFile(path);
    for (const peer of this.#peers.values()) if (!peer.isOver) this.#dismiss(peer);
    if (this.#peers.size === 0) this.destroy();
    else this.#grace = this.#engine.clock.after(BYE_GRACE_MS, () => this.destroy());
  }

  destroy(): void {
    if (this.#isDestroyed) return;
    this.#isDestroyed = true;
    if (this.#events) { for (const path of this.#paths) removeFile(path); }
    this.#events = null;
    this.#grace?.cancel();
    for (const peer of this.#peers.values()) peer.grace?.cancel();
    this.#engine.poller.remove(this);
    this.#release();
    this.#engine.leave(this);
  }

  drain(limit: number): boolean {
    for (let i = 0; i < limit; i++) if (!this.#receive()) return false;
    return true;
  }

  /** Listens on one place; returns it with its port. */
  #bind(place: string): string {
    if (place.startsWith("ipc:")) {
      const path = ipcPath(place);
      this.#socket.set(Option.useFd, listenUnix(path, ACCEPT_BACKLOG));
      this.#paths.push(path);
    } else {
      this.#socket.set(Option.useFd, NO_FD);
      this.#socket.set(Option.ipv6, isIpv6(place) ? 1 : 0);
    }
    const errno = this.#socket.bind(place);
    if (errno) throw new FluxError(errno, `cannot listen on ${place}: ${strerror(errno)}`);
    return tcpParts(place) ? place.replace(/:\*$/, /:\d+$/.exec(this.#socket.lastEndpoint)![0]) : place;
  }

  /** Handles one message; false when there is none. */
  #receive(): boolean {
    if (this.#isDestroyed) return false;
    const length = this.#socket.receiveInto(this.#idBuffer);
    if (length < 0) return false;
    const body = this.#socket.receive()!;
    const isPair = this.#socket.more;
    const peer = this.#last?.hasId(this.#idBuffer, length) ? this.#last : this.#find(length);
    if (isPair) {
      const value = this.#socket.receive()!;
      while (this.#socket.more) this.#socket.receive();
      this.#onControl(peer, body[0], value);
    } else if (body.length === 0) this.#onGone(peer);
    else this.#deliver(peer, body);
    return true;
  }

  /** The peer whose id is in the buffer; a new one for an id that was not there. */
  #find(length: number): Peer {
    const id = this.#idBuffer.slice(0, length), name = decoder.decode(id);
    let peer = this.#peers.get(name);
    if (!peer) {
      const key = this.#gatekeeper === null ? undefined : this.#socket.userId;
      peer = new Peer(name, id, this.#socket.sourceFd, key, this.#limit);
      this.#peers.set(name, peer);
      if (!this.#events) this.#dismiss(peer);
    }
    return this.#last = peer;
  }

  #deliver(peer: Peer, body: Bytes): void {
    if (peer.isOver) return;
    peer.isKnown = true;
    const taken = peer.inbox.take(body.length);
    if (taken) this.#control(peer, credit(taken));
    const events = this.#events;
    if (events) report(() => events.message(peer.name, body));
  }

  #onControl(peer: Peer, kind: number | undefined, value: Bytes): void {
    switch (kind) {
      case Kind.credit:
        peer.outbox.credit(creditValue(value));
        return this.#flush(peer);
      case Kind.empty:
        return this.#deliver(peer, value);
      case Kind.bye:
        if (!peer.isOver) this.#tellDown(peer, "closed by the peer");
        // The peer waits for this, and then ends the connection.
        if (!peer.isByeSent) this.#dismiss(peer);
    }
  }

  #onGone(peer: Peer): void {
    this.#last = null;
    this.#peers.delete(peer.name);
    peer.grace?.cancel();
    if (!peer.isOver) this.#tellDown(peer, "connection lost");
    if (!this.#events && this.#peers.size === 0) this.destroy();
  }

  #tellDown(peer: Peer, reason: string): void {
    peer.isOver = true;
    const events = this.#events;
    if (events && peer.isKnown) report(() => events.down(peer.name, reason));
  }

  #transmit(peer: Peer, body: Bytes): void {
    if (body.length === 0) return this.#control(peer, EMPTY);
    // A peer that is not there has gone: the news of it is under way.
    if (this.#socket.send(peer.id, true)) this.#socket.send(body);
    this.#engine.poller.touch(this);
  }

  #control(peer: Peer, [kind, value]: Control): void {
    if (this.#socket.send(peer.id, true)) {
      this.#socket.send(kind, true);
      this.#socket.send(value);
    }
    this.#engine.poller.touch(this);
  }

  /** Sends what may be sent; behind the last message of a dismissed peer the end. */
  #flush(peer: Peer): void {
    for (let body = peer.outbox.next(); body; body = peer.outbox.next()) this.#transmit(peer, body);
    if (!peer.isOver || peer.isByeSent || !peer.outbox.isEmpty) return;
    peer.isByeSent = true;
    this.#control(peer, BYE);
  }

  /** Tells a peer the end, behind what was sent to it. One that does not go by itself is severed. */
  #dismiss(peer: Peer): void {
    peer.isOver = true;
    peer.grace ??= this.#engine.clock.after(BYE_GRACE_MS, () => sever(this.#socket, peer));
    this.#flush(peer);
  }

  /** Ends the connection of a peer that does not take what is sent to it. */
  #giveUp(peer: Peer): void {
    peer.isOver = peer.isByeSent = true;
    peer.outbox.clear();
    sever(this.#socket, peer);
    this.#engine.poller.touch(this);
    queueMicrotask(() => this.#events?.down(peer.name, `backlog over ${this.#limit} bytes`));
  }

  #release(): void {
    this.#gatekeeper?.close();
    this.#socket.close();
  }
}

const decoder = new TextDecoder();

function removeFile(path: string): void {
  try {
    Deno.removeSync(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
