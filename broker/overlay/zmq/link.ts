import { FluxError, strerror } from "../../message/mod.ts";
import {
  BACKLOG_LIMIT,
  type DialOptions,
  type KeyPair,
  type Link,
  type LinkEvents,
  REFUSED,
  type Timer,
} from "../../ports/mod.ts";
import { Backoff } from "./backoff.ts";
import { BYE, type Control, credit, creditValue, EMPTY, Kind } from "./control.ts";
import { isIpv6, placesHere, placesOf, tcpParts } from "./endpoint.ts";
import { whyUnreachable } from "./probe.ts";
import type { Engine, Party } from "./engine.ts";
import { handshakeFailure, type Happening, Monitor } from "./monitor.ts";
import { MonitorEvent, Option, SocketType } from "./options.ts";
import { Inbox, Outbox } from "./outbox.ts";
import type { Source } from "./poller.ts";
import { report } from "./report.ts";
import { isNumeric, resolveHost } from "./resolve.ts";
import { Socket } from "./socket.ts";
import { checkSize, setCommonOptions } from "./socket_options.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** How long one attempt to connect may take, also when there are other places to try; ms. */
const ATTEMPT_MS = 10_000, ATTEMPT_OF_MANY_MS = 5_000;
/** Lets what is still said of one attempt arrive before the next one, ms. */
const BETWEEN_PLACES_MS = 10;
/** How long a closed link still tries to deliver, ms. */
const CLOSE_GRACE_MS = 5_000;

const WATCHED = Object.values(MonitorEvent).reduce((mask, event) => mask | event, 0);

/**
 * The dialling side: a DEALER whose routing id is the name. libzmq never reconnects by itself (that would join two
 * connections into one and hide the gap): a failed attempt is repeated from here, and a connection that ended is the
 * end.
 */
export class ZmqLink implements Link, Source, Party {
  readonly #engine: Engine;
  readonly #places: readonly string[];
  readonly #limit: number;
  readonly #keys: KeyPair | undefined;
  readonly #socket: Socket;
  readonly #monitor: Monitor;
  readonly #outbox: Outbox;
  readonly #inbox = new Inbox();
  readonly #backoff: Backoff;
  /** Tried once, for at most this long, ms; undefined: until it is connected. */
  readonly #patience: number | undefined;
  /** Null once the link is closed or down: nothing is reported any more. */
  #events: LinkEvents | null;
  #state: "dialling" | "up" | "over" = "dialling";
  /** Bounds the present attempt. */
  #attempt: Timer | null = null;
  /** Ends the pause before the next attempt. */
  #pause: Timer | null = null;
  /** Bounds the closing. */
  #grace: Timer | null = null;
  #isByeSent = false;
  #isRefusalTold = false;
  #isProbing = false;
  /** Places that are still to be tried in this round. */
  #round: string[] = [];
  /** The place that is tried, with its host as it was typed, and as libzmq was told to connect to it. */
  #place = "";
  #dialled: string | undefined;
  /** Attempts so far: a name with several addresses is tried at one after the other. */
  #attempts = 0;
  /** Why the places of this round cannot be reached. */
  #reasons: string[] = [];

  /** Throws EINVAL for an endpoint, a name or a key that cannot be one. */
  constructor(engine: Engine, endpoint: string, options: DialOptions, events: LinkEvents) {
    this.#places = placesOf(endpoint);
    this.#engine = engine;
    this.#events = events;
    this.#limit = options.backlogLimit ?? BACKLOG_LIMIT;
    this.#outbox = new Outbox(this.#limit);
    this.#backoff = new Backoff(engine.random);
    this.#patience = options.patience;
    this.#keys = options.keys;
    this.#socket = dealer(engine, this.#places, options);
    this.#monitor = new Monitor(engine.poller, this.#socket, WATCHED, (happening) => this.#onHappening(happening));
    engine.poller.add(this);
    engine.join(this);
    this.#begin();
  }

  get fd(): number {
    return this.#socket.fd;
  }

  isReadable(): boolean {
    return this.#socket.isReadable();
  }

