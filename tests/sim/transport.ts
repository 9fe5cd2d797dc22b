import { FluxError } from "../../broker/message/mod.ts";
import {
  BACKLOG_LIMIT,
  type Clock,
  type DialOptions,
  every,
  type Link,
  type LinkEvents,
  type Listener,
  type ListenerEvents,
  type ListenOptions,
  mismatch,
  REFUSED,
  type Timer,
  type Transport,
} from "../../broker/ports/mod.ts";
import { Connection } from "./connection.ts";
import type { Network, Port } from "./network.ts";

/** First and longest wait between two attempts of a dial, ms. */
const RETRY_FIRST = 10, RETRY_LONGEST = 1000;

/** How often a closing transport looks whether its messages have arrived, ms. */
const DRAIN_CHECK = 1;

/** The Transport of the process `host`, as long as `isAlive` says that it lives. */
export function simTransport(network: Network, host: string, isAlive: () => boolean): Transport {
  const open = new Set<{ close(): void }>();
  /** What each connection of this transport may still have under way. */
  const undrained = new Set<() => boolean>();
  const own = { host, isAlive, open, undrained };
  let closed = false;
  const checkOpen = () => {
    if (closed) throw new FluxError("EINVAL", "the transport is closed");
  };
  return {
    listen(endpoint, options, events) {
      checkOpen();
      return new SimListener(network, own, endpoint, options, events);
    },
    dial(endpoint, options, events) {
      checkOpen();
      return new SimLink(network, own, endpoint, options, events);
    },
    close(lingerMs) {
      for (const one of [...open]) one.close();
      closed = true;
      return new Promise((resolve) => {
        const deadline = network.clock.now() + lingerMs;
        const check = every(network.clock, DRAIN_CHECK, () => {
          const isDrained = [...undrained].every((drained) => drained());
          if (!isDrained && network.clock.now() < deadline && isAlive()) return;
          check.cancel();
          resolve();
        });
      });
    },
  };
}

/** What the listeners and links of one process share. */
interface Own {
  readonly host: string;
  isAlive(): boolean;
  readonly open: Set<{ close(): void }>;
  readonly undrained: Set<() => boolean>;
}

class SimListener implements Listener {
  readonly endpoint: string;
  readonly #network: Network;
  readonly #own: Own;
  readonly #port: Port;
  /** Every connection that has not ended; those of `#peers` have sent something. */
  readonly #connections = new Map<string, Connection>();
  readonly #peers = new Map<string, Connection>();
  readonly #keys = new Map<string, string>();

  constructor(network: Network, own: Own, endpoint: string, options: ListenOptions, events: ListenerEvents) {
    this.#network = network;
    this.#own = own;
    const backlogLimit = options.backlogLimit ?? BACKLOG_LIMIT;
    this.#port = network.open(endpoint, (name) => ({
      host: own.host,
      endpoint: name,
      keys: options.keys,
      admits: (key) => options.admits?.(key) ?? false,
      refused: events.refused,
      told: new Set(),
      accept: (name, connection, publicKey) => {
        this.#connections.set(name, connection);
        if (publicKey !== undefined) this.#keys.set(name, publicKey);
        return {
          backlogLimit,
          alive: own.isAlive,
          message: (bytes) => {
            this.#peers.set(name, connection);
            events.message(name, bytes);
          },
          down: (reason) => {
            this.#connections.delete(name);
            this.#keys.delete(name);
            if (this.#peers.delete(name)) events.down(name, reason);
          },
        };
      },
    }));
    this.endpoint = this.#port.endpoint;
    own.open.add(this);
  }

  keyOf(peer: string): string | undefined {
    return this.#keys.get(peer);
  }

  send(peer: string, bytes: Uint8Array<ArrayBuffer>): boolean {
    return this.#peers.get(peer)?.send(1, bytes) ?? false;
  }

  drop(peer: string): void {
    const connection = this.#peers.get(peer);
    if (connection) this.#end(peer, connection, "dropped by the listener");
  }

  close(): void {
    if (!this.#own.open.delete(this)) return;
    this.#network.ports.delete(this.endpoint);
    for (const [name, connection] of this.#connections) this.#end(name, connection, "closed by the listener");
  }

  #end(name: string, connection: Connection, reason: string): void {
    this.#own.undrained.add(() => connection.isDrained(1));
    this.#connections.delete(name);
    this.#peers.delete(name);
    this.#keys.delete(name);
    connection.close(1, reason);
  }
}

class SimLink implements Link {
  readonly #network: Network;
  readonly #clock: Clock;
  readonly #own: Own;
  readonly #endpoint: string;
  readonly #options: DialOptions;
  readonly #events: LinkEvents;
  /** What waits for the connection, null once there is one or this link is over. */
  #waiting: Uint8Array<ArrayBuffer>[] | null = [];
  #waitingBytes = 0;
  #connection: Connection | null = null;
  #retry: Timer | null = null;
  /** Ends a dial that is tried once. */
  #limit: Timer | null = null;
  #wait = RETRY_FIRST;
  #isRefusalTold = false;

