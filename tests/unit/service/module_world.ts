/** A simulated broker, and modules made on the spot to load into it. */

import type { Module } from "../../../broker/handle/mod.ts";
import type { ModuleSource } from "../../../broker/service/module_source.ts";
import { type SimSession, simSession } from "../../sim/session.ts";

export function sourceOf(module: Module, needs: string[] = []): ModuleSource {
  return { module, path: "builtin", size: 0, digest: "0".repeat(40), needs };
}

/** A module without content. */
export const plain = (name: string, services: string[] = []): Module => ({ name, services, start() {} });

export interface ModuleWorld {
  readonly session: SimSession;
  load(module: Module, needs?: string[]): Promise<void>;
  remove(name: string): Promise<void>;
  rpc<T = Record<string, unknown>>(topic: string, payload?: object): Promise<T>;
  errors(): string[];
}

export async function moduleWorld(): Promise<ModuleWorld> {
  const session = await simSession({ size: 1 });
  const { modules } = session.brokers[0]!;
  const client = session.handle(0);
  return {
    session,
    load: (module, needs) => session.settle(modules.load(sourceOf(module, needs))),
    remove: (name) => session.settle(modules.remove(name)),
    rpc: <T>(topic: string, payload?: object) => session.settle(client.rpc<T>(topic, payload)),
    errors: () => session.log.filter(({ level }) => level === "err").map(({ source, text }) => `${source}: ${text}`),
  };
}