  send(bytes: Bytes): void {
    checkSize(bytes);
    if (!this.#events) return;
    if (this.#state !== "up") this.#outbox.wait(bytes);
    else if (this.#outbox.admit(bytes)) this.#transmit(bytes);
    if (!this.#outbox.isOver) return;
    const events = this.#events;
    this.destroy();
    queueMicrotask(() => events.down(`backlog over ${this.#limit} bytes`));
  }

  close(): void {
    if (!this.#events) return;
    this.#events = null;
    if (this.#state === "dialling" && this.#outbox.isEmpty) return this.destroy();
    this.#grace = this.#engine.clock.after(CLOSE_GRACE_MS, () => this.destroy());
    this.#flush();
  }

  destroy(): void {
    if (this.#state === "over") return;
    this.#state = "over";
    this.#events = null;
    for (const timer of [this.#attempt, this.#pause, this.#grace]) timer?.cancel();
    this.#monitor.close();
    this.#engine.poller.remove(this);
    this.#socket.close();
    this.#engine.leave(this);
  }

  drain(limit: number): boolean {
    // The news that the connection is up precedes its first message. Until then nothing is received, and it is this look
    // at the socket that lets its descriptor rest.
    if (this.#state === "dialling") this.#monitor.drain(limit);
    if (this.#state === "dialling") return this.#socket.isReadable();
    for (let i = 0; i < limit; i++) if (!this.#receive()) return false;
    return true;
  }

  /** Handles one message; false when there is none. */
  #receive(): boolean {
    if (this.#state !== "up") return false;
    const body = this.#socket.receive();
    if (!body) return false;
    if (!this.#socket.more) this.#deliver(body);
    else {
      const value = this.#socket.receive()!;
      switch (body[0]) {
        case Kind.credit:
          this.#outbox.credit(creditValue(value));
          this.#flush();
          break;
        case Kind.empty:
          this.#deliver(value);
          break;
        case Kind.bye:
          this.#end("closed by the listener");
      }
    }
    return true;
  }

  #deliver(body: Bytes): void {
    const taken = this.#inbox.take(body.length);
    if (taken) this.#control(credit(taken));
    const events = this.#events;
    if (events) report(() => events.message(body));
  }

  #transmit(body: Bytes): void {
    if (body.length === 0) return this.#control(EMPTY);
    this.#socket.send(body);
    this.#engine.poller.touch(this);
  }

  #control([kind, value]: Control): void {
    this.#socket.send(kind, true);
    this.#socket.send(value);
    this.#engine.poller.touch(this);
  }

  /** Sends what may be sent; behind the last message of a closed link its end. */
  #flush(): void {
    if (this.#state !== "up") return;
    for (let body = this.#outbox.next(); body; body = this.#outbox.next()) this.#transmit(body);
    if (this.#events || this.#isByeSent || !this.#outbox.isEmpty) return;
    this.#isByeSent = true;
    this.#control(BYE);
  }

  #onHappening(happening: Happening): void {
    switch (happening.event) {
      case MonitorEvent.handshakeSucceeded: {
        this.#attempt?.cancel();
        this.#state = "up";
        const events = this.#events;
        if (events) report(() => events.up?.());
        return this.#flush();
      }
      case MonitorEvent.disconnected:
        if (this.#state === "dialling") return this.#failed();
        // libzmq announces the end before it, but all that came through the connection is in the socket by now.
        while (this.#receive());
        return this.#end("connection lost");
      case MonitorEvent.closed:
        if (this.#state === "dialling") this.#failed();
        return;
      default:
        this.#tellRefusal(handshakeFailure(happening, this.#keys));
    }
  }

  #tellRefusal(reason: string): void {
    const refused = this.#isRefusalTold ? undefined : this.#events?.refused;
    this.#isRefusalTold = true;
    if (refused) report(() => refused(reason));
  }

  #end(reason: string): void {
    const events = this.#events;
    this.destroy();
    if (events) report(() => events.down(reason));
  }

  /** A round over all places. With patience there is one, and that bounds it. */
  #begin(): void {
    const patience = this.#patience;
    this.#round = [...placesHere(this.#places)];
    this.#reasons = [];
    if (patience !== undefined) {
      this.#attempt = this.#engine.clock.after(patience, () => this.#end(`no answer within ${patience / 1000} s`));
    }
    this.#connect();
  }

  /** Tries the next place of the round. */
  #connect(): void {
    this.#place = this.#round.shift()!;
    if (this.#patience === undefined) {
      const limit = this.#places.length > 1 ? ATTEMPT_OF_MANY_MS : ATTEMPT_MS;
      this.#attempt?.cancel();
      this.#attempt = this.#engine.clock.after(limit, () => this.#goOn());
    }
    const place = this.#place;
    const { host, port } = tcpParts(place) ?? {};
    if (host === undefined || isNumeric(host)) return this.#dial(place);
    const attempt = ++this.#attempts;
    const isPresent = () => this.#state === "dialling" && this.#attempts === attempt && this.#place === place;
    resolveHost(host).then((addresses) => {
      if (!isPresent()) return;
      const address = addresses[attempt % addresses.length]!;
      this.#dial(`tcp://${address.includes(":") ? `[${address}]` : address}:${port}`);
    }, (error: Error) => {
      if (!isPresent()) return;
      this.#tellRefusal(error.message);
      this.#missed(error.message);
    });
  }

  #dial(place: string): void {
    this.#dialled = place;
    if (tcpParts(place)) this.#socket.set(Option.ipv6, isIpv6(place) ? 1 : 0);
    const errno = this.#socket.connect(place);
    if (errno === 0) return;
    this.destroy();
    throw new FluxError(errno, `cannot dial ${place}: ${strerror(errno)}`);
  }

  #hangUp(): void {
    if (this.#dialled !== undefined) this.#socket.disconnect(this.#dialled);
    this.#dialled = undefined;
  }

  /** An attempt failed, not for want of time. */
  #failed(): void {
    if (this.#patience === undefined) return this.#goOn();
    if (this.#isProbing || this.#dialled === undefined) return;
    const place = this.#dialled;
    this.#isProbing = true;
    this.#hangUp();
    void whyUnreachable(place).then((reason) => {
      this.#isProbing = false;
      if (this.#state === "dialling") this.#missed(reason);
    });
  }

  /** A place cannot be reached, for `reason`. */
  #missed(reason: string): void {
    this.#reasons.push(reason);
    if (this.#patience === undefined || this.#round.length > 0) return this.#goOn();
    // Only when nobody listens anywhere is the process gone for certain.
    this.#end(this.#reasons.find((one) => one !== REFUSED) ?? REFUSED);
  }

  /** Goes on to the next place, or after a pause to the next round. */
  #goOn(): void {
    if (this.#pause) return;
    this.#hangUp();
    const wait = this.#round.length > 0 ? BETWEEN_PLACES_MS : this.#backoff.next();
    if (this.#patience === undefined) this.#attempt?.cancel();
    this.#pause = this.#engine.clock.after(wait, () => {
      this.#pause = null;
      if (this.#round.length > 0) this.#connect();
      else this.#begin();
    });
  }
}

/** A DEALER as a link needs it. Throws EINVAL. */
function dealer(engine: Engine, places: readonly string[], { name, keys, serverKey }: DialOptions): Socket {
  const nameLength = new TextEncoder().encode(name).length;
  if (nameLength < 1 || nameLength > 255) throw new FluxError("EINVAL", "the name of a link has 1 to 255 bytes");
  if (keys && !serverKey) throw new FluxError("EINVAL", "a link with keys needs the key of the listener");
  const socket = new Socket(engine.context, SocketType.dealer);
  try {
    setCommonOptions(socket, places);
    socket.set(Option.routingId, name);
    socket.set(Option.reconnectInterval, -1);
    socket.set(Option.immediate, 1);
    socket.set(Option.connectTimeout, ATTEMPT_MS);
    if (keys?.mechanism === "plain") {
      socket.set(Option.plainUsername, keys.publicKey);
      socket.set(Option.plainPassword, keys.secretKey);
    } else if (keys && serverKey) {
      socket.set(Option.curveServerKey, serverKey);
      socket.set(Option.curvePublicKey, keys.publicKey);
      socket.set(Option.curveSecretKey, keys.secretKey);
    }
    return socket;
  } catch (error) {
    socket.close();
    throw error;
  }
}
