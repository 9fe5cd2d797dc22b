/** The children of one broker, as `live` watches over them: who greets us is watched, and what becomes of it is reported. */

import { FluxError } from "../../broker/message/mod.ts";
import type { Handle } from "../../broker/handle/mod.ts";
import type { LiveRecord, Register } from "./register.ts";
import type { Settings } from "./settings.ts";
import { LiveState, STATE_NAMES, Vigil } from "./vigil.ts";

export interface FlockOptions {
  readonly rank: number;
  readonly handle: Handle;
  readonly register: Register;
  /** A record of a child that the register has already. */
  tell(record: LiveRecord): void;
  log(level: "warning" | "info", text: string): void;
}

export class Flock {
  readonly #options: FlockOptions;
  readonly #vigil = new Vigil();

  constructor(options: FlockOptions) {
    this.#options = options;
  }

  /** A child says hello; `born` and `move` tell this stay with us from every other. */
  greeted(rank: number, host: string, born: number, move: number): void {
    const { register, rank: parent, tell } = this.#options;
    this.#vigil.add(rank);
    const record = { rank, parent, host, state: LiveState.ok, reason: "", version: [born, move, 0] as const };
    if (register.merge(record)) tell(record);
  }

  /** A tick has passed; `seen` tells when each child was last heard. */
  tick(seen: ReadonlyMap<number, number>, settings: Settings): void {
    const { handle, log } = this.#options;
    for (const { rank, state, idle } of this.#vigil.tick(seen, settings)) {
      const reason = state === LiveState.ok ? "" : `silent for ${idle} heartbeats`;
      log(
        state === LiveState.ok ? "info" : "warning",
        `rank ${rank} is ${STATE_NAMES[state]}${reason && `: ${reason}`}`,
      );
      this.#revise(rank, state, reason);
      if (state === LiveState.fail) call(handle, "overlay.sever", { rank, reason });
      else call(handle, "overlay.torpid", { rank, torpid: state === LiveState.slow });
    }
  }

  /** The link of a child ended. */
  gone(rank: number, change: "left" | "lost" | "moved", reason: string): void {
    this.#vigil.remove(rank);
    if (change === "moved") return;
    this.#revise(rank, LiveState.fail, change === "left" ? "it has ended in order" : reason);
  }

  #revise(rank: number, state: LiveState, reason: string): void {
    const { register, rank: own, tell } = this.#options;
    if (register.get(rank)?.state === LiveState.fail) return;
    const record = register.revise(rank, own, state, reason);
    if (record) tell(record);
  }
}

/** Asks the local broker for something whose refusal means that it has happened already. */
export function call(handle: Handle, topic: string, payload: object): void {
  handle.rpc(topic, payload).catch((error) => {
    if (!(error instanceof FluxError)) throw error;
  });
}
