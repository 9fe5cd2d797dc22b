/**
 * The composition root: wires the parts of one rank together and takes them from start to exit. Everything outside
 * comes in through `Ports`, so the same broker runs in production and in the simulator.
 */

import { encodeJson, FluxError, Idset, type Message, NODEID_UPSTREAM, Role } from "./message/mod.ts";
import { Handle, type LogLevel } from "./handle/mod.ts";
import {
  type Clock,
  type ContentStore,
  every,
  type KeyPair,
  type Random,
  type Spawner,
  type Timer,
  type Transport,
} from "./ports/mod.ts";
import { endpointChannel, Router } from "./router/mod.ts";
import { type Child, Events, Ring, Topology, Tree } from "./overlay/mod.ts";
import { Attributes } from "./service/attributes.ts";
import { ModuleHost } from "./service/module_host.ts";
import { type BrokerParts, nativeServices } from "./service/native.ts";
import { StateMachine, stateNumber } from "./service/state_machine.ts";
import { builtinModules } from "../modules/mod.ts";

/** The doors one broker is given. */
export interface Ports {
  readonly clock: Clock;
  readonly random: Random;
  readonly transport: Transport;
  readonly spawner: Spawner;
  readonly store: ContentStore;
}

export interface BrokerOptions {
  readonly rank: number;
  readonly size: number;
  /** Fan-out of the tree; 0 is flat. */
  readonly arity: number;
  readonly userid: number;
  readonly hostname: string;
  readonly version: string;
  readonly pid: number;
  /** Directory of this host's sockets. */
  readonly rundir: string;
  /** Keys of this rank's links; none means that links are open to whoever reaches them. */
  readonly keys?: KeyPair | undefined;
  /** Public keys that may join our links. */
  admits?(publicKey: string): boolean;
  /** Modules to load, in order. */
  readonly modules: readonly { name: string; args: readonly string[] }[];
  /** Attributes set on the command line. */
  readonly attributes: Readonly<Record<string, string>>;
  /** Milliseconds between heartbeats. */
  readonly heartrate: number;
  /** Milliseconds the children have to leave at shutdown. */
  readonly grace: number;
}

/** Where one broker's overlays are reached, and its public key: what the bootstrap exchanges (wire.md §7.1). */
export interface Card {
  readonly rank: number;
  readonly hostname: string;
  readonly tbon: string;
  readonly events: string;
  readonly ring: string;
  readonly publicKey?: string | undefined;
}

export class Broker implements BrokerParts {
  readonly options: BrokerOptions;
  readonly ports: Ports;
  readonly uuid: string;
  readonly topology: Topology;
  readonly router: Router;
  readonly tree: Tree;
  readonly events: Events;
  readonly ring: Ring;
  readonly attributes = new Attributes();
  readonly machine: StateMachine;
  readonly modules: ModuleHost;
  /** The handle of the broker's own services. */
  readonly handle: Handle;
  #rightCard: Card | undefined;
  #heartbeat: Timer | undefined;
  #stopping: Promise<void> | undefined;
  #exit = Promise.withResolvers<number>();
  #exitCode = 0;

