import { FluxError } from "../../broker/message/mod.ts";
import type { Clock, KeyPair, ListenerEvents, Transport } from "../../broker/ports/mod.ts";
import { Connection, type End, type Wire } from "./connection.ts";
import type { SeededRandom } from "./seeded_random.ts";
import { Standstill } from "./standstill.ts";
import { simTransport } from "./transport.ts";

/**
 * The network of a simulated world: the Transport contract kept in memory, in virtual time, with delays drawn from the
 * seed. Faults come in two kinds. A *cut* is a cable pulled out: what is sent waits, nobody is told, and it arrives
 * after `heal`; a connection that stays cut for `timeoutMs` ends. A *kill* is a process that died: its peers hear it at
 * once.
 */
export interface SimNetwork {
  /** The network as the process `host` sees it. A killed host may get a new one. */
  transport(host: string): Transport;
  /** Holds everything between two hosts, both ways. */
  cut(a: string, b: string): void;
  /** Holds what `from` sends to `to`; the other way flows. */
  oneWay(from: string, to: string): void;
  /** Holds everything between hosts of different groups, until what it returns is called. Hosts in no group are not touched. */
  partition(...groups: readonly (readonly string[])[]): () => void;
  /** Undoes the cut between two hosts; or all of them, and all partitions. */
  heal(a?: string, b?: string): void;
  /** What a host sends and is sent travels up to `ms` longer from now on; 0: as everybody's. */
  slow(host: string, ms: number): void;
  /** Everything takes up to `ms` longer from now on; 0: as before. */
  lag(ms: number): void;
  /** The process `host` stands still, its clock too: what comes to it waits, and its peers notice nothing but silence. */
  stop(host: string): void;
  /** It goes on, and all that has waited comes at once. */
  go(host: string): void;
  isStill(host: string): boolean;
  /** Time as the process `host` has it. */
  clockOf(host: string): Clock;
  /** Ends the connections between two hosts at once, and both sides hear it; they may dial again. */
  reset(a: string, b: string): void;
  /** The process `host` dies: it hears nothing any more, what it does has no effect, its peers hear `down`. */
  kill(host: string): void;
  readonly statistics: NetworkStatistics;
}

export interface NetworkStatistics {
  /** Messages handed to `send`, and those that reached a callback. */
  sent: number;
  delivered: number;
  /** Body bytes delivered. */
  bytes: number;
  /** A digest of when what was delivered, 32 bits. */
  trace: number;
  /** Connections made, refused for their keys, and ended for whatever reason. */
  connected: number;
  refused: number;
  ended: number;
}

export interface NetworkOptions {
  clock: Clock;
  random: SeededRandom;
  /** Bounds of a message's travel time in ms. */
  delay?: { min: number; max: number };
  /** How long a connection survives a cut, ms. */
  timeoutMs?: number;
}

/** A listener as the network knows it. */
export interface Port {
  readonly host: string;
  readonly endpoint: string;
  readonly keys: KeyPair | undefined;
  admits(publicKey: string): boolean;
  /** Takes a new connection in and gives the listening end's behaviour. */
  accept(name: string, connection: Connection, publicKey: string | undefined): End;
  readonly refused: ListenerEvents["refused"];
  /** Addresses and reasons told already. */
  readonly told: Set<string>;
}

export function simNetwork(options: NetworkOptions): SimNetwork {
  return new Network(options);
}

/** What the transports of all hosts share. */
export class Network implements SimNetwork, Wire {
  readonly clock: Clock;
  readonly random: SeededRandom;
  readonly statistics: NetworkStatistics = {
    sent: 0,
    delivered: 0,
    bytes: 0,
    trace: 0,
    connected: 0,
    refused: 0,
    ended: 0,
  };
  readonly ports = new Map<string, Port>();
  readonly names = new Set<string>();
  readonly timeoutMs: number;
  readonly #delay: { min: number; max: number };
  readonly #connections = new Set<Connection>();
  /** The same by host, in the order they were made. */
  readonly #byHost = new Map<string, Set<Connection>>();
  /** Directions that are cut, as `from\0to`. */
  readonly #held = new Set<string>();
  /** Partitions: the group of each host. */
  readonly #walls = new Set<ReadonlyMap<string, number>>();
  /** What is added to the travel time of the messages of a host at most, ms. */
  readonly #slow = new Map<string, number>();
  /** What is added to that of everyone at most, ms. */
  #lag = 0;
  readonly #still: Standstill;
  /** How often each host was killed: a transport of an earlier life is dead. */
  readonly #lives = new Map<string, number>();
  /** Where each endpoint was opened last. */
  readonly #homes = new Map<string, string>();
  #nextPort = 49152;

