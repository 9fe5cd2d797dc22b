import { Broker, type BrokerOptions, type Card } from "../../broker/broker.ts";
import { Handle, type LogLevel } from "../../broker/handle/mod.ts";
import { Role } from "../../broker/message/mod.ts";
import { type Clock, type KeyPair, type Transport } from "../../broker/ports/mod.ts";
import { endpointChannel } from "../../broker/router/mod.ts";
import { builtinModules } from "../../modules/mod.ts";
import { SimStores } from "./content_stores.ts";
import { SimFiles } from "./files.ts";
import { type NetworkOptions, type SimNetwork, simNetwork } from "./network.ts";
import { type SeededRandom, seededRandom } from "./seeded_random.ts";
import { type Program, ScriptedSpawner } from "./spawner.ts";
import { type VirtualClock, virtualClock } from "./virtual_clock.ts";

/** The user every simulated broker runs as. */
export const USERID = 1000;

export interface SimSessionOptions {
  /** Number of brokers. */
  readonly size: number;
  /** Decides all chance; print it when a test fails (see `forSeeds`). */
  readonly seed?: number;
  /** Fan-out of the tree, 2 unless given; 0 is flat. */
  readonly arity?: number;
  /** Built-in modules every rank loads, in order; none unless given. A word is a name without arguments. */
  readonly modules?: readonly (string | { name: string; args: readonly string[] })[];
  /** Attributes set on the command line, on every rank. */
  readonly attributes?: Readonly<Record<string, string>>;
  /** Milliseconds between heartbeats, 2000 unless given. */
  readonly heartrate?: number;
  /** Events that every rank keeps for those who missed some; as the product has it unless given. */
  readonly history?: number | undefined;
  /** Bounds of a message's travel time, and how long a connection survives a cut, ms. */
  readonly network?: Pick<NetworkOptions, "delay" | "timeoutMs">;
  /**
   * Stands between the network and what a rank has dialled (its parent's tree and events, its right neighbour): returns
   * what arrives in place of a message. For losses and duplicates that no real transport makes.
   */
  readonly tamper?: (rank: number, endpoint: string, bytes: Uint8Array) => readonly Uint8Array[];
  /** Links have keys (`plain`: as passwords), and a broker lets in only its children by the topology and its left neighbour. */
  readonly keys?: boolean | "plain";
  /** Disks that outlive this session; new ones unless given. */
  readonly stores?: SimStores;
  /** Programs that every host has, besides the usual ones of tests/sim/spawner.ts. */
  readonly programs?: Readonly<Record<string, Program>>;
  /** Stops before the brokers start: `start` or `startRank` do it. */
  readonly idle?: boolean;
}

/** A line of some broker's log. */
export interface SimLogLine {
  readonly rank: number;
  readonly level: LogLevel;
  readonly source: string;
  readonly text: string;
}

/**
 * A session of simulated brokers: real ones, over the twins of time, chance and network, all in this process. Nothing
 * of it outlives the test, so it need not be stopped.
 */
export class SimSession {
  readonly clock: VirtualClock = virtualClock();
  readonly random: SeededRandom;
  readonly network: SimNetwork;
  readonly stores: SimStores;
  /** Files of all hosts: they share them. */
  readonly files = new SimFiles();
  readonly size: number;
  /** By rank. One that was killed stays here, and does nothing any more. */
  readonly brokers: Broker[] = [];
  /** The processes of each rank's host. */
  readonly spawners: ScriptedSpawner[] = [];
  /** What all brokers logged, in order. */
  readonly log: SimLogLine[] = [];
  /** The log of the session as rank 0 writes it, and what cannot wait as each rank shows it, in lines. */
  readonly written: string[] = [];
  readonly alarms: string[] = [];
  readonly #options: SimSessionOptions;
  readonly #cards: Card[] = [];
  readonly #dead = new Set<number>();
  readonly #lives = new Map<number, number>();
  readonly #handles = new Map<number, Handle[]>();

  constructor(options: SimSessionOptions) {
    this.#options = options;
    this.size = options.size;
    this.stores = options.stores ?? new SimStores();
    this.random = seededRandom(options.seed ?? 1);
    this.network = simNetwork({ clock: this.clock, random: this.random, ...options.network });
    for (let rank = 0; rank < this.size; rank++) this.#open(rank);
  }

  /** The network's name for the process of a rank, as `network.cut` and its like take it. */
  host(rank: number): string {
    return `node${rank}`;
  }

