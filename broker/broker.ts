/**
 * The composition root: wires the parts of one rank together and takes them from start to exit. Everything outside
 * comes in through `Ports`, so the same broker runs in production and in the simulator. Over 400 lines, since every part is
 * named here once.
 */

import { type Card, FluxError, Idset, type Message, NODEID_UPSTREAM, Role } from "./message/mod.ts";
import { Handle, type LogLevel } from "./handle/mod.ts";
import {
  type Clock,
  type ContentStores,
  type Files,
  type Random,
  readRusage,
  type Spawner,
  type Transport,
} from "./ports/mod.ts";
import { endpointChannel, Router } from "./router/mod.ts";
import { type Child, type ChildChange, Events, Ring, Topology, Tree } from "./overlay/mod.ts";
import { Attributes } from "./service/attributes.ts";
import { registerAttributes } from "./service/broker_attributes.ts";
import type { BrokerOptions } from "./service/broker_options.ts";
import { olderEvent } from "./service/cmb/event.ts";
import { Launcher } from "./service/exec/launcher.ts";
import { moduleTasks } from "./service/exec/module_tasks.ts";
import { childrenLeft } from "./service/farewell.ts";
import { GroupsService, ONLINE } from "./service/groups_service.ts";
import { Heartbeat, PULSE } from "./service/heartbeat.ts";
import { registerLogAttributes } from "./service/log_attributes.ts";
import { stderrOutput } from "./service/log_output.ts";
import { LogService } from "./service/log_service.ts";
import { followStatsEvents } from "./service/inspection.ts";
import { Health, statusNumber } from "./service/health.ts";
import { Guard } from "./service/guard.ts";
import { Keyring } from "./service/keyring.ts";
import { Kin } from "./service/kin.ts";
import { guarded } from "./service/module_gate.ts";
import { ModuleHost } from "./service/module_host.ts";
import { findModule } from "./service/module_source.ts";
import { Reparent } from "./service/reparent.ts";
import { RETURNING, Returns } from "./service/returns.ts";
import { Keepalive } from "./service/keepalive.ts";
import { type BrokerParts, nativeServices } from "./service/native.ts";
import { everyoneOnline, followParent } from "./service/quorum.ts";
import { StateMachine } from "./service/state_machine.ts";
import { builtinModules } from "../modules/mod.ts";

/** Where the three overlays of a broker are. */
interface Endpoints {
  readonly tbon: string;
  readonly events: string;
  readonly ring: string;
}

/** The doors one broker is given. */
export interface Ports {
  readonly clock: Clock;
  readonly random: Random;
  readonly transport: Transport;
  readonly spawner: Spawner;
  readonly stores: ContentStores;
  readonly files: Files;
}

export type { BrokerOptions, Card };

/** Of the time that children have to leave, what tasks have to end when they are asked to. */
const TASK_SHARE = 0.25;

