/** The services every broker has by itself, and what they are given of it. One line a service. */

import type { Message } from "../message/mod.ts";
import type { Handle, LogLevel, Methods } from "../handle/mod.ts";
import type { Events, Ring, Topology, Tree } from "../overlay/mod.ts";
import type { Clock, Random, Spawner } from "../ports/mod.ts";
import type { Router } from "../router/mod.ts";
import { attrService } from "./attr.ts";
import type { Attributes } from "./attributes.ts";
import type { ModuleHost } from "./module_host.ts";
import { pingMethod } from "./ping.ts";
import type { StateMachine } from "./state_machine.ts";
import { stateService } from "./state_service.ts";

/** The parts of one broker that native services may use. The Broker itself is one. */
export interface BrokerParts {
  readonly options: {
    readonly rank: number;
    readonly size: number;
    readonly arity: number;
    readonly userid: number;
    readonly hostname: string;
    readonly version: string;
    readonly heartrate: number;
    readonly grace: number;
  };
  readonly ports: { readonly clock: Clock; readonly random: Random; readonly spawner: Spawner };
  readonly uuid: string;
  readonly topology: Topology;
  readonly router: Router;
  readonly tree: Tree;
  readonly events: Events;
  readonly ring: Ring;
  readonly attributes: Attributes;
  readonly machine: StateMachine;
  readonly modules: ModuleHost;
  /** The handle all native services share; its route id is the broker's. */
  readonly handle: Handle;
  log(level: LogLevel, text: string, source?: string): void;
  loadModule(name: string, args: readonly string[]): Promise<void>;
  shutdown(exitCode: number, reason: string): Promise<void>;
  sendByRing(request: Message): void;
}

export function nativeServices(broker: BrokerParts): Methods {
  return {
    "broker.ping": pingMethod(broker.uuid, broker.options.rank),
    ...attrService(broker.attributes),
    ...stateService(broker.machine),
  };
}
