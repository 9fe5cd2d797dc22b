/**
 * Content anywhere but at rank 0: a cache in front of the parent. A blob is stored when rank 0 has it; equal loads and
 * stores under way go up once.
 */

import { NODEID_UPSTREAM } from "../../broker/message/mod.ts";
import type { Handle } from "../../broker/handle/mod.ts";
import { Cache, type CacheLimits } from "./cache.ts";
import { Flights } from "./flights.ts";
import type { ContentStats, Keeper } from "./keeper.ts";

const PARENT = { rank: NODEID_UPSTREAM };

export class Upstream implements Keeper {
  readonly #handle: Pick<Handle, "rpcRaw">;
  readonly #cache: Cache;
  readonly #loads = new Flights<Uint8Array>();
  readonly #stores = new Flights<void>();

  constructor(handle: Pick<Handle, "rpcRaw">, limits: CacheLimits) {
    this.#handle = handle;
    this.#cache = new Cache(limits);
  }

  load(blobref: string, digest: Uint8Array): Uint8Array | Promise<Uint8Array> {
    return this.#cache.get(blobref) ?? this.#loads.share(blobref, () => this.#fetch(blobref, digest));
  }

  store(blobref: string, blob: Uint8Array): Promise<void> {
    return this.#stores.share(blobref, async () => {
      await this.#handle.rpcRaw("content.store", blob, PARENT);
      this.#cache.put(blobref, blob);
    });
  }

  flush(): Promise<void> {
    return this.#stores.settled();
  }

  dropCache(): number {
    return this.#cache.clear();
  }

  stats(): ContentStats {
    const { count, bytes } = this.#cache;
    return { count, valid: count, dirty: 0, size: bytes };
  }

  beat(): void {
    this.#cache.beat();
  }

  async #fetch(blobref: string, digest: Uint8Array): Promise<Uint8Array> {
    const blob = await this.#handle.rpcRaw("content.load", digest, PARENT) ?? new Uint8Array(0);
    this.#cache.put(blobref, blob);
    return blob;
  }
}