const searchPath = () => Deno.env.get("FLUX_MODULE_PATH");

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
  readonly groups: GroupsService;
  readonly heartbeat: Heartbeat;
  readonly modules: ModuleHost;
  readonly launcher: Launcher;
  readonly health: Health;
  readonly reparent: Reparent;
  readonly returns: Returns;
  readonly kin: Kin;
  readonly guard: Guard;
  adrift: string | undefined;
  readonly keyring: Keyring;
  readonly logs: LogService;
  /** The handle of the broker's own services. */
  readonly handle: Handle;
  /** Of all ranks, once they were told. */
  #hosts: readonly string[] | undefined;
  #serving: Promise<void> | undefined;
  #reached: Endpoints | undefined;
  #stopping: Promise<void> | undefined;
  readonly #ending = Promise.withResolvers<{ status: number; reason: string }>();
  #exit = Promise.withResolvers<number>();
  #exitCode = 0;

  constructor(options: BrokerOptions, ports: Ports) {
    const { rank, size, userid, keys, hostname, version } = options;
    const { clock, random, transport } = ports;
    this.options = options;
    this.ports = ports;
    this.uuid = random.uuid();
    this.topology = new Topology(size, options.arity);
    this.machine = new StateMachine(() => clock.now());
    this.router = new Router({ rank, size, userid, publish: (event) => this.#publish(event) });
    this.logs = this.#openLog();
    const log = (level: LogLevel, text: string) => this.log(level, text, "overlay");
    this.keyring = new Keyring((key) => options.rankOf?.(key));
    const rankOf = (key: string) => this.keyring.rankOf(key);
    const links = { rank, hostname, random, transport, keys, log, rankOf };
    this.health = new Health(this.topology.children(rank), () => clock.now());
    this.reparent = new Reparent(this);
    this.returns = new Returns(this);
    this.guard = new Guard({ parent: () => this.tree.parent, abandoned: () => this.#unguarded() });
    this.kin = this.#openKin();
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
      refusesOrphans: () => this.adrift,
      refusesStale: (rank, uuid) => this.returns.refusal(rank, uuid),
      isRunning: () => this.machine.reached("run"),
      parentJoined: () => this.#parentJoined(),
      parentLost: (reason) => this.#parentLost(reason),
      dismissed: () => void this.shutdown(1, "disconnected by the parent"),
    });
    this.events = new Events({
      ...links,
      now: () => clock.now(),
      history: options.history,
      deliver: (event) => this.router.deliverEvent(event),
      parentLost: (reason) => this.#eventsLost(reason),
    });
    this.ring = new Ring({ ...links, id: random.uuid(), router: this.router });
    this.handle = this.#openHandle();
    this.groups = new GroupsService({
      rank,
      uuid: this.uuid,
      clock,
      children: () => this.tree.children,
      post: (topic, payload, to) => this.handle.post(topic, payload, to),
    });
    this.heartbeat = new Heartbeat({
      rank,
      clock,
      period: options.heartrate,
      publish: (topic, payload) => this.handle.publish(topic, payload),
    });
    this.launcher = this.#openLauncher();
    this.modules = new ModuleHost({
      router: this.router,
      userid,
      log: (level, text, source) => this.log(level, text, source),
      rusage: readRusage,
      find: (word) => findModule(word, { builtins: builtinModules, version, searchPath }),
      ports: {
        clock,
        random,
        spawner: ports.spawner,
        tasks: moduleTasks(this.launcher),
        stores: ports.stores,
        files: ports.files,
        rank,
        size,
        attribute: (name) => this.attributes.get(name),
        declare: (name, { value, update }) =>
          this.attributes.lend(name, { value, update: update ?? false, immutable: false }),
      },
    });
  }

  /** The names of all ranks' hosts. Not kept unless they were told: simulated sessions have thousands of brokers in one process. */
  get hosts(): readonly string[] {
    return this.#hosts ?? Array<string>(this.options.size).fill(this.options.hostname);
  }

  /** Resolves when the broker begins to end: with the status it will have, and why. */
  get ending(): Promise<{ status: number; reason: string }> {
    return this.#ending.promise;
  }

  /** Resolves with the exit status once the broker has ended. */
  get exited(): Promise<number> {
    return this.#exit.promise;
  }

  /**
   * Opens this rank's endpoints; others are told of `reached`, which are the same unless given. Children may come at once, so the services are there before. Throws what the transport
   * throws, ENOENT or EINVAL for an attribute of the command line.
   */
  listen(endpoints: Endpoints, reached?: Endpoints): Card {
    this.#reached = reached;
    const { size, attributes } = this.options;
    registerAttributes(this);
    registerLogAttributes(this.logs, this.attributes, attributes);
    this.#serving = this.#serve();
    if (size > 1) {
      this.tree.listen(endpoints.tbon);
      this.events.listen(endpoints.events);
      this.ring.listen(endpoints.ring);
    }
    return this.card;
  }

  /** Where this rank is reached, once it listens. */
  get card(): Card {
    const { rank, hostname, keys } = this.options;
    const { tree, events, ring } = this;
    const endpoints = this.#reached ?? { tbon: tree.endpoint, events: events.endpoint, ring: ring.endpoint };
    const isPlain = keys?.mechanism === "plain";
    return { rank, hostname, ...endpoints, publicKey: keys?.publicKey, ...(isPlain && { isPlain }) };
  }

  /**
   * Brings the broker up to state `run`. `parent` is null at rank 0. One that comes back to a session names all who are above
   * by the topology, the parent first: it joins whoever of them takes it in. `hosts` are the names of all ranks' hosts, this
   * one's unless given. Throws when it cannot join or load its modules.
   */
  async start(
    parent: Card | null,
    right: Card | null,
    above?: readonly Card[],
    hosts?: readonly string[],
  ): Promise<void> {
    this.#hosts = hosts;
    if (right) this.ring.aim(right);
    if (parent) this.reparent.began(parent);
    await this.#serving;
    this.heartbeat.start();
    this.machine.enter("join");
    if (above) await this.reparent.rejoin(above);
    else if (parent) {
      await Promise.all([
        this.events.connect(parent.events, parent.publicKey, { host: parent.hostname }),
        this.tree.connect(parent.tbon, parent.publicKey, { host: parent.hostname }),
      ]);
    }
    if (this.tree.parent?.isRunning) await this.#cameLate();
    this.machine.enter("config-sync");
    this.machine.enter("init");
    for (const { name, args } of this.options.modules) await this.loadModule(name, args);
    this.machine.enter("quorum");
    this.groups.join(ONLINE);
    await (parent ? followParent(this) : everyoneOnline(this));
    this.machine.enter("run");
  }

  /** The session runs already: all are told who is this rank now, and children that are elsewhere are not missing here. */
  async #cameLate(): Promise<void> {
    this.returns.announce(this.card, this.uuid);
    const { members } = await this.handle.rpc<{ members: string }>("groups.get", { name: ONLINE }, { rank: 0 });
    const online = Idset.parse(members);
    for (const { rank, status } of this.health.children) {
      if (status === "offline" && online.has(rank)) {
        this.health.report({ rank, change: "moved", status: 0, reason: "" });
      }
    }
    this.tree.report(statusNumber(this.health.status));
  }

  /** Loads a module by name or path. Throws as {@link ModuleHost.loadFrom} does, with the name in the text. */
  async loadModule(name: string, args: readonly string[]): Promise<void> {
    try {
      await this.modules.loadFrom(name, { args });
    } catch (error) {
      if (!(error instanceof FluxError) || error.message.startsWith(name)) throw error;
      throw new FluxError(error.errnum, `${name}: ${error.message}`);
    }
  }

  /** Ends the broker in order: children first, then modules, then the link to the parent. Once; later calls wait for the first. */
  shutdown(exitCode: number, reason: string): Promise<void> {
    return this.#stopping ??= this.#shutdown(exitCode, reason);
  }

  log(level: LogLevel, text: string, source = "broker"): void {
    this.logs.log(level, text, source);
  }

  /** Sends a request of an endpoint around the ring. */
  sendByRing(request: Message, id: string): void {
    this.ring.connect();
    this.router.fromEndpointByRing(id, request);
  }

  #openLog(): LogService {
    const { rank, pid, logSink, logAlarm = stderrOutput } = this.options;
    return new LogService({
      clock: this.ports.clock,
      rank,
      pid,
      level: this.topology.level(rank),
      maxLevel: this.topology.maxLevel,
      sendUp: (lines) => {
        if (!this.tree.parent) return false;
        this.handle.post("log.forward", new TextEncoder().encode(lines), { rank: NODEID_UPSTREAM });
        return true;
      },
      sink: logSink ?? stderrOutput,
      alarm: rank === 0 && !logSink ? undefined : logAlarm,
    });
  }

  #openLauncher(): Launcher {
    const { rank, rundir, environment = () => ({}) } = this.options;
    const { clock, spawner } = this.ports;
    return new Launcher({
      rank,
      clock,
      spawner,
      uri: `local://${rundir}/local-${rank}`,
      bin: `${rundir}/bin`,
      environment,
      backlog: (sender) => this.router.backlog(sender),
      log: (level, text) => this.log(level, text, "exec"),
    });
  }

  #openHandle(): Handle {
    const { userid, rank } = this.options;
    const owner = { id: this.uuid, userid, rolemask: Role.owner | Role.local };
    const fault = (topic: string, error: unknown) =>
      this.log("err", `${topic}: ${error instanceof Error ? error.stack : error}`);
    const channel = guarded(endpointChannel(this.router, owner), fault);
    return new Handle(channel, { clock: this.ports.clock, rank, fault });
  }

  async #serve(): Promise<void> {
    this.router.alias(olderEvent);
    const keepalive = this.#keepalive = new Keepalive(this.ports.clock, this.options.heartrate, this);
    this.heartbeat.follow(() => {
      this.modules.beat();
      keepalive.beat();
    });
    this.tree.report(statusNumber(this.health.status));
    await this.handle.serve(nativeServices(this));
    await this.handle.listen(RETURNING, (event) => this.returns.heard(event));
    await this.handle.listen(PULSE, (event) => this.heartbeat.heard(event));
    await followStatsEvents(this.handle, this.router, this.uuid);
  }

  #onChange: (() => void) | undefined;
  #keepalive: Keepalive | undefined;

  #publish(event: Message): void {
    if (this.options.rank === 0) this.events.publish(event);
    else this.tree.publish(event);
  }

  #childChanged(child: Child, change: ChildChange, reason: string): void {
    const { rank, hostname, status } = child;
    this.groups.childChanged(child.uuid, change === "left" || change === "moved" || change === "lost");
    if (change === "lost") this.log("err", `rank ${rank} (${hostname}) is lost: ${reason}`, "overlay");
    this.health.report({ rank, change, status, reason });
    this.tree.report(statusNumber(this.health.status));
    this.guard.tell({ event: "child", rank, hostname, change, reason });
    this.#onChange?.();
  }

  #parentJoined(): void {
    const { rank, hostname } = this.tree.parent!;
    this.#parentRank = rank;
    this.groups.parentJoined();
    const card = this.reparent.parent;
    if (card) this.kin.parentJoined(card);
    this.guard.tell({ event: "parent", rank, hostname });
  }

  #parentRank = -1;

  #parentLost(reason: string): void {
    if (this.#stopping) return;
    if (this.guard.isOn) {
      this.log("err", `lost connection to parent: ${reason}`, "overlay");
      return this.guard.tell({ event: "orphan", rank: this.#parentRank, reason });
    }
    this.log("crit", `lost connection to parent: ${reason}`, "overlay");
    void this.shutdown(1, "lost connection to parent");
  }

  /** A broker without events is of no use: with their link ends the one to the parent. */
  #eventsLost(reason: string): void {
    this.log("debug", `event link: ${reason}`, "overlay");
    if (!this.#stopping && !this.reparent.isBusy && this.tree.parent) this.tree.disconnectParent(reason);
  }

  #unguarded(): void {
    if (this.#stopping || this.tree.parent || this.options.rank === 0) return;
    this.log("crit", "there is no parent, and nobody looks for one any more", "overlay");
    void this.shutdown(1, "lost connection to parent");
  }

  #openKin(): Kin {
    return new Kin({
      clock: this.ports.clock,
      card: () => this.card,
      parent: () => this.tree.parent,
      children: () => this.tree.children,
      admit: (key, rank) => this.#admit(key, rank),
      rpc: (topic, payload, to) => this.handle.rpc(topic, payload, to),
      post: (topic, payload, to) => this.handle.post(topic, payload, to),
    });
  }

  #admit(key: string, rank: number): void {
    try {
      this.keyring.admit(key, rank);
    } catch (error) {
      if (!(error instanceof FluxError)) throw error;
      this.log("err", error.message, "overlay");
    }
  }

  async #shutdown(exitCode: number, reason: string): Promise<void> {
    this.#exitCode = exitCode;
    this.#ending.resolve({ status: exitCode, reason });
    this.log("info", `shutdown: ${reason}`);
    this.heartbeat.stop();
    this.machine.enter("cleanup");
    this.machine.enter("shutdown");
    this.guard.close();
    // Tasks have a share of the time that children have, so that neither a parent nor flux start takes us for stuck.
    await Promise.all([
      this.launcher.shutdown(this.options.grace * TASK_SHARE),
      childrenLeft(this, (changed) => this.#onChange = changed),
    ]);
    this.machine.enter("finalize");
    // Not ENOSYS: who still waits for a module would look for one that is not loaded.
    await this.modules.removeAll(new FluxError("ECONNRESET", `lost connection: ${reason}`));
    this.machine.enter("goodbye");
    this.logs.flush();
    await this.tree.leave();
    this.machine.enter("unload-builtins");
    this.#keepalive?.close();
    this.kin.close();
    this.tree.close();
    this.events.close();
    this.ring.close();
    this.groups.close();
    this.handle.close();
    await this.ports.transport.close(100);
    this.logs.close();
    this.machine.enter("exit");
    this.#exit.resolve(this.#exitCode);
  }

  /** Ranks that are ready to run, or run; all of them are known at rank 0 only. */
  get online(): Idset {
    return this.groups.members(ONLINE);
  }
}
