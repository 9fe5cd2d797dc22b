/**
 * The states a broker goes through, from start to exit, in one direction (wire.md §3.8, 7.7). Pure: who waits or watches
 * is told by callback.
 */

import { FluxError } from "../message/mod.ts";

export const STATES = [
  "load-builtins",
  "join",
  "config-sync",
  "init",
  "quorum",
  "run",
  "cleanup",
  "shutdown",
  "finalize",
  "goodbye",
  "unload-builtins",
  "exit",
] as const;
export type State = (typeof STATES)[number];

/** The number a state has on the wire. */
export function stateNumber(state: State): number {
  return STATES.indexOf(state);
}

export class StateMachine {
  #state: State = "load-builtins";
  #since: number;
  #hasRun = false;
  readonly #now: () => number;
  readonly #watchers = new Set<(state: State) => void>();

  /** `now` is in milliseconds. */
  constructor(now: () => number) {
    this.#now = now;
    this.#since = now();
  }

  get state(): State {
    return this.#state;
  }

  /** Milliseconds in the present state. */
  get duration(): number {
    return this.#now() - this.#since;
  }

  /** State `run` was not skipped on the way to the end. */
  get hasRun(): boolean {
    return this.#hasRun;
  }

  /** True when `state` is the present one or lies behind. */
  reached(state: State): boolean {
    return stateNumber(this.#state) >= stateNumber(state);
  }

  /** Goes on to a later state; going back or staying is no transition and false. */
  enter(state: State): boolean {
    if (this.reached(state)) return false;
    this.#state = state;
    this.#hasRun ||= state === "run";
    this.#since = this.#now();
    for (const watcher of [...this.#watchers]) watcher(state);
    return true;
  }

  /** Calls `watcher` at each transition until disposed. */
  watch(watcher: (state: State) => void): Disposable {
    this.#watchers.add(watcher);
    return { [Symbol.dispose]: () => this.#watchers.delete(watcher) };
  }

  /** Resolves once `state` is reached. Rejects with the signal's reason. */
  when(state: State, signal?: AbortSignal): Promise<void> {
    if (this.reached(state)) return Promise.resolve();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const watch = this.watch(() => {
      if (this.reached(state)) resolve();
    });
    const abort = () => reject(signal!.reason ?? new FluxError("ECANCELED"));
    signal?.addEventListener("abort", abort, { once: true });
    return promise.finally(() => {
      watch[Symbol.dispose]();
      signal?.removeEventListener("abort", abort);
    });
  }
}