  constructor(options: BrokerOptions, ports: Ports) {
    const { rank, size, userid, keys, hostname, version, admits } = options;
    const { clock, random, transport } = ports;
    this.options = options;
    this.ports = ports;
    this.uuid = random.uuid();
    this.topology = new Topology(size, options.arity);
    this.machine = new StateMachine(() => clock.now());
    this.router = new Router({ rank, size, userid, publish: (event) => this.#publish(event) });
    const log = (level: LogLevel, text: string) => this.log(level, text, "overlay");
    const links = { rank, random, transport, keys, log, ...(admits && { admits }) };
    this.tree = new Tree({
      ...links,
      size,
      uuid: this.uuid,
      userid,
      hostname,
      version,
      clock,
      router: this.router,
      childChanged: (child, state, reason) => this.#childChanged(child, state, reason),
      parentLost: (reason) => this.#parentLost(reason),
    });
    this.events = new Events({
      ...links,
      deliver: (event) => this.router.deliverEvent(event),
      parentLost: (reason) => this.log("debug", `event link: ${reason}`, "overlay"),
    });
    this.ring = new Ring({ ...links, id: random.uuid(), router: this.router });
    this.handle = this.#openHandle();
    this.modules = new ModuleHost({
      router: this.router,
      userid,
      log: (level, text, source) => this.log(level, text, source),
      ports: {
        clock,
        random,
        spawner: ports.spawner,
        store: ports.store,
        rank,
        size,
        attribute: (name) => this.attributes.get(name),
      },
    });
  }

  /** Resolves with the exit status once the broker has ended. */
  get exited(): Promise<number> {
    return this.#exit.promise;
  }

  /** Opens this rank's endpoints. Throws what the transport throws. */
  listen(endpoints: { tbon: string; events: string; ring: string }): Card {
    const { rank, size, keys, hostname } = this.options;
    if (this.topology.children(rank).length > 0 || size > 1) {
      this.tree.listen(endpoints.tbon);
      this.events.listen(endpoints.events);
      this.ring.listen(endpoints.ring);
    }
    return {
      rank,
      hostname,
      tbon: this.tree.endpoint,
      events: this.events.endpoint,
      ring: this.ring.endpoint,
      publicKey: keys?.publicKey,
    };
  }

  /** Brings the broker up to state `run`. `parent` is null at rank 0. Throws when it cannot join or load its modules. */
  async start(parent: Card | null, right: Card | null): Promise<void> {
    this.#rightCard = right ?? undefined;
    this.#registerAttributes();
    await this.#serve();
    this.machine.enter("join");
    if (parent) {
      await Promise.all([
        this.events.connect(parent.events, parent.publicKey),
        this.tree.connect(parent.tbon, parent.publicKey),
      ]);
    }
    this.machine.enter("config-sync");
    this.machine.enter("init");
    for (const { name, args } of this.options.modules) await this.loadModule(name, args);
    this.machine.enter("quorum");
    await this.#quorum();
    this.machine.enter("run");
  }

  /** Loads a built-in module by name. Throws ENOENT, EEXIST, and what the module throws. */
  async loadModule(name: string, args: readonly string[]): Promise<void> {
    const builtin = builtinModules[name];
    if (!builtin) throw new FluxError("ENOENT", `${name}: not found in module search path`);
    await this.modules.load((await builtin.load()).default, args);
  }

  /** Ends the broker in order: children first, then modules, then the link to the parent. Once; later calls wait for the first. */
  shutdown(exitCode: number, reason: string): Promise<void> {
    return this.#stopping ??= this.#shutdown(exitCode, reason);
  }

  log(level: LogLevel, text: string, source = "broker"): void {
    console.error(`${source}.${level}[${this.options.rank}]: ${text}`);
  }

  /** Sends a request around the ring. */
  sendByRing(request: Message): void {
    if (this.#rightCard) this.ring.connect(this.#rightCard.ring, this.#rightCard.publicKey);
    this.router.fromEndpointByRing(this.uuid, request);
  }

  #openHandle(): Handle {
    const { userid, rank } = this.options;
    const owner = { id: this.uuid, userid, rolemask: Role.owner | Role.local };
    return new Handle(endpointChannel(this.router, owner), {
      clock: this.ports.clock,
      rank,
      fault: (topic, error) => this.log("err", `${topic}: ${error instanceof Error ? error.stack : error}`),
    });
  }

  async #serve(): Promise<void> {
    await this.handle.serve(nativeServices(this));
  }

  #registerAttributes(): void {
    const { rank, size, arity, rundir, hostname, version, userid, pid } = this.options;
    const fixed: Record<string, string> = {
      rank: `${rank}`,
      size: `${size}`,
      version,
      rundir,
      hostname,
      "security.owner": `${userid}`,
      "local-uri": `local://${rundir}/local-${rank}`,
      "tbon.topo": `kary:${arity}`,
      "tbon.level": `${this.topology.level(rank)}`,
      "tbon.maxlevel": `${this.topology.maxLevel}`,
      "tbon.descendants": `${this.topology.subtree(rank).size - 1}`,
      "broker.pid": `${pid}`,
      "broker.uuid": this.uuid,
      ...this.options.attributes,
    };
    for (const [name, value] of Object.entries(fixed)) this.attributes.register(name, { value, immutable: true });
  }

