/** The services that load modules, look into a broker and take it apart. */

import type { Handle, Methods } from "../handle/mod.ts";
import { readRusage } from "../ports/mod.ts";
import { Counters, type Router } from "../router/mod.ts";
import { cmbModuleService } from "./cmb/module.ts";
import { cmbOverlayService } from "./cmb/overlay.ts";
import { panicService } from "./cmb/panic.ts";
import { cmbRusageService } from "./cmb/rusage.ts";
import { failoverService } from "./failover_service.ts";
import { moduleService } from "./module_service.ts";
import type { BrokerParts } from "./native.ts";
import { overlayService } from "./overlay_service.ts";
import { restartService } from "./restart_service.ts";
import { ringService } from "./ring_service.ts";
import { clearsStats, standardMethods, type Subject } from "./standard_methods.ts";
import { traceMethods } from "./trace.ts";

/** The broker answers what modules answer, under this name. */
const BROKER = "broker";

export function inspectionServices(broker: BrokerParts): Methods {
  const { modules, router, tree, ports: { clock } } = broker;
  return {
    ...standardMethods(BROKER, brokerSubject(broker)),
    ...moduleService(modules),
    ...overlayService(broker),
    ...broker.reparent.methods,
    ...broker.kin.methods,
    ...broker.guard.methods,
    ...failoverService(broker),
    ...restartService(broker),
    ...ringService(broker),
    ...traceMethods({
      router,
      clock,
      moduleId: (name) => modules.all.find((module) => module.name === name)?.id,
      parent: () => tree.parent?.rank,
      rankOf: (peer) => [...tree.children, tree.parent].find((link) => link?.id === peer)?.rank ?? -1,
    }),
    ...cmbModuleService(modules),
    ...cmbOverlayService(broker),
    ...cmbRusageService(readRusage),
    ...panicService(),
  };
}

/** Clears the broker's counts at the event that says so. */
export async function followStatsEvents(handle: Handle, router: Router, id: string): Promise<Disposable> {
  return await handle.listen(`${BROKER}.stats`, ({ topic }) => {
    if (clearsStats(BROKER, topic)) router.counters(id)?.clear();
  });
}

function brokerSubject({ uuid, router, handle, options: { rank } }: BrokerParts): Subject {
  return {
    id: uuid,
    rank,
    flags: 0,
    counters: () => router.counters(uuid) ?? new Counters(),
    rusage: readRusage,
    call: (topic) => handle.rpc(topic, undefined, { rank }),
  };
}
