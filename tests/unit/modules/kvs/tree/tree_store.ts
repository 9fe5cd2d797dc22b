import { createHash } from "node:crypto";
import { FluxError } from "../../../../../broker/message/mod.ts";
import { lookup } from "../../../../../modules/kvs/tree/lookup.ts";
import { normalize } from "../../../../../modules/kvs/tree/key.ts";
import { Objects, type Walk } from "../../../../../modules/kvs/tree/objects.ts";
import type { Operation } from "../../../../../modules/kvs/protocol.ts";
import { type Applied, applyTransactions } from "../../../../../modules/kvs/tree/transaction.ts";
import { EMPTY_DIR, EMPTY_DIR_TEXT, type TreeObject, val } from "../../../../../modules/kvs/tree/treeobj.ts";

export const text = (value: string) => new TextEncoder().encode(value);

/** The operation that puts `value` (text), appends it, or with null deletes. */
export function put(key: string, value: string | TreeObject | null, flags = 0): Operation {
  return { key, flags, dirent: typeof value === "string" ? val(text(value)) : value };
}

/** A tree over a Map of blobs; the cache is as small as asked for, so that walks have to load. */
export class TreeStore {
  readonly blobs = new Map<string, Uint8Array>([[EMPTY_DIR, text(EMPTY_DIR_TEXT)]]);
  readonly objects: Objects;
  rootref: string = EMPTY_DIR;
  /** Blobs loaded so far. */
  loads = 0;

  constructor(cache = 1 << 20) {
    this.objects = new Objects(cache);
  }

  hash(blob: Uint8Array): string {
    return `sha1-${createHash("sha1").update(blob).digest("hex")}`;
  }

  /** Runs a walk. Throws ENOENT for a blob that is not there. */
  walk<T>(walk: Walk<T>): T {
    let step = walk.next();
    while (!step.done) {
      const missing = step.value.find((ref) => !this.blobs.has(ref));
      this.loads += step.value.length;
      step = missing === undefined
        ? walk.next(step.value.map((ref) => this.blobs.get(ref)!))
        : walk.throw(new FluxError("ENOENT", `${missing}: not in the store`));
    }
    return step.value;
  }

  /** Applies transactions, keeps their blobs and moves the root. */
  apply(...transactions: (readonly Operation[])[]): Applied {
    const applied = this.walk(applyTransactions(this.objects, this.rootref, transactions, this.hash));
    for (const { blobref, bytes } of applied.blobs) this.blobs.set(blobref, bytes);
    this.rootref = applied.rootref;
    return applied;
  }

  /** What a key holds; throws what the lookup throws. */
  get(key: string, flags = 0, rootref: string = this.rootref): TreeObject {
    const request = { namespace: "primary", rootref, key: normalize(key), flags };
    return this.walk(lookup(this.objects, request, () => undefined)).value;
  }

  /** The text of a value. */
  text(key: string): string {
    const found = this.get(key);
    if (found.type !== "val") throw new Error(`${key} is a ${found.type}`);
    return new TextDecoder().decode(Uint8Array.fromBase64(found.data));
  }
}
