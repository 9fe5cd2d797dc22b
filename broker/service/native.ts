/** The services every broker has by itself, and what they are given of it. One line a service. */

import { type Card, isErrno, type JsonObject, type Message } from "../message/mod.ts";
import type { Handle, LogLevel, Methods } from "../handle/mod.ts";
import type { Events, Ring, Topology, Tree } from "../overlay/mod.ts";
import type { Clock, Random, Spawner } from "../ports/mod.ts";
import type { Router } from "../router/mod.ts";
import { attrService } from "./attr.ts";
import type { Attributes } from "./attributes.ts";
import type { BrokerOptions } from "./broker_options.ts";
import { brokerService } from "./broker_service.ts";
import { cmbAttrService } from "./cmb/attr.ts";
import { cmbExecService } from "./cmb/exec.ts";
import { cmbSeqService } from "./cmb/seq.ts";
import { configService } from "./config_service.ts";
import { eventService } from "./event_service.ts";
import type { Launcher } from "./exec/launcher.ts";
import { execStreams } from "./exec/multicast.ts";
import { execService } from "./exec/service.ts";
import type { GroupsService } from "./groups_service.ts";
import type { Guard } from "./guard.ts";
import type { Heartbeat } from "./heartbeat.ts";
import type { Keyring } from "./keyring.ts";
import type { Kin } from "./kin.ts";
import type { ModuleHost } from "./module_host.ts";
import type { Health } from "./health.ts";
import { inspectionServices } from "./inspection.ts";
import type { Reparent } from "./reparent.ts";
import type { Returns } from "./returns.ts";
import { logMethods } from "./log_methods.ts";
import type { LogService } from "./log_service.ts";
import { memoryService } from "./memory.ts";
import { mrpcService } from "./mrpc.ts";
import { pingMethod } from "./ping.ts";
import type { StateMachine } from "./state_machine.ts";
import { shutdownService } from "./shutdown_service.ts";
import { stateService } from "./state_service.ts";

/** The parts of one broker that native services may use. The Broker itself is one. */
export interface BrokerParts {
  readonly options: BrokerOptions;
  readonly ports: { readonly clock: Clock; readonly random: Random; readonly spawner: Spawner };
  readonly uuid: string;
  readonly topology: Topology;
  readonly router: Router;
  readonly tree: Tree;
  readonly events: Events;
  readonly ring: Ring;
  readonly attributes: Attributes;
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
  /** Why this broker takes in no orphans: it has not heard of rank 0 for long. Undefined while it has. */
  adrift: string | undefined;
  readonly card: Card;
  /** The names of all ranks' hosts. */
  readonly hosts: readonly string[];
  readonly keyring: Keyring;
  readonly logs: LogService;
  /** The handle all native services share; its route id is the broker's. */
  readonly handle: Handle;
  log(level: LogLevel, text: string, source?: string): void;
  loadModule(name: string, args: readonly string[]): Promise<void>;
  shutdown(exitCode: number, reason: string): Promise<void>;
  /** Sends a request of an endpoint around the ring. */
  sendByRing(request: Message, id: string): void;
}

/** Services whose name may be pinged: the broker, what 0.88 has as modules, what the 0.1.0 tools call it. */
const PINGED = ["broker", "cmb", "config", "groups", "heartbeat", "overlay", "rexec"];

export function nativeServices(broker: BrokerParts): Methods {
  const { rank } = broker.options;
  const ping = pingMethod(broker.uuid, rank);
  return {
    ...Object.fromEntries(PINGED.map((service) => [`${service}.ping`, ping])),
    ...attrService(broker.attributes),
    ...brokerService(broker.attributes, Deno.env),
    ...memoryService(),
    ...configService((config) => reloadModules(broker, config), broker.options.config),
    ...execService(broker.launcher),
    ...eventService(rank, (event) => broker.events.publish(event)),
    ...broker.groups.methods,
    ...broker.heartbeat.methods,
    ...cmbAttrService(broker.attributes),
    ...cmbExecService(broker.launcher),
    ...cmbSeqService(rank, (topic, payload, to) => broker.handle.rpc(topic, payload, to)),
    ...shutdownService(broker),
    ...stateService(broker.machine),
    ...logMethods(broker.logs, (id) => broker.router.backlog(id)),
    ...mrpcService(broker, execStreams(broker.launcher)),
    ...inspectionServices(broker),
  };
}

/** Tells every module that wants to know of a new configuration. Throws what the first of them says against it. */
async function reloadModules({ handle, modules }: BrokerParts, config: JsonObject): Promise<void> {
  await Promise.all(modules.names.map(async (name) => {
    try {
      await handle.rpc(`${name}.config-reload`, config);
    } catch (error) {
      if (!isErrno(error, "ENOSYS")) throw error;
    }
  }));
}
