/**
 * The way up from one broker: its parent, those above, and the pulse of rank 0. Finds another parent when this one is gone
 * or silent, and ends the broker when rank 0 has been out of reach for too long.
 */

import { FluxError, type JsonObject } from "../../broker/message/mod.ts";
import type { Handle } from "../../broker/handle/mod.ts";
import { type Clock, type Random, sleep } from "../../broker/ports/mod.ts";
import { Failover, outcomeOf, PATIENCE } from "./failover.ts";
import { call } from "./flock.ts";
import type { Settings } from "./settings.ts";
import { LiveState, Vigil } from "./vigil.ts";

/** A parent whose `live` does not answer yet is greeted again after this long, ms. */
const RETRY = 50;

export interface LifelineOptions {
  readonly rank: number;
  readonly host: string;
  readonly handle: Handle;
  readonly clock: Clock;
  readonly random: Random;
  readonly settings: () => Settings;
  /** The parent has taken note of us. */
  greeted(parent: number, answer: JsonObject): void;
  /** There is no parent any more. */
  orphaned(): void;
  log(level: "err" | "warning" | "info", text: string): void;
}

export class Lifeline {
  readonly #options: LifelineOptions;
  readonly #born: number;
  readonly #vigil = new Vigil();
  readonly #closed = new AbortController();
  #parent: number | undefined;
  #ancestors: readonly number[] = [];
  /** How many parents there have been. */
  #move = 0;
  /** Ticks since rank 0 was last heard. */
  #silence = 0;
  #isAdrift = false;
  /** The parent was left because it was silent. */
  #wasSilent = false;
  #isProbing = false;
  #firstGreeting = Promise.withResolvers<void>();

  constructor(options: LifelineOptions) {
    this.#options = options;
    this.#born = Math.floor(options.clock.wall());
  }

  /** Resolves when a parent has taken note of us for the first time. */
  get greeted(): Promise<void> {
    return this.#firstGreeting.promise;
  }

  /** A parent was joined; the former one, if there is one still, was left for it. */
  joined(rank: number): void {
    if (this.#parent !== undefined) {
      this.#vigil.remove(this.#parent);
      this.#options.orphaned();
    }
    this.#parent = rank;
    this.#move++;
    this.#wasSilent = false;
    this.#vigil.add(rank);
    void this.#greet(rank, this.#move);
  }

  /** The parent is lost. */
  lost(rank: number): void {
    this.#parent = undefined;
    this.#vigil.remove(rank);
    this.#options.orphaned();
    void this.#seek(this.#move);
  }

  /**
   * A tick has passed, with the pulse of rank 0 or without; `seen` tells when the parent was last heard, `ancestors` who is
   * above, the parent first.
   */
  tick(isPulse: boolean, seen: number | undefined, ancestors: readonly number[]): void {
    const { handle, log, settings } = this.#options;
    const { slowIdle, maxIdle, maxCutoff } = settings();
    this.#ancestors = ancestors;
    this.#silence = isPulse ? 0 : this.#silence + 1;
    if (isPulse && this.#isAdrift) {
      this.#isAdrift = false;
      log("info", "rank 0 is heard again");
      call(handle, "overlay.adrift", {});
    }
    if (this.#silence > maxCutoff) {
      const reason = `rank 0 has not been heard for ${maxCutoff} heartbeats: this rank is cut off, and ends`;
      return call(handle, "overlay.give-up", { reason });
    }
    if (this.#silence > maxIdle && !this.#isAdrift) {
      this.#isAdrift = true;
      const reason = `rank ${this.#options.rank} has not heard of rank 0 for ${maxIdle} heartbeats`;
      log("warning", reason);
      call(handle, "overlay.adrift", { reason });
    }
    const parent = this.#parent;
    if (parent === undefined) return;
    const heard = new Map(seen === undefined ? [] : [[parent, seen]]);
    for (const { state, idle } of this.#vigil.tick(heard, settings())) {
      if (state !== LiveState.fail) continue;
      this.#wasSilent = true;
      call(handle, "overlay.disconnect-parent", { reason: `rank ${parent} was silent for ${idle} heartbeats` });
      return;
    }
    const late = this.#silence - slowIdle - maxIdle;
    if (late > 0 && late % maxIdle === 1) void this.#probe();
  }

  close(): void {
    this.#closed.abort(new FluxError("ECANCELED"));
  }

  /** Tells the parent that we are its child, until it has taken note or is no longer the parent. */
  async #greet(rank: number, move: number): Promise<void> {
    const { handle, clock, host, rank: own, greeted } = this.#options;
    const isCurrent = () => this.#parent === rank && this.#move === move;
    for (let wait = RETRY; isCurrent(); wait = Math.min(wait * 2, 2000)) {
      try {
        const answer = await handle.rpc("live.hello", { rank: own, host, born: this.#born, move }, { rank });
        if (isCurrent()) greeted(rank, answer);
        return this.#firstGreeting.resolve();
      } catch (error) {
        if (!(error instanceof FluxError)) throw error;
      }
      try {
        await sleep(clock, wait, this.#closed.signal);
      } catch {
        return;
      }
    }
  }

  /** Looks for another parent until there is one, or there is none to be had. */
  async #seek(move: number): Promise<void> {
    const { handle, clock, random, log } = this.#options;
    const isOrphan = () => this.#parent === undefined && this.#move === move && !this.#closed.signal.aborted;
    await this.#look();
    const failover = new Failover(this.#ancestors, this.#wasSilent, () => random.float());
    while (isOrphan()) {
      const step = failover.next(this.#ancestors);
      switch (step.kind) {
        case "end":
          return call(handle, "overlay.give-up", { reason: step.reason });
        case "wait":
          await sleep(clock, step.ms, this.#closed.signal).catch(() => {});
          break;
        case "dial":
          try {
            await handle.rpc("overlay.failover", { rank: step.rank, patience: step.patience });
            return;
          } catch (error) {
            if (!(error instanceof FluxError)) throw error;
            log("info", `rank ${step.rank} is no parent: ${error.message}`);
            failover.failed(outcomeOf(error.code));
          }
      }
    }
  }

  /** The parent is there, but the pulse has not come through it for long: looks whether another ancestor has it. */
  async #probe(): Promise<void> {
    if (this.#isProbing) return;
    this.#isProbing = true;
    try {
      for (const rank of this.#ancestors.slice(1)) {
        if (this.#silence === 0 || this.#parent === undefined || this.#closed.signal.aborted) return;
        try {
          await this.#options.handle.rpc("overlay.failover", { rank, patience: PATIENCE });
          return;
        } catch (error) {
          if (!(error instanceof FluxError)) throw error;
        }
      }
    } finally {
      this.#isProbing = false;
    }
  }

  async #look(): Promise<void> {
    const { ancestors } = await this.#options.handle.rpc<{ ancestors: { rank: number }[] }>("overlay.links");
    this.#ancestors = ancestors.map(({ rank }) => rank);
  }
}
