/** `cmb.seq.*`: named counters at rank 0 (services.md §3). */

import { FluxError, type JsonObject, NODEID_ANY } from "../../message/mod.ts";
import {
  booleanField,
  integerField,
  type Methods,
  optionalInteger,
  type Request,
  stringField,
} from "../../handle/mod.ts";

/** Counters by name. Pure. */
export class Sequences {
  readonly #values = new Map<string, number>();

  /** The value after `preincrement` and before `postincrement`. Throws ENOENT unless it may be created, at 0. */
  fetch(
    name: string,
    create: boolean,
    preincrement: number,
    postincrement: number,
  ): { value: number; created: boolean } {
    const known = this.#values.get(name);
    if (known === undefined && !create) throw new FluxError("ENOENT");
    const value = (known ?? 0) + preincrement;
    this.#values.set(name, value + postincrement);
    return { value, created: known === undefined };
  }

  /** Throws ENOENT, or EAGAIN when the present value is not `expected`. */
  set(name: string, value: number, expected?: number): void {
    const known = this.#values.get(name);
    if (known === undefined) throw new FluxError("ENOENT");
    if (expected !== undefined && known !== expected) throw new FluxError("EAGAIN");
    this.#values.set(name, value);
  }

  /** Throws ENOENT. */
  destroy(name: string): void {
    if (!this.#values.delete(name)) throw new FluxError("ENOENT");
  }
}

type Rpc = (topic: string, payload: object, options: { rank: number }) => Promise<JsonObject>;

/** Serves counters at rank 0; elsewhere what is addressed to no particular rank is passed on to it. */
export function cmbSeqService(rank: number, rpc: Rpc): Methods {
  const serve = rank === 0 ? atRankZero(new Sequences()) : {};
  const method = (topic: string) => (request: Request) => {
    const handler = serve[topic];
    if (handler) return handler(request.payload);
    if (request.message.nodeid !== NODEID_ANY) throw new FluxError("ENOSYS", `${topic} is served by rank 0 only`);
    return rpc(topic, request.payload, { rank: 0 });
  };
  return Object.fromEntries(["cmb.seq.fetch", "cmb.seq.set", "cmb.seq.destroy"].map((topic) => [topic, method(topic)]));
}

function atRankZero(sequences: Sequences): Record<string, (payload: JsonObject) => JsonObject> {
  return {
    "cmb.seq.fetch"(payload) {
      const name = stringField(payload, "name");
      const { value, created } = sequences.fetch(
        name,
        booleanField(payload, "create"),
        integerField(payload, "preincrement"),
        integerField(payload, "postincrement"),
      );
      return { name, value, ...(created && { created }) };
    },
    "cmb.seq.set"(payload) {
      const name = stringField(payload, "name");
      const value = integerField(payload, "value");
      sequences.set(name, value, optionalInteger(payload, "oldvalue"));
      return { name, set: true, value };
    },
    "cmb.seq.destroy"(payload) {
      const name = stringField(payload, "name");
      sequences.destroy(name);
      return { name, destroyed: true };
    },
  };
}