  /** Rank 0 waits until every rank is there; the others until their parent runs. */
  async #quorum(): Promise<void> {
    const { rank, size } = this.options;
    if (rank === 0) {
      while (this.tree.ranks.size < size) await new Promise<void>((resolve) => this.#onChange = resolve);
      return;
    }
    void this.#followParent();
    await this.#parentRuns.promise;
  }

  #onChange: (() => void) | undefined;
  readonly #parentRuns = Promise.withResolvers<void>();

  /** Goes where the parent goes: to `run` after it, to shutdown after it. */
  async #followParent(): Promise<void> {
    const options = { rank: NODEID_UPSTREAM };
    try {
      for await (
        const { state } of this.handle.stream<{ state: number }>("state-machine.monitor", {
          final: stateNumber("shutdown"),
        }, options)
      ) {
        if (state >= stateNumber("run")) this.#parentRuns.resolve();
        if (state >= stateNumber("cleanup")) void this.shutdown(0, "parent is shutting down");
      }
    } catch (error) {
      this.#parentRuns.reject(error);
    }
  }

  #publish(event: Message): void {
    if (this.options.rank === 0) this.events.publish(event);
    else this.tree.publish(event);
  }

  #childChanged(child: Child, state: "joined" | "left" | "lost", reason: string): void {
    if (state === "lost") this.log("err", `rank ${child.rank} (${child.hostname}) is lost: ${reason}`, "overlay");
    this.#onChange?.();
  }

  #parentLost(reason: string): void {
    if (this.#stopping) return;
    this.log("crit", `lost connection to parent: ${reason}`, "overlay");
    void this.shutdown(1, "lost connection to parent");
  }

  async #shutdown(exitCode: number, reason: string): Promise<void> {
    this.#exitCode = exitCode;
    this.log("info", `shutdown: ${reason}`);
    this.#heartbeat?.cancel();
    this.machine.enter("cleanup");
    this.machine.enter("shutdown");
    await this.#childrenLeft();
    this.machine.enter("finalize");
    await this.modules.removeAll();
    this.machine.enter("goodbye");
    await this.tree.leave();
    this.machine.enter("unload-builtins");
    this.tree.close();
    this.events.close();
    this.ring.close();
    this.handle.close();
    await this.ports.transport.close(100);
    this.machine.enter("exit");
    this.#exit.resolve(this.#exitCode);
  }

  async #childrenLeft(): Promise<void> {
    const expired = Promise.withResolvers<void>();
    const timer = this.ports.clock.after(this.options.grace, () => expired.resolve());
    let late = false;
    void expired.promise.then(() => late = true);
    while (this.tree.children.length > 0 && !late) {
      await Promise.race([expired.promise, new Promise<void>((resolve) => this.#onChange = resolve)]);
    }
    timer.cancel();
    for (const child of this.tree.children) {
      this.log("err", `rank ${child.rank} (${child.hostname}) did not leave in time`);
    }
  }

  /** Publishes a heartbeat every period, at rank 0. */
  beat(): void {
    let epoch = 0;
    this.#heartbeat = every(this.ports.clock, this.options.heartrate, () => {
      this.handle.publish("heartbeat.pulse", encodeJson({ epoch: epoch++ }));
    });
  }

  /** Ranks that are here. */
  get online(): Idset {
    return this.tree.ranks;
  }
}
