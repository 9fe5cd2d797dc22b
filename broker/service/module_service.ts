/** `module.*`: loading, removing and listing modules by request (wire.md §3.5). */

import {
  booleanField,
  integerField,
  type Methods,
  optionalString,
  type Request,
  stringField,
  stringsField,
  user,
} from "../handle/mod.ts";
import { type LoadedModule, ModuleStatus } from "./loaded_module.ts";
import type { ModuleHost } from "./module_host.ts";

export function moduleService(host: ModuleHost): Methods {
  return {
    "module.list": user(() => ({ mods: host.all.map(listed) })),
    "module.load": (request) => loadModule(host, request),
    "module.remove": async ({ payload }) => {
      await host.remove(stringField(payload, "name"), booleanField(payload, "cancel", false));
    },
    // Modules in processes of their own report their states so; those of this broker are known.
    "module.status": ({ payload }) => void integerField(payload, "status"),
    "module.debug": ({ payload }) => host.get(stringField(payload, "name")).hold(booleanField(payload, "defer", false)),
    "module.info": user(async ({ payload, signal }) => {
      const path = stringField(payload, "path");
      const loaded = host.all.find(({ name, status }) => name === path && status !== ModuleStatus.exited);
      const { module, size, digest, needs, path: file } = loaded?.source ?? await host.find(path, signal);
      const name = loaded?.name ?? module.name;
      const services = [...new Set([name, ...module.services ?? []])];
      return { name, path: file, size, digest, services, needs, loaded: loaded !== undefined };
    }),
  };
}

/** Serves a request to load a module; it is given up when the request is. */
export async function loadModule(host: ModuleHost, { payload, signal }: Request): Promise<void> {
  const args = stringsField(payload, "args", []);
  await host.loadFrom(stringField(payload, "path"), { args, name: optionalString(payload, "name"), signal });
}

function listed(loaded: LoadedModule) {
  const { name, source: { path }, idle, status, services, waiting } = loaded;
  return { name, path, idle, status, services, sendqueue: 0, recvqueue: waiting };
}
