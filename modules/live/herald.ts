/**
 * Rank 0's part of `live`: it declares states, once each, as events `live.cstate`, and answers who asks for all of them
 * (services.md §8).
 */

import { Idset, type JsonObject, real } from "../../broker/message/mod.ts";
import type { Clock } from "../../broker/ports/mod.ts";
import { type Handle, Queue, type Request } from "../../broker/handle/mod.ts";
import { call } from "./flock.ts";
import type { LiveRecord } from "./register.ts";
import { type Declaration, Roll } from "./roll.ts";
import { LiveState, STATE_NAMES } from "./vigil.ts";

export interface HeraldOptions {
  readonly handle: Handle;
  readonly clock: Clock;
  readonly size: number;
  /** The number of the last pulse. */
  epoch(): number;
}

export class Herald {
  readonly #options: HeraldOptions;
  readonly #roll: Roll;
  readonly #watchers = new Set<() => void>();

  constructor(options: HeraldOptions) {
    this.#options = options;
    this.#roll = new Roll(options.size, () => options.clock.now());
  }

  /** Follows who is connected to rank 0, until the handle is closed. */
  async follow(): Promise<void> {
    const changes = this.#options.handle.stream<{ members: string }>("groups.get", { name: "broker.online" });
    for await (const { members } of changes) this.#declare(this.#roll.reach(Idset.parse(members)), true);
  }

  apply(records: readonly LiveRecord[]): void {
    this.#declare(records.flatMap((record) => this.#roll.apply(record)), true);
  }

  /** A tick has passed; a rank may be out of reach for `limit` of them. */
  tick(limit: number): void {
    this.#declare(this.#roll.tick(limit), false);
  }

  /** `{"ranks":b?}` → the four sets, and with `ranks` one entry for each rank; STREAMING repeats it on change. */
  status(request: Request): JsonObject | AsyncGenerator<JsonObject, void> {
    const hasRanks = request.payload.ranks === true;
    return request.isStreaming ? this.#follow(request, hasRanks) : this.#describe(hasRanks);
  }

  async *#follow(request: Request, hasRanks: boolean): AsyncGenerator<JsonObject, void> {
    using changes = new Queue<void>();
    const changed = () => changes.length === 0 && changes.push();
    request.signal.addEventListener("abort", () => changes.end(), { once: true });
    this.#watchers.add(changed);
    try {
      yield this.#describe(hasRanks);
      for await (const _ of changes) yield this.#describe(hasRanks);
    } finally {
      this.#watchers.delete(changed);
    }
  }

  #describe(hasRanks: boolean): JsonObject {
    const standings = this.#roll.standings;
    const sets = STATE_NAMES.map((name, state) => {
      const ranks = new Idset(standings.filter((one) => one.state === state).map(({ rank }) => rank));
      return [name, `${ranks}`] as const;
    });
    if (!hasRanks) return Object.fromEntries(sets);
    const now = this.#options.clock.now();
    const ranks = standings.map(({ rank, state, host, parent, reason, since }) => ({
      rank,
      state: STATE_NAMES[state],
      host,
      parent,
      duration: real(since === 0 ? 0 : (now - since) / 1000),
      ...(reason !== "" && { reason }),
    }));
    return { ...Object.fromEntries(sets), ranks };
  }

  #declare(declarations: readonly Declaration[], isChange: boolean): void {
    const { handle, epoch } = this.#options;
    for (const { rank, before, now, parent, reason } of declarations) {
      // That ranks are there at the start goes without saying, and would be said N times to N ranks.
      if (before === LiveState.unknown) continue;
      handle.publish("live.cstate", { rank, ostate: before, nstate: now, parent, epoch: epoch(), reason });
    }
    if (declarations.some(({ before, now }) => before === LiveState.slow || now === LiveState.slow)) {
      call(handle, "overlay.torpid-ranks", { ranks: `${this.#roll.ranks(LiveState.slow)}` });
    }
    if (declarations.length > 0 || isChange) { for (const watcher of [...this.#watchers]) watcher(); }
  }
}
