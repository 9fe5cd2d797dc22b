/** What can be tuned on one rank: attributes, whose first values are options of the module or of the command line. */

import { FluxError } from "../../broker/message/mod.ts";
import type { ModulePorts } from "../../broker/handle/mod.ts";
import type { CacheLimits } from "./cache.ts";

interface Setting {
  value: number;
  readonly min: number;
  readonly max: number;
}

/** The largest blob that fits into one message beside its head, bytes. */
const BLOB_LIMIT = 1 << 30;

const DEFAULTS = {
  /** Bytes a blob may have. */
  "content.blob-size-limit": [BLOB_LIMIT, 1, BLOB_LIMIT],
  /** Bytes of blobs that are kept only to be at hand. */
  "content.purge-target-size": [16 << 20, 0, 2 ** 40],
  /** How many. */
  "content.purge-target-entries": [1 << 20, 0, 2 ** 31],
  /** Heartbeats after which one that is not used goes, if it is large. */
  "content.purge-old-entry": [30, 1, 2 ** 31],
  /** Larger than so many bytes. */
  "content.purge-large-entry": [256, 0, 2 ** 31],
  /** Seconds that blobs of clients outlive their last use. */
  "content.gc-grace": [3600, 0, 2 ** 31],
} as const;

type Name = keyof typeof DEFAULTS;

export class Settings {
  readonly #table: Record<string, Setting> = {};

  /** Throws EINVAL for a value of the command line or an argument (`NAME=VALUE`, with or without `content.`) that cannot be. */
  constructor(ports: Pick<ModulePorts, "attribute" | "declare">, args: readonly string[]) {
    for (const [name, [value, min, max]] of Object.entries(DEFAULTS)) {
      this.#table[name] = { value, min, max };
      const given = ports.attribute(name);
      if (given !== undefined) this.#set(name, given);
      ports.declare(name, {
        value: () => String(this.#table[name]!.value),
        update: (value) => this.#set(name, value),
      });
    }
    for (const arg of args) this.#argument(arg);
  }

  get(name: Name): number {
    return this.#table[name]!.value;
  }

  /** The limits of a cache, as they are when they are looked at. */
  get limits(): CacheLimits {
    const get = (name: Name) => this.get(name);
    return {
      get bytes() {
        return get("content.purge-target-size");
      },
      get count() {
        return get("content.purge-target-entries");
      },
      get age() {
        return get("content.purge-old-entry");
      },
      get large() {
        return get("content.purge-large-entry");
      },
    };
  }

  #argument(arg: string): void {
    const at = arg.indexOf("=");
    const name = `content.${arg.slice(0, at).replace(/^content\./, "")}`;
    if (at < 0 || !Object.hasOwn(this.#table, name)) {
      throw new FluxError("EINVAL", `content: unknown option: ${arg}`);
    }
    this.#set(name, arg.slice(at + 1));
  }

  #set(name: string, value: string): void {
    const setting = this.#table[name]!;
    const number = /^\d{1,15}$/.test(value) ? Number(value) : NaN;
    if (!(number >= setting.min && number <= setting.max)) {
      throw new FluxError("EINVAL", `${name} must be ${setting.min} to ${setting.max}, not "${value}"`);
    }
    setting.value = number;
  }
}
