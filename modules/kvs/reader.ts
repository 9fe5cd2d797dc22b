/** Reads trees: runs the pure walks over what is decoded here and what the content service of this rank has. */

import { FluxError, isErrno } from "../../broker/message/mod.ts";
import type { Content } from "./content.ts";
import { type Found, lookup, type LookupRequest } from "./tree/lookup.ts";
import { Objects, readBlobs, type Walk } from "./tree/objects.ts";
import type { Root } from "./protocol.ts";
import type { Roots } from "./roots.ts";
import type { Blob } from "./tree/transaction.ts";

/** A blob that a tree leads to is not in the content store. */
export class MissingBlob extends FluxError {
  readonly blobref: string;
  constructor(blobref: string) {
    super("ENOENT", `${blobref}: this blob is not in the content store`);
    this.blobref = blobref;
  }
}

/** A blob of a tree that is not there is no missing key. */
export function damaged(error: unknown): unknown {
  return error instanceof MissingBlob ? new FluxError("EIO", `${error.message}, but the tree leads to it`) : error;
}

/** What to look up at the newest root. */
export interface CurrentRequest {
  readonly namespace: string;
  /** Normalized. */
  readonly key: string;
  readonly flags: number;
}

export interface ReaderOptions {
  readonly content: Pick<Content, "load">;
  readonly roots: Roots;
  /** Bytes that decoded directories may take. */
  readonly limit: number;
}

/** Times that a lookup begins again at a newer root, since what it went through was collected meanwhile. */
const RETRIES = 20;

export class Reader {
  readonly objects: Objects;
  readonly #content: Pick<Content, "load">;
  readonly #roots: Roots;
  #faults = 0;

  constructor({ content, roots, limit }: ReaderOptions) {
    this.#content = content;
    this.#roots = roots;
    this.objects = new Objects(limit);
  }

  /** Blobs that had to be asked for. */
  get faults(): number {
    return this.#faults;
  }

  clearStats(): void {
    this.#faults = 0;
  }

  /**
   * Looks a key up at a root. Links to namespaces that this rank does not know are asked for at rank 0. Throws
   * `LookupError`, {@link MissingBlob}, EIO for a blob that is damaged. `allow` may refuse a namespace by throwing.
   */
  async lookup(request: LookupRequest, allow?: (root: Root) => void): Promise<Found> {
    for (const asked = new Set<string>();;) {
      let unknown: string | undefined;
      const rootOf = (namespace: string) => {
        const root = this.#roots.get(namespace);
        if (root) allow?.(root);
        else if (!asked.has(namespace)) unknown = namespace;
        return root?.rootref;
      };
      try {
        return await this.run(lookup(this.objects, request, rootOf));
      } catch (error) {
        if (unknown === undefined || !isErrno(error, "ENOTSUP")) throw error;
        asked.add(unknown);
        await this.#roots.find(unknown).catch((reason) => {
          if (!isErrno(reason, "ENOTSUP")) throw reason;
        });
      }
    }
  }

  /**
   * Looks a key up at the newest root that this rank knows; at a newer one, asked for at rank 0, when blobs of that were
   * collected meanwhile. Throws as `lookup` does, ENOTSUP when there is no such namespace, EIO when blobs of it are not
   * there.
   */
  async current(
    { namespace, key, flags }: CurrentRequest,
    allow?: (root: Root) => void,
  ): Promise<Found & { root: Root }> {
    let root = await this.#roots.find(namespace);
    allow?.(root);
    for (let left = RETRIES;; left--) {
      try {
        const found = await this.lookup({ namespace, key, flags, rootref: root.rootref }, allow);
        return { ...found, root };
      } catch (error) {
        if (!(error instanceof MissingBlob)) throw error;
        const newer = await this.#roots.refresh(namespace);
        if (left === 0 || newer.rootref === root.rootref) throw damaged(error);
        root = newer;
      }
    }
  }

  /** The bytes of several blobs, one after the other. Throws {@link MissingBlob}, EIO. */
  blobs(refs: readonly string[]): Promise<Uint8Array> {
    return this.run(readBlobs(refs));
  }

  /** One blob, not to be changed. Throws {@link MissingBlob}, EIO. */
  async load(blobref: string): Promise<Uint8Array> {
    this.#faults++;
    try {
      return await this.#content.load(blobref);
    } catch (error) {
      throw isErrno(error, "ENOENT") ? new MissingBlob(blobref) : error;
    }
  }

  /** Takes a walk to its end. Blobs that are not stored yet are looked for in `made` first. */
  async run<T>(walk: Walk<T>, made?: ReadonlyMap<string, Blob>): Promise<T> {
    const load = (blobref: string) => made?.get(blobref)?.bytes ?? this.load(blobref);
    let step = walk.next();
    while (!step.done) step = walk.next(await Promise.all(step.value.map(load)));
    return step.value;
  }
}
