/**
 * The modules of one broker: starts them, each with a handle of its own, and ends them (wire.md §3.5).
 *
 * Invariants: a name is taken from the first step of a load to the last of a removal. A module that throws where nobody
 * catches it is unloaded, and the broker goes on. Every wait for a module has a deadline.
 */

import { FluxError, isErrno } from "../message/mod.ts";
import type { ModulePorts } from "../handle/mod.ts";
import type { Rusage, Who } from "../ports/mod.ts";
import type { Router } from "../router/mod.ts";
import { deadline } from "./deadline.ts";
import { LoadedModule, ModuleStatus, serviceGone } from "./loaded_module.ts";
import type { Log } from "./log.ts";
import { type ModuleSource, moduleUrl } from "./module_source.ts";

/** A module has this long to start, ms. */
const START = 60_000;
/** The code of a file has this long to be imported, ms: one that waits for something at its top level may never be. */
const IMPORT = 30_000;
/** And this long to stop. */
const STOP = 10_000;

export interface ModuleHostOptions {
  readonly router: Router;
  readonly userid: number;
  readonly ports: Omit<ModulePorts, "log" | "attach" | "backlog">;
  readonly log: Log;
  find(word: string): Promise<ModuleSource>;
  rusage(who: Who): Rusage;
}

export interface LoadOptions {
  readonly args?: readonly string[];
  /** The name to load it under instead of its own. */
  readonly name?: string | undefined;
  /** Gives the load up, with its reason. */
  readonly signal?: AbortSignal;
}

export class ModuleHost {
  readonly #options: ModuleHostOptions;
  readonly #loaded = new Map<string, LoadedModule>();

  constructor(options: ModuleHostOptions) {
    this.#options = options;
  }