  /** Brings these ranks to state `run`, in virtual time. */
  async start(ranks: Iterable<number> = this.brokers.keys()): Promise<void> {
    await this.settle(Promise.all([...ranks].map((rank) => this.startRank(rank))));
  }

  /** Starts one rank; resolves when it runs, for which virtual time must go on. */
  startRank(rank: number): Promise<void> {
    const broker = this.brokers[rank]!;
    const parent = broker.topology.parent(rank);
    const right = this.size > 1 ? this.#cards[(rank + this.size - 1) % this.size]! : null;
    return broker.start(parent === null ? null : this.#cards[parent]!, right);
  }

  /** A new client of this rank's broker, with the rights of a local owner. */
  handle(
    rank: number,
    credentials: { userid?: number; rolemask?: number } = {},
    fault?: (topic: string, error: unknown) => void,
  ): Handle {
    const owner = { userid: USERID, rolemask: Role.owner | Role.local, ...credentials };
    const channel = endpointChannel(this.brokers[rank]!.router, { id: this.random.uuid(), ...owner });
    const handle = new Handle(channel, { clock: this.network.clockOf(this.host(rank)), ...(fault && { fault }) });
    this.#handles.set(rank, [...this.#handles.get(rank) ?? [], handle]);
    return handle;
  }

  /** The process of this rank dies: it says and hears nothing any more, its clients' handles are closed. */
  kill(rank: number): void {
    this.#dead.add(rank);
    this.network.kill(this.host(rank));
    this.spawners[rank]!.killAll();
    for (const handle of this.#handles.get(rank) ?? []) handle.close();
  }

  /**
   * A new process of a rank that was killed, which rank 0 makes known as it does for who starts one. It joins the nearest ancestor by the topology that takes it in; resolves when it
   * runs, for which virtual time must go on.
   */
  restart(rank: number): Promise<void> {
    if (this.isAlive(rank)) throw new Error(`rank ${rank} lives`);
    this.#dead.delete(rank);
    this.#handles.delete(rank);
    this.#lives.set(rank, this.restarts(rank) + 1);
    this.#open(rank);
    const right = this.#cards[(rank + this.size - 1) % this.size]!;
    const above = this.#above(rank).map((one) => this.#cards[one]!);
    this.brokers[0]!.returns.announce(this.#cards[rank]!, this.brokers[rank]!.uuid);
    return this.brokers[rank]!.start(above[0]!, right, above);
  }

  /** The process of this rank stands still (SIGSTOP), its tasks and its clients' timers too. */
  stop(rank: number): void {
    this.network.stop(this.host(rank));
  }

  /** It goes on (SIGCONT). */
  go(rank: number): void {
    this.network.go(this.host(rank));
  }

  isStill(rank: number): boolean {
    return this.network.isStill(this.host(rank));
  }

  /** The process of the rank is there, and its broker has not ended by itself. */
  isAlive(rank: number): boolean {
    return !this.#dead.has(rank);
  }

  /** Lets exactly `ms` of virtual time pass. */
  run(ms: number): Promise<void> {
    return this.clock.run(ms);
  }

  /** Runs until `promise` settles and gives its result. Throws when it does not within a virtual hour. */
  settle<T>(promise: Promise<T>): Promise<T> {
    return this.clock.settle(promise);
  }

  /** Runs until `condition` holds. Throws when it does not within a virtual hour. */
  until(condition: () => boolean): Promise<void> {
    return this.clock.runUntil(condition);
  }

  /** How often a rank was started anew. */
  restarts(rank: number): number {
    return this.#lives.get(rank) ?? 0;
  }

  /** Who is above a rank by the topology, its parent first. */
  #above(rank: number): number[] {
    const parent = this.brokers[rank]!.topology.parent(rank);
    return parent === null ? [] : [parent, ...this.#above(parent)];
  }

  /** Makes the broker of a rank, whose endpoints are open from then on. One that ends by itself is a process that ends. */
  #open(rank: number): void {
    this.spawners[rank] = new ScriptedSpawner(this.network.clockOf(this.host(rank)), this.#options.programs);
    const broker = this.#broker(rank), life = this.restarts(rank);
    this.brokers[rank] = broker;
    void broker.exited.then(() => {
      if (this.restarts(rank) !== life || !this.isAlive(rank)) return;
      this.#dead.add(rank);
      this.network.kill(this.host(rank));
    });
    this.#cards[rank] = broker.listen({
      tbon: `ipc:///sim/tbon-${rank}`,
      events: `ipc:///sim/event-${rank}`,
      ring: `ipc:///sim/ring-${rank}`,
    });
  }

  #broker(rank: number): Broker {
    const { arity = 2, heartrate = 2000, modules = [], attributes = {}, keys = false, history } = this.#options;
    const options: BrokerOptions = {
      rank,
      size: this.size,
      arity,
      userid: USERID,
      hostname: this.host(rank),
      version: "0.1.0",
      pid: 10_000 + rank,
      rundir: "/sim",
      modules: modules.map((module) => typeof module === "string" ? { name: module, args: [] } : module)
        .filter(({ name }) => rank === 0 || !builtinModules[name]?.atRoot),
      attributes,
      heartrate,
      history,
      grace: 1000,
      ...(keys && { keys: keyOf(rank, keys === "plain"), rankOf: (key: string) => this.#rankOf(rank, key) }),
      logSink: (text) => void this.written.push(...text.trimEnd().split("\n")),
      logAlarm: (text) => void this.alarms.push(...text.trimEnd().split("\n")),
    };
    const random = this.random.fork(`rank ${rank} ${this.restarts(rank)}`);
    const transport = this.#transport(rank);
    const ports = {
      clock: this.#mortal(rank),
      random,
      transport,
      spawner: this.spawners[rank]!,
      stores: this.stores,
      files: this.files,
    };
    return new SimBroker(options, ports, this.log);
  }

  #transport(rank: number): Transport {
    const transport = this.network.transport(this.host(rank));
    const { tamper } = this.#options;
    if (!tamper) return transport;
    return {
      listen: (endpoint, options, events) => transport.listen(endpoint, options, events),
      close: (lingerMs) => transport.close(lingerMs),
      dial: (endpoint, options, events) =>
        transport.dial(endpoint, options, {
          up: () => events.up?.(),
          message: (bytes) => tamper(rank, endpoint, bytes).forEach((copy) => events.message(copy.slice())),
          down: (reason) => events.down(reason),
        }),
    };
  }

  #rankOf(rank: number, key: string): number | undefined {
    const { topology } = this.brokers[rank]!;
    const expected = [...topology.children(rank), (rank + 1) % this.size];
    return expected.find((child) => keyOf(child).publicKey === key);
  }

