/** The backing module as rank 0 calls it: `content-backing.*`. */

import { decodeJson, encodeJson, type JsonObject, pack, unpack } from "../../broker/message/mod.ts";
import type { Handle } from "../../broker/handle/mod.ts";
import { type Commit, encodeCommit, encodeMark, type StoredRoots, type Swept } from "./protocol.ts";

/** What a store says of itself when it is attached. */
export interface StoreInfo {
  /** The module it is served by. */
  readonly name: string;
  /** Where it is, for people. */
  readonly path: string;
  readonly roots: StoredRoots;
  /** The broker that wrote to it last; null for a new one. */
  readonly writer: string | null;
}

/** A piece of a store that is read from one end to the other. */
export interface Piece {
  readonly refs: readonly string[];
  /** As in {@link Commit}, for each of `refs`; null where `kvs` keeps it. */
  readonly used: readonly (number | null)[];
  readonly blobs: readonly Uint8Array[];
  /** Where the next piece begins; null after the last. */
  readonly next: number | null;
}

type Caller = Pick<Handle, "rpc" | "rpcRaw">;

export class Backing {
  readonly name: string;
  readonly #handle: Caller;

  constructor(handle: Caller, name: string) {
    this.#handle = handle;
    this.name = name;
  }

  async load(digest: Uint8Array): Promise<Uint8Array> {
    return await this.#handle.rpcRaw("content-backing.load", digest) ?? new Uint8Array(0);
  }

  /** Throws ENOENT unless it is there, EIO when it is damaged. */
  async validate(digest: Uint8Array): Promise<void> {
    await this.#handle.rpcRaw("content-backing.validate", digest);
  }

  commit(commit: Commit): Promise<void> {
    return this.commitRaw(encodeCommit(commit));
  }

  /** The same, encoded by the caller. */
  async commitRaw(payload: Uint8Array): Promise<void> {
    await this.#handle.rpcRaw("content-backing.commit", payload);
  }

  info(): Promise<StoreInfo> {
    return this.#handle.rpc("content-backing.info");
  }

  /** From now on this broker writes to it. */
  async claim(writer: string): Promise<void> {
    await this.#handle.rpc("content-backing.claim", { writer });
  }

  /** Resolves when all that was committed survives a loss of power. */
  async flush(): Promise<void> {
    await this.#handle.rpc("content-backing.flush");
  }

  async begin(): Promise<number> {
    return (await this.#handle.rpc<{ epoch: number }>("content-backing.gc-begin")).epoch;
  }

  async mark(epoch: number, digests: Uint8Array): Promise<void> {
    await this.#handle.rpcRaw("content-backing.gc-mark", encodeMark(epoch, digests));
  }

  /** As {@link Swept}, with the digests of what was deleted laid end to end. */
  async sweep(epoch: number, limit: number, spare: number): Promise<{ swept: Swept; digests: Uint8Array }> {
    const request = encodeJson({ epoch, limit, spare });
    const [head, digests] = unpack(await this.#handle.rpcRaw("content-backing.gc-sweep", request) ?? pack([]));
    return { swept: decodeJson(head) as unknown as Swept, digests: digests ?? new Uint8Array(0) };
  }

  /** A client used these just now (seconds). */
  async touch(used: number, digests: Uint8Array): Promise<void> {
    await this.#handle.rpcRaw("content-backing.touch", pack([encodeJson({ used }), digests]));
  }

  /** A piece of about so many bytes, from where the last one ended; the first from 0. */
  async scan(from: number, bytes: number): Promise<Piece> {
    const answer = await this.#handle.rpcRaw("content-backing.scan", encodeJson({ from, bytes }));
    const [head, ...blobs] = unpack(answer ?? pack([]));
    return { ...decodeJson(head) as unknown as Omit<Piece, "blobs">, blobs };
  }

  checkpoints(): Promise<JsonObject> {
    return this.#handle.rpc("content-backing.checkpoint-get");
  }

  async putCheckpoint(payload: JsonObject): Promise<void> {
    await this.#handle.rpc("content-backing.checkpoint-put", payload);
  }
}
