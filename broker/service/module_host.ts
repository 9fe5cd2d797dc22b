/** The module loader of one broker: starts modules, each with its own handle, and stops them (wire.md §3.5). */

import { FluxError, Role } from "../message/mod.ts";
import { Handle, type Methods, type Module, type ModulePorts, type Running } from "../handle/mod.ts";
import { endpointChannel, type Router } from "../router/mod.ts";
import type { Log } from "./log.ts";
import { pingMethod } from "./ping.ts";

export interface ModuleHostOptions {
  readonly router: Router;
  readonly userid: number;
  readonly ports: Omit<ModulePorts, "log" | "attach">;
  readonly log: Log;
}

interface Loaded {
  module: Module;
  id: string;
  handle: Handle;
  running: Running | void;
}

export class ModuleHost {
  readonly #options: ModuleHostOptions;
  readonly #loaded = new Map<string, Loaded>();

  constructor(options: ModuleHostOptions) {
    this.#options = options;
  }

  get names(): string[] {
    return [...this.#loaded.keys()];
  }

  /** Starts a module. Throws EEXIST when its name is taken, and what its `start` throws. */
  async load(module: Module, args: readonly string[]): Promise<void> {
    if (this.#loaded.has(module.name)) throw new FluxError("EEXIST");
    const { router, userid, log } = this.#options;
    const id = this.#options.ports.random.uuid();
    const { clock, rank } = this.#options.ports;
    const rolemask = Role.owner | Role.local;
    const handle = new Handle(endpointChannel(router, { id, userid, rolemask }), {
      clock,
      rank,
      fault: (topic, error) => log("err", `${topic}: ${String(error)}`, module.name),
    });
    const loaded: Loaded = { module, id, handle, running: undefined };
    this.#loaded.set(module.name, loaded);
    try {
      await handle.serve(this.#standardMethods(loaded));
      loaded.running = await module.start({ handle, args, ports: this.#ports(module.name) });
      log("debug", `insmod ${module.name}`, "broker");
    } catch (error) {
      this.#loaded.delete(module.name);
      handle.close();
      throw error;
    }
  }

  /** Stops a module and drops its services and subscriptions. Throws ENOENT. */
  async remove(name: string): Promise<void> {
    const loaded = this.#loaded.get(name);
    if (!loaded) throw new FluxError("ENOENT");
    this.#loaded.delete(name);
    await loaded.running?.stop?.();
    loaded.handle.close();
    this.#options.log("debug", `rmmod ${name}`, "broker");
  }

  /** Stops all, the last loaded first. */
  async removeAll(): Promise<void> {
    for (const name of this.names.reverse()) await this.remove(name);
  }

  #standardMethods({ module, id }: Loaded): Methods {
    const methods: Record<string, Methods[string]> = {};
    for (const service of [module.name, ...module.services ?? []]) {
      methods[`${service}.ping`] = pingMethod(id, this.#options.ports.rank);
    }
    return methods;
  }

  #ports(name: string): ModulePorts {
    const { router, log, ports } = this.#options;
    return {
      ...ports,
      attach: (owner) => endpointChannel(router, owner),
      log: (level, text) => log(level, text, name),
    };
  }
}