  constructor(options: NetworkOptions) {
    this.clock = options.clock;
    this.#still = new Standstill(options.clock);
    this.random = options.random.fork("network");
    this.#delay = options.delay ?? { min: 0.05, max: 0.5 };
    this.timeoutMs = options.timeoutMs ?? 30_000;
  }

  transport(host: string): Transport {
    const life = this.life(host);
    return simTransport(this, host, () => this.life(host) === life);
  }

  life(host: string): number {
    return this.#lives.get(host) ?? 0;
  }

  delay(from?: string, to?: string): number {
    const extra = this.#lag + (this.#slow.get(from ?? "") ?? 0) + (this.#slow.get(to ?? "") ?? 0);
    return this.#delay.min + this.random.float() * (this.#delay.max - this.#delay.min + extra);
  }

  slow(host: string, ms: number): void {
    if (ms > 0) this.#slow.set(host, ms);
    else this.#slow.delete(host);
  }

  lag(ms: number): void {
    this.#lag = ms;
  }

  isHeld(from: string, to: string): boolean {
    if (this.#held.size > 0 && this.#held.has(`${from}\0${to}`)) return true;
    for (const groups of this.#walls) if (isBetween(groups, from, to)) return true;
    return false;
  }

  isStill(host: string): boolean {
    return this.#still.has(host);
  }

  clockOf(host: string): Clock {
    return this.#still.clock(host);
  }

  stop(host: string): void {
    this.#still.stop(host);
    for (const connection of [...this.#of(host)]) connection.hold();
  }

  go(host: string): void {
    this.#still.go(host);
    for (const connection of [...this.#of(host)]) connection.release();
  }

  /** Registers a listener; fills a wildcard port in. Throws EADDRINUSE. */
  open(endpoint: string, make: (endpoint: string) => Port): Port {
    const name = endpoint.endsWith(":*") ? endpoint.slice(0, -1) + this.#nextPort++ : endpoint;
    if (this.ports.has(name)) throw new FluxError("EADDRINUSE", `cannot listen on ${name}: address already in use`);
    const port = make(name);
    this.ports.set(name, port);
    this.#homes.set(name, port.host);
    return port;
  }

  /** The host that listens on an endpoint, or did; undefined when none ever has. */
  hostOf(endpoint: string): string | undefined {
    return this.#homes.get(endpoint);
  }

  join(connection: Connection): void {
    this.statistics.connected++;
    this.#connections.add(connection);
    for (const host of connection.hosts) this.#of(host).add(connection);
  }

  leave(connection: Connection): void {
    if (this.#connections.delete(connection)) this.statistics.ended++;
    for (const host of connection.hosts) this.#of(host).delete(connection);
  }

  cut(a: string, b: string): void {
    this.oneWay(a, b);
    this.oneWay(b, a);
  }

  oneWay(from: string, to: string): void {
    this.#held.add(`${from}\0${to}`);
    for (const connection of this.#between(from, to)) connection.hold();
  }

  partition(...groups: readonly (readonly string[])[]): () => void {
    const wall = new Map(groups.flatMap((hosts, i) => hosts.map((host) => [host, i] as const)));
    const concerned = () => [...this.#connections].filter(({ hosts: [a, b] }) => isBetween(wall, a, b));
    this.#walls.add(wall);
    for (const connection of concerned()) connection.hold();
    return () => {
      if (this.#walls.delete(wall)) { for (const connection of concerned()) connection.release(); }
    };
  }

  heal(a?: string, b?: string): void {
    if (a !== undefined && b !== undefined) {
      for (const way of [`${a}\0${b}`, `${b}\0${a}`]) this.#held.delete(way);
      for (const connection of this.#between(a, b)) connection.release();
      return;
    }
    this.#held.clear();
    this.#walls.clear();
    for (const connection of [...this.#connections]) connection.release();
  }

  reset(a: string, b: string): void {
    for (const connection of this.#between(a, b)) connection.fail("connection reset");
  }

  kill(host: string): void {
    this.slow(host, 0);
    this.#still.forget(host);
    this.#lives.set(host, this.life(host) + 1);
    for (const [endpoint, port] of this.ports) if (port.host === host) this.ports.delete(endpoint);
    for (const connection of [...this.#of(host)]) connection.bury(host);
  }

  #of(host: string): Set<Connection> {
    let connections = this.#byHost.get(host);
    if (!connections) this.#byHost.set(host, connections = new Set());
    return connections;
  }

  #between(a: string, b: string): Connection[] {
    return [...this.#of(a)].filter((c) =>
      (c.hosts[0] === a && c.hosts[1] === b) || (c.hosts[0] === b && c.hosts[1] === a)
    );
  }
}

/** Whether two hosts are in different groups. */
function isBetween(groups: ReadonlyMap<string, number>, a: string, b: string): boolean {
  const one = groups.get(a), other = groups.get(b);
  return one !== undefined && other !== undefined && one !== other;
}
