/** What can be tuned: attributes, whose first values are those of the command line. */

import { FluxError } from "../../broker/message/mod.ts";
import type { ModulePorts } from "../../broker/handle/mod.ts";

const DEFAULTS = {
  /** Versions of each namespace that stay readable, the newest among them. */
  "kvs.versions": 16,
  /** Bytes that are stored before a collection begins by itself, unless more than that are kept. */
  "kvs.gc-threshold": 64 << 20,
} as const;

type Name = keyof typeof DEFAULTS;

/** Bytes that decoded directories may take on one rank. */
const CACHE_SIZE = 16 << 20;

/** The attribute `kvs.cache-size` of this rank, fixed at the start. Throws EINVAL for a value that cannot be. */
export function cacheSize(ports: Pick<ModulePorts, "attribute" | "declare">): number {
  const size = readNumber("kvs.cache-size", ports.attribute("kvs.cache-size") ?? String(CACHE_SIZE));
  ports.declare("kvs.cache-size", { value: () => String(size) });
  return size;
}

/** What rank 0 has besides; it may change at any time. */
export class Settings {
  readonly #values = new Map<string, number>();

  /** Throws EINVAL for a value of the command line that cannot be. */
  constructor(ports: Pick<ModulePorts, "attribute" | "declare">) {
    for (const [name, fallback] of Object.entries(DEFAULTS)) {
      this.#values.set(name, fallback);
      const given = ports.attribute(name);
      if (given !== undefined) this.#set(name, given);
      ports.declare(name, { value: () => String(this.#values.get(name)), update: (value) => this.#set(name, value) });
    }
  }

  get(name: Name): number {
    return this.#values.get(name)!;
  }

  #set(name: string, text: string): void {
    this.#values.set(name, readNumber(name, text));
  }
}

function readNumber(name: string, text: string): number {
  if (!/^[1-9]\d{0,14}$/.test(text)) throw new FluxError("EINVAL", `${name} must be a number from 1, not "${text}"`);
  return Number(text);
}
