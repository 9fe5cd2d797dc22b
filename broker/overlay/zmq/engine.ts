import { type Clock, type Random } from "../../ports/mod.ts";
import { Poller } from "./poller.ts";
import { Context } from "./socket.ts";
import { Admission } from "./admission.ts";

/** A listener or a link: something with sockets that takes its time to close. */
export interface Party {
  /** Begins to close: delivers what was sent, reports nothing any more. */
  close(): void;
  /** Frees its sockets now. */
  destroy(): void;
}

/** What the listeners and links of one transport share. Made at the first listen or dial. */
export class Engine {
  readonly clock: Clock;
  readonly random: Random;
  readonly context = new Context();
  readonly poller: Poller;
  readonly #parties = new Set<Party>();
  #admission: Admission | null = null;
  #onEmpty: (() => void) | null = null;

  constructor(clock: Clock, random: Random) {
    this.clock = clock;
    this.poller = new Poller(clock);
    this.random = random;
  }

  /** Decides about keys for all listeners that have some. */
  get admission(): Admission {
    return this.#admission ??= new Admission(this.context, this.poller);
  }

  join(party: Party): void {
    this.#parties.add(party);
  }

  leave(party: Party): void {
    this.#parties.delete(party);
    if (this.#parties.size === 0) this.#onEmpty?.();
  }

  /** Closes everything, waits at most `lingerMs` for what was sent, frees the rest. */
  async close(lingerMs: number): Promise<void> {
    for (const party of [...this.#parties]) party.close();
    await this.#empty(lingerMs);
    for (const party of [...this.#parties]) party.destroy();
    this.#admission?.close();
    await this.poller.ended();
    await this.context.terminate();
  }

  #empty(limitMs: number): Promise<void> {
    if (this.#parties.size === 0) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = this.clock.after(limitMs, resolve);
      this.#onEmpty = () => {
        timer.cancel();
        resolve();
      };
    });
  }
}