  get names(): string[] {
    return [...this.#loaded.keys()];
  }

  /** In the order they were loaded in. */
  get all(): LoadedModule[] {
    return [...this.#loaded.values()];
  }

  /** Throws ENOENT. */
  get(name: string): LoadedModule {
    const loaded = this.#loaded.get(name);
    if (!loaded) throw new FluxError("ENOENT");
    return loaded;
  }

  /** The code of a module, by name or path. Throws as `findModule` does, and ETIMEDOUT when its file is not imported in time. */
  async find(word: string, signal?: AbortSignal): Promise<ModuleSource> {
    const { find, ports } = this.#options;
    return await deadline(ports.clock, IMPORT, `${word}: not imported within ${IMPORT / 1000} s`, find(word), signal);
  }

  /** Finds a module and loads it. */
  async loadFrom(word: string, options: LoadOptions = {}): Promise<void> {
    await this.load(await this.find(word, options.signal), options);
  }

  /**
   * Starts a module and resolves when it runs. Throws EEXIST when its name or one of its services is taken, ENOENT when a
   * module that it needs is not there, ETIMEDOUT, ECANCELED, EIO for what a mistake in it throws, and its own refusals.
   */
  async load(source: ModuleSource, { args = [], name = source.module.name, signal }: LoadOptions = {}): Promise<void> {
    if (this.#loaded.has(name)) throw taken();
    const missing = source.needs.find((need) => this.#loaded.get(need)?.status !== ModuleStatus.running);
    if (missing !== undefined) throw new FluxError("ENOENT", `${name}: needs module ${missing}, which is not loaded`);
    const loaded = this.#prepare(name, source);
    this.#loaded.set(name, loaded);
    const late = () => loaded.cut(new FluxError("ETIMEDOUT", `${name}: did not start within ${START / 1000} s`));
    const timer = this.#options.ports.clock.after(START, late);
    const abort = () => loaded.cut(new FluxError("ECANCELED", `${name}: the load was given up by who asked for it`));
    signal?.addEventListener("abort", abort, { once: true });
    try {
      await loaded.start(args);
      this.#options.log("debug", `insmod ${name}`, "broker");
    } catch (error) {
      this.#drop(loaded);
      if (isErrno(error, "EEXIST") && !error.hasText) throw taken();
      if (error instanceof FluxError) throw error;
      this.#options.log("err", `start: ${describe(error)}`, name);
      throw new FluxError("EIO", `${name}: start failed: ${error instanceof Error ? error.message : error}`);
    } finally {
      timer.cancel();
      signal?.removeEventListener("abort", abort);
    }
  }

  /**
   * Stops a module and drops its services and subscriptions; what it has not answered is answered ENOSYS. With `cut` it is
   * not waited for. Throws ENOENT.
   */
  async remove(name: string, cut = false): Promise<void> {
    const loaded = this.get(name);
    await (loaded.removal ??= this.#remove(loaded, cut));
  }

  /** Stops all, the last loaded first; `gone` is answered to what is open then, ENOSYS unless given. */
  async removeAll(gone?: FluxError): Promise<void> {
    for (const loaded of this.all.reverse()) await (loaded.removal ??= this.#remove(loaded, false, gone));
  }

  /** Counts a heartbeat. */
  beat(): void {
    for (const loaded of this.#loaded.values()) loaded.beat();
  }

  /** Unloads the module from whose code an error came that nobody caught; false when it came from none. */
  blame(error: unknown): boolean {
    const stack = error instanceof Error ? error.stack ?? "" : "";
    const guilty = this.all.find(({ name, source: { path } }) =>
      stack.includes(path.startsWith("/") ? moduleUrl(path) : `/modules/${name}/`)
    );
    if (!guilty) return false;
    this.#fault(guilty, "an unhandled rejection", error);
    return true;
  }

  #prepare(name: string, source: ModuleSource): LoadedModule {
    const { router, userid, ports, log, rusage } = this.#options;
    const loaded: LoadedModule = new LoadedModule(name, source, {
      router,
      userid,
      ports,
      rusage,
      log: (level, text) => log(level, text, name),
      fault: (where, error) => this.#fault(loaded, where, error),
      shutdown: () => void (loaded.removal ??= this.#remove(loaded, false)),
    });
    return loaded;
  }

  async #remove(loaded: LoadedModule, cut: boolean, gone = serviceGone()): Promise<void> {
    const { name } = loaded;
    if (loaded.status === ModuleStatus.init) {
      loaded.cut(new FluxError("ECANCELED", `${name}: removed while it started`));
    }
    loaded.status = ModuleStatus.finalizing;
    const { promise: expired, resolve } = Promise.withResolvers<string>();
    const timer = this.#options.ports.clock.after(
      cut ? 0 : STOP,
      () => resolve(`did not stop within ${STOP / 1000} s`),
    );
    const stopping = loaded.stop(gone).then(() => undefined, (error) => `stop: ${describe(error)}`);
    const problem = await Promise.race([stopping, expired]);
    timer.cancel();
    if (problem && !cut) this.#options.log("err", problem, name);
    this.#drop(loaded, gone);
    this.#options.log("debug", `rmmod ${name}`, "broker");
  }

  #drop(loaded: LoadedModule, gone?: FluxError): void {
    if (this.#loaded.get(loaded.name) === loaded) this.#loaded.delete(loaded.name);
    loaded.drop(gone);
  }

  #fault(loaded: LoadedModule, where: string, error: unknown): void {
    this.#options.log("err", `${where}: ${describe(error)}`, loaded.name);
    if (loaded.removal || loaded.status === ModuleStatus.exited) return;
    this.#options.log("err", `module ${loaded.name} is unloaded, since it threw in ${where}`, "broker");
    if (loaded.status === ModuleStatus.init) {
      return loaded.cut(new FluxError("EIO", `${loaded.name}: threw in ${where}`));
    }
    loaded.removal = this.#remove(loaded, false);
  }
}

/** 0.88 says it in words. */
function taken(): FluxError {
  return new FluxError("EEXIST", "File exists");
}

function describe(error: unknown): string {
  return error instanceof Error ? error.stack ?? error.message : String(error);
}
