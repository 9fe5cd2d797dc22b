/** One module in a broker, from the moment its name is taken until it is gone. */

import { FluxError, Role } from "../message/mod.ts";
import {
  type Channel,
  type Event,
  Handle,
  type HandleOptions,
  type Methods,
  type ModulePorts,
  type Running,
} from "../handle/mod.ts";
import type { Rusage, Who } from "../ports/mod.ts";
import { Counters, endpointChannel, type Router } from "../router/mod.ts";
import { type Fault, ModuleDoors, ModuleGate } from "./module_gate.ts";
import type { ModuleSource } from "./module_source.ts";
import { clearsStats, standardMethods, type Subject } from "./standard_methods.ts";

/** As `module.list` tells it (wire.md §3.5). */
export const ModuleStatus = { init: 0, running: 1, finalizing: 2, exited: 3 } as const;
export type ModuleStatus = (typeof ModuleStatus)[keyof typeof ModuleStatus];

/** A module's handle: what it serves under its own name is served under the name it was loaded under. */
class ModuleHandle extends Handle {
  readonly #own: string;
  readonly #given: string;

  constructor(channel: Channel, own: string, given: string, options: HandleOptions) {
    super(channel, options);
    this.#own = own;
    this.#given = given;
  }

  override serve(methods: Methods): Promise<void> {
    if (this.#own === this.#given) return super.serve(methods);
    const isOwn = (topic: string) => topic === this.#own || topic.startsWith(`${this.#own}.`);
    const rename = (topic: string) => isOwn(topic) ? this.#given + topic.slice(this.#own.length) : topic;
    return super.serve(Object.fromEntries(Object.entries(methods).map(([topic, method]) => [rename(topic), method])));
  }
}

/** What a module is loaded into. */
export interface Surroundings {
  readonly router: Router;
  readonly userid: number;
  readonly ports: Omit<ModulePorts, "log" | "attach" | "backlog">;
  log(level: Parameters<ModulePorts["log"]>[0], text: string): void;
  rusage(who: Who): Rusage;
  fault: Fault;
  /** The module was asked to end by a request of its own. */
  shutdown(): void;
}

export class LoadedModule implements Subject {
  readonly name: string;
  readonly source: ModuleSource;
  readonly id: string;
  readonly handle: Handle;
  status: ModuleStatus = ModuleStatus.init;
  /** Heartbeats since it last sent something. */
  idle = 0;
  flags = 0;
  /** The end of it, once that has begun. */
  removal: Promise<void> | undefined;
  readonly #surroundings: Surroundings;
  readonly #gate: ModuleGate;
  readonly #doors: ModuleDoors;
  /** Messages sent when idle time was last looked at. */
  #sent = 0;
  /** Rejects when the start is given up. */
  readonly #cut = Promise.withResolvers<never>();
  #running: Running | void = undefined;

  constructor(name: string, source: ModuleSource, surroundings: Surroundings) {
    this.name = name;
    this.source = source;
    this.#surroundings = surroundings;
    const { router, userid, ports, log, fault } = surroundings;
    this.id = ports.random.uuid();
    const owner = { id: this.id, userid, rolemask: Role.owner | Role.local };
    this.#gate = new ModuleGate(endpointChannel(router, owner), fault);
    // A listener that refuses what it was told is no mistake of the module.
    const heard: Fault = (where, error) =>
      error instanceof FluxError ? log("warning", `${where}: ${error.message}`) : fault(where, error);
    this.handle = new ModuleHandle(this.#gate, source.module.name, name, {
      clock: ports.clock,
      rank: ports.rank,
      fault: heard,
    });
    const backlog = (sender: string) => router.backlog(sender);
    this.#doors = new ModuleDoors({ ...ports, attach: (owner) => endpointChannel(router, owner), backlog, log }, fault);
    this.#cut.promise.catch(() => {});
  }

  get rank(): number {
    return this.#surroundings.ports.rank;
  }

  /** Names it answers to on this broker. */
  get services(): string[] {
    return this.#surroundings.router.services.of(this.id);
  }

  /** Messages that are held back from it. Otherwise one is handed over by a call, and none ever waits. */
  get waiting(): number {
    return this.#gate.waiting;
  }

  counters(): Counters {
    return this.#surroundings.router.counters(this.id) ?? new Counters();
  }

  rusage(who: Who): Rusage {
    return this.#surroundings.rusage(who);
  }

  call(topic: string): Promise<unknown> {
    return this.handle.rpc(topic, undefined, { rank: this.rank });
  }

  shutdown(): void {
    this.#surroundings.shutdown();
  }

  /** Holds messages back from it, or lets them through again. */
  hold(held: boolean): void {
    this.#gate.hold(held);
  }

  /** Starts it. Throws what its `start` throws, or what `cut` was given. */
  async start(args: readonly string[]): Promise<void> {
    const { module } = this.source;
    const names = new Set([this.name, ...module.services ?? []]);
    for (const service of names) {
      await this.handle.serve(standardMethods(service, this));
      await this.handle.listen(`${service}.stats`, (event) => this.#statsEvent(service, event));
    }
    const context = { name: this.name, handle: this.handle, args, ports: this.#doors.ports, FluxError };
    const starting = (async () => this.#running = await module.start(context))();
    // One that starts after it was given up is stopped at once.
    starting.then(() => this.status === ModuleStatus.exited ? this.stop(serviceGone()) : undefined).catch(() => {});
    await Promise.race([starting, this.#cut.promise]);
    this.status = ModuleStatus.running;
  }

  /** Gives the start up. */
  cut(reason: FluxError): void {
    this.#cut.reject(reason);
  }

  /** Lets the module end itself, for the reason `gone`. Throws what its `stop` throws. */
  async stop(gone: FluxError): Promise<void> {
    const running = this.#running;
    this.#running = undefined;
    await running?.stop?.(gone);
  }

  /** Drops what it had: its services, subscriptions, timers and channels; its open requests are answered `gone`, ENOSYS unless given. */
  drop(gone?: FluxError): void {
    this.status = ModuleStatus.exited;
    this.#gate.hold(false);
    this.handle.close(gone);
    this.#doors.close();
  }

  /** Counts a heartbeat: idle is who has sent nothing since the last. */
  beat(): void {
    const { request, response, event, control } = this.counters().tx;
    const sent = request + response + event + control;
    this.idle = sent === this.#sent ? this.idle + 1 : 0;
    this.#sent = sent;
  }

  #statsEvent(service: string, event: Event): void {
    if (clearsStats(service, event.topic)) this.handle.post(`${service}.stats-clear`, undefined, { rank: this.rank });
  }
}

/** What is answered to the open requests of a module that was removed. */
export function serviceGone(): FluxError {
  return new FluxError("ENOSYS", "service is gone");
}
