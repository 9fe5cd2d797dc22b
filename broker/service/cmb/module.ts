/** `cmb.insmod`, `cmb.rmmod`, `cmb.lsmod`: modules as the 0.1.0 tools know them (services.md §3). */

import { anyone, type Methods, stringField } from "../../handle/mod.ts";
import type { ModuleHost } from "../module_host.ts";
import { loadModule } from "../module_service.ts";

export function cmbModuleService(host: ModuleHost): Methods {
  return {
    "cmb.insmod": (request) => loadModule(host, request),
    "cmb.rmmod": ({ payload }) => host.remove(stringField(payload, "name")),
    "cmb.lsmod": anyone(() => ({
      mods: host.all.map(({ name, source: { size, digest, path }, idle, status, services }) => ({
        name,
        size,
        digest,
        idle,
        status,
        services,
        path,
      })),
    })),
  };
}
