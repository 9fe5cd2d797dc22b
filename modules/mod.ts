/** The built-in modules: name, whether a session has it by default, and where its code is. One line a module. */

import type { Module } from "../broker/handle/mod.ts";

export interface BuiltinModule {
  /** Loaded at start unless excluded. */
  readonly byDefault: boolean;
  /** Modules that must run before this one. */
  readonly needs?: readonly string[];
  load(): Promise<{ default: Module }>;
}

export const builtinModules: Readonly<Record<string, BuiltinModule>> = {
  api: { byDefault: true, load: () => import("./api/service.ts") },
  mecho: { byDefault: true, load: () => import("./mecho/service.ts") },
};
