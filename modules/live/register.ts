/**
 * What is known of each rank: under which parent it is, and how that parent finds it. Records of a rank are told apart by
 * version, so that they may arrive twice, late and in any order: the latest counts. Pure.
 */

import { FluxError, type JsonObject } from "../../broker/message/mod.ts";
import { integerField, stringField } from "../../broker/handle/mod.ts";
import { LiveState } from "./vigil.ts";

export interface LiveRecord {
  readonly rank: number;
  /** The rank whose child it is or was last; itself at rank 0. */
  readonly parent: number;
  readonly host: string;
  readonly state: LiveState;
  readonly reason: string;
  /** When this process of the rank began, ms since the epoch; how many parents it has had; how often this one spoke of it. */
  readonly version: readonly [born: number, move: number, revision: number];
}

export class Register {
  readonly #records = new Map<number, LiveRecord>();

  get(rank: number): LiveRecord | undefined {
    return this.#records.get(rank);
  }

  get all(): LiveRecord[] {
    return [...this.#records.values()];
  }

  /** Takes a record in; false when it says nothing new. */
  merge(record: LiveRecord): boolean {
    const known = this.#records.get(record.rank);
    if (known && compare(record.version, known.version) <= 0) return false;
    this.#records.set(record.rank, record);
    return true;
  }

  /** The next record of a rank by the same parent: another state. Undefined when the rank has another parent by now. */
  revise(rank: number, parent: number, state: LiveState, reason: string): LiveRecord | undefined {
    const known = this.#records.get(rank);
    if (!known || known.parent !== parent) return undefined;
    const [born, move, revision] = known.version;
    const record = { ...known, state, reason, version: [born, move, revision + 1] as const };
    this.#records.set(rank, record);
    return record;
  }
}

function compare(a: LiveRecord["version"], b: LiveRecord["version"]): number {
  return a[0] - b[0] || a[1] - b[1] || a[2] - b[2];
}

/** As a record travels. */
export function encodeRecord({ rank, parent, host, state, reason, version }: LiveRecord): JsonObject {
  return { rank, parent, host, state, reason, version: [...version] };
}

/** Reads records. Throws EPROTO. */
export function decodeRecords(list: unknown): LiveRecord[] {
  if (!Array.isArray(list)) throw new FluxError("EPROTO", '"records" must be an array');
  return list.map((one: JsonObject) => {
    const { version } = one;
    if (!Array.isArray(version) || version.length !== 3 || !version.every((n) => typeof n === "number")) {
      throw new FluxError("EPROTO", '"version" must be three numbers');
    }
    const state = integerField(one, "state");
    if (state !== LiveState.ok && state !== LiveState.slow && state !== LiveState.fail) {
      throw new FluxError("EPROTO", `${state} is no state of a rank`);
    }
    return {
      rank: integerField(one, "rank"),
      parent: integerField(one, "parent"),
      host: stringField(one, "host"),
      state,
      reason: stringField(one, "reason"),
      version: [Number(version[0]), Number(version[1]), Number(version[2])],
    };
  });
}
