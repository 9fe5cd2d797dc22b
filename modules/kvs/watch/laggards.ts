/** Watches whose client has not taken what was sent: they are called again when it has, a few at a time. */

import type { Clock, Timer } from "../../../broker/ports/mod.ts";

/** No more is sent to a client that has this much coming, bytes. */
const BACKLOG = 256 << 10;
/** Between two looks whether it has taken some of that, ms. */
const PATIENCE = 20;
/** Watches of one client that are called at a look. */
const ROUND = 256;

/** Someone who waits for a client. */
export interface Laggard {
  /** The route id of the client. */
  readonly sender: string;
  resume(): void;
}

export interface LaggardsOptions {
  readonly clock: Clock;
  /** Bytes on their way to a client. */
  backlog(sender: string): number;
}

export class Laggards {
  readonly #options: LaggardsOptions;
  readonly #waiting = new Map<string, Set<Laggard>>();
  #timer: Timer | undefined;

  constructor(options: LaggardsOptions) {
    this.#options = options;
  }

  /** Whether nothing may be sent to this client now. */
  isBehind(sender: string): boolean {
    return this.#options.backlog(sender) > BACKLOG;
  }

  /** Calls its `resume`, once, when its client is no longer behind. */
  add(laggard: Laggard): void {
    const waiting = this.#waiting.get(laggard.sender);
    if (waiting) waiting.add(laggard);
    else this.#waiting.set(laggard.sender, new Set([laggard]));
    this.#timer ??= this.#options.clock.after(PATIENCE, () => this.#look());
  }

  remove(laggard: Laggard): void {
    const waiting = this.#waiting.get(laggard.sender);
    if (waiting?.delete(laggard) && waiting.size === 0) this.#waiting.delete(laggard.sender);
    if (this.#waiting.size > 0) return;
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #look(): void {
    this.#timer = undefined;
    for (const [sender, waiting] of [...this.#waiting]) {
      if (this.isBehind(sender)) continue;
      for (const laggard of [...waiting].slice(0, ROUND)) {
        this.remove(laggard);
        laggard.resume();
      }
    }
    if (this.#waiting.size > 0) this.#timer ??= this.#options.clock.after(PATIENCE, () => this.#look());
  }
}
