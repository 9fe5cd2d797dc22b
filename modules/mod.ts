/** The built-in modules: name, whether a session has it by default, and where its code is. One line a module. */

import type { Module } from "../broker/handle/mod.ts";

export interface BuiltinModule {
  /** Loaded at start unless excluded. */
  readonly byDefault: boolean;
  /** Runs at rank 0 only, wherever it is asked for. */
  readonly atRoot?: boolean;
  /** Modules that must run before this one. */
  readonly needs?: readonly string[];
  load(): Promise<{ default: Module }>;
}

export const builtinModules: Readonly<Record<string, BuiltinModule>> = {
  api: { byDefault: true, load: () => import("./api/service.ts") },
  content: { byDefault: true, load: () => import("./content/service.ts") },
  "content-sqlite": {
    byDefault: false,
    atRoot: true,
    needs: ["content"],
    load: () => import("./content-sqlite/service.ts"),
  },
  barrier: { byDefault: true, load: () => import("./barrier/service.ts") },
  kvs: { byDefault: true, needs: ["content"], load: () => import("./kvs/service.ts") },
  live: { byDefault: true, load: () => import("./live/service.ts") },
  modctl: { byDefault: true, load: () => import("./modctl/service.ts") },
  wreck: { byDefault: true, needs: ["kvs"], load: () => import("./wreck/service.ts") },
  bcast: { byDefault: true, load: () => import("./bcast/service.ts") },
  mecho: { byDefault: true, load: () => import("./mecho/service.ts") },
};