  /** A clock whose timers no longer fire once this process of the rank is dead. */
  #mortal(rank: number): Clock {
    const life = this.restarts(rank), clock = this.network.clockOf(this.host(rank));
    return {
      ...clock,
      after: (ms, callback) =>
        clock.after(ms, () => {
          if (this.isAlive(rank) && this.restarts(rank) === life) callback();
        }),
    };
  }
}

/** Makes a session and, unless told to stay idle, brings all ranks to `run`. */
export async function simSession(options: SimSessionOptions): Promise<SimSession> {
  // Files are read in real time, for which virtual time does not wait.
  await Promise.all(
    (options.modules ?? []).map((module) => builtinModules[typeof module === "string" ? module : module.name]?.load()),
  );
  const session = new SimSession(options);
  if (!options.idle) await session.start();
  return session;
}

/**
 * Runs `body` once for each of `count` seeds, that many times FLUX_TEST_RUNS; from FLUX_TEST_SEED on, or that one
 * alone without FLUX_TEST_RUNS. A failure names its seed.
 */
export async function forSeeds(count: number, body: (seed: number) => Promise<void>): Promise<void> {
  const seed = Deno.env.get("FLUX_TEST_SEED"), runs = Deno.env.get("FLUX_TEST_RUNS");
  const first = Number(seed ?? 1), times = seed !== undefined && runs === undefined ? 1 : count * Number(runs ?? 1);
  for (let seed = first; seed < first + times; seed++) {
    try {
      await body(seed);
    } catch (error) {
      console.error(`failed with FLUX_TEST_SEED=${seed}`);
      throw error;
    }
  }
}

class SimBroker extends Broker {
  readonly #lines: SimLogLine[];

  constructor(options: BrokerOptions, ports: ConstructorParameters<typeof Broker>[1], lines: SimLogLine[]) {
    super(options, ports);
    this.#lines = lines;
  }

  override log(level: LogLevel, text: string, source = "broker"): void {
    this.#lines.push({ rank: this.options.rank, level, source, text });
    super.log(level, text, source);
  }
}

/** The keys of a rank, in a session with keys. */
export function keyOf(rank: number, isPlain = false): KeyPair {
  const keys = { publicKey: `public-${rank}`.padEnd(40, "-"), secretKey: `secret-${rank}`.padEnd(40, "-") };
  return isPlain ? { ...keys, mechanism: "plain" } : keys;
}