  constructor(network: Network, own: Own, endpoint: string, options: DialOptions, events: LinkEvents) {
    if (network.names.has(options.name)) throw new Error(`the name ${options.name} was used in an earlier dial`);
    network.names.add(options.name);
    this.#network = network;
    this.#clock = network.clockOf(own.host);
    this.#own = own;
    this.#endpoint = endpoint;
    this.#options = options;
    this.#events = events;
    own.open.add(this);
    this.#retry = this.#clock.after(network.delay(), () => this.#attempt());
    const { patience } = options;
    if (patience === undefined) return;
    this.#limit = this.#clock.after(patience, () => this.#give(`no answer within ${patience / 1000} s`));
  }

  send(bytes: Uint8Array<ArrayBuffer>): void {
    if (!this.#waiting) return void this.#connection?.send(0, bytes);
    if (!this.#own.isAlive()) return;
    this.#waiting.push(bytes);
    this.#waitingBytes += bytes.length;
    const limit = this.#options.backlogLimit ?? BACKLOG_LIMIT;
    if (this.#waitingBytes <= limit || this.#waiting.length === 1) return;
    this.#give(`backlog over ${limit} bytes`);
  }

  close(): void {
    this.#stop();
    const connection = this.#connection;
    if (!connection) return;
    this.#own.undrained.add(() => connection.isDrained(0));
    connection.close(0, "closed by the peer");
    this.#connection = null;
  }

  #stop(): void {
    this.#own.open.delete(this);
    this.#retry?.cancel();
    this.#limit?.cancel();
    this.#waiting = null;
  }

  #give(reason: string): void {
    this.#stop();
    this.#clock.after(0, () => this.#own.isAlive() && this.#events.down(reason));
  }

  #attempt(): void {
    if (!this.#own.isAlive()) return;
    const port = this.#network.ports.get(this.#endpoint);
    const host = port?.host ?? this.#network.hostOf(this.#endpoint);
    const isReachable = host === undefined ||
      !this.#network.isHeld(this.#own.host, host) && !this.#network.isHeld(host, this.#own.host) &&
        !this.#network.isStill(host);
    if (isReachable && port && this.#isAdmitted(port)) return this.#connect(port);
    if (isReachable && !port && this.#limit) return this.#give(REFUSED);
    this.#retry = this.#clock.after(
      this.#wait * (0.5 + this.#network.random.float() / 2),
      () => this.#attempt(),
    );
    this.#wait = Math.min(this.#wait * 1.5, RETRY_LONGEST);
  }

  /** Checks keys as CURVE and PLAIN do; tells both sides once, as far as libzmq lets them know. */
  #isAdmitted(port: Port): boolean {
    const { keys, serverKey } = this.#options;
    if (!port.keys && !keys) return true;
    if (!port.keys || !keys || port.keys.mechanism !== keys.mechanism) {
      return this.#refuse(port, mismatch(port.keys), mismatch(keys));
    }
    const isPlain = keys.mechanism === "plain";
    if (!isPlain && serverKey !== port.keys.publicKey) {
      return this.#refuse(port, "the peer has a wrong key of this listener", null);
    }
    if (port.admits(keys.publicKey)) return true;
    return this.#refuse(port, `key ${keys.publicKey} is not admitted`, "the key of this side is not admitted");
  }

  #refuse(port: Port, toListener: string, toDialler: string | null): false {
    const told = `${this.#own.host} ${toListener}`;
    // Without keys a listener has nothing to refuse with: libzmq says nothing there.
    if (port.keys && !port.told.has(told)) {
      port.told.add(told);
      this.#network.statistics.refused++;
      port.refused?.(this.#own.host, toListener);
    }
    if (toDialler && !this.#isRefusalTold) this.#events.refused?.(toDialler);
    this.#isRefusalTold ||= toDialler !== null;
    return false;
  }

  #connect(port: Port): void {
    const connection = new Connection(this.#network, this.#own.host, port.host);
    this.#connection = connection;
    connection.ends[0] = {
      backlogLimit: this.#options.backlogLimit ?? BACKLOG_LIMIT,
      alive: this.#own.isAlive,
      message: (bytes) => this.#events.message(bytes),
      down: (reason) => {
        this.#connection = null;
        this.#own.open.delete(this);
        this.#events.down(reason);
      },
    };
    connection.ends[1] = port.accept(this.#options.name, connection, this.#options.keys?.publicKey);
    this.#network.join(connection);
    this.#limit?.cancel();
    const waiting = this.#waiting!;
    this.#waiting = null;
    for (const bytes of waiting) connection.send(0, bytes);
    this.#events.up?.();
  }
}
