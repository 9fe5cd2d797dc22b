/** What a client wants changed, collected step by step and sent in one request (wire.md §3.14, rulings.md "fence"). */

import type { Handle } from "../../broker/handle/mod.ts";
import { encodeJson, FluxError, type Json } from "../../broker/message/mod.ts";
import { readCommitReply } from "./client_replies.ts";
import { normalize } from "./tree/key.ts";
import { type CommitReply, KvsFlag, type Operation } from "./protocol.ts";
import { checkTreeObject, emptyDir, symlink, type TreeObject, val } from "./tree/treeobj.ts";

/** The largest transaction in one request, bytes of its payload. */
export const TRANSACTION_LIMIT = 256 << 20;

export interface CommitOptions {
  /** See `CommitFlag`. */
  flags?: number;
  /** Stops waiting for the answer; what was sent is applied all the same. */
  signal?: AbortSignal;
}

export interface FenceOptions extends CommitOptions {
  /** Ranks of the participants, as an idset: the death of one then fails the fence by name. */
  ranks?: string;
  /** Seconds until the fence fails with ETIMEDOUT and names who had entered. */
  timeout?: number;
}

const utf8 = new TextEncoder();

/**
 * Steps in the order they were added; later ones see what earlier ones did. All or none of them take effect. The steps
 * throw EINVAL or ENAMETOOLONG for a key that cannot be, and EFBIG when there is more than {@link TRANSACTION_LIMIT}.
 */
export class Transaction {
  readonly #flux: Handle;
  readonly #namespace: string;
  readonly #ops: Operation[] = [];
  /** At least this many bytes of payload. */
  #size = 0;

  constructor(flux: Handle, namespace: string) {
    this.#flux = flux;
    this.#namespace = namespace;
  }

  get ops(): readonly Operation[] {
    return this.#ops;
  }

  /** Writes the JSON text of a value. Throws EINVAL for one that JSON does not have. */
  put(key: string, json: Json): this {
    const text = JSON.stringify(json) as string | undefined;
    if (text === undefined) throw new FluxError("EINVAL", `${key}: the value is not JSON`);
    return this.putText(key, text);
  }

  putText(key: string, text: string): this {
    return this.putBytes(key, utf8.encode(text));
  }

  putBytes(key: string, bytes: Uint8Array): this {
    return this.#write(key, 0, bytes);
  }

  /** Writes at the end of what the key has; creates it when it is missing. */
  append(key: string, data: Uint8Array | string): this {
    return this.#write(key, KvsFlag.append, typeof data === "string" ? utf8.encode(data) : data);
  }

  unlink(key: string): this {
    return this.#add(key, 0, null);
  }

  /** An empty directory in the place of whatever is there. */
  mkdir(key: string): this {
    return this.#add(key, 0, emptyDir());
  }

  /** `target`: a key of this namespace, or of another. Throws EINVAL or ENAMETOOLONG as for a key. */
  symlink(key: string, target: string, namespace?: string): this {
    normalize(target);
    return this.#add(key, 0, symlink(target, namespace), target.length);
  }

  /** Writes an entry as it is to be stored. Throws EPROTO when it is no tree object. */
  putTreeObject(key: string, object: TreeObject): this {
    const checked = checkTreeObject(object as unknown as Json);
    return this.#add(key, 0, checked, JSON.stringify(checked).length);
  }

  /**
   * Resolves when the transaction is in a root that this rank's lookups see. Throws what the service refuses it with, and
   * EFBIG, before anything is sent.
   */
  async commit({ flags = 0, signal }: CommitOptions = {}): Promise<CommitReply> {
    return await this.#send("kvs.commit", { namespace: this.#namespace, flags, ops: this.#ops }, signal);
  }

  /**
   * Takes part in the fence of this name: the operations of all `nprocs` participants take effect in one root, once the
   * last has entered. Resolves for everyone then, with the same root.
   */
  async fence(name: string, nprocs: number, options: FenceOptions = {}): Promise<CommitReply> {
    const { flags = 0, signal, ranks, timeout } = options;
    const request = { name, nprocs, namespace: this.#namespace, flags, ops: this.#ops, ranks, timeout };
    return await this.#send("kvs.fence", request, signal);
  }

  #write(key: string, flags: number, bytes: Uint8Array): this {
    const length = Math.ceil(bytes.length / 3) * 4;
    this.#reserve(key, length);
    return this.#add(key, flags, val(bytes), length);
  }

  #add(key: string, flags: number, dirent: TreeObject | null, length = 0): this {
    const normalized = normalize(key);
    this.#reserve(key, normalized.length + length);
    this.#size += normalized.length + length;
    this.#ops.push({ key: normalized, flags, dirent });
    return this;
  }

  #reserve(key: string, length: number): void {
    if (this.#size + length > TRANSACTION_LIMIT) throw tooBig(` with ${key}`);
  }

  async #send(topic: string, request: object, signal?: AbortSignal): Promise<CommitReply> {
    const payload = encodeJson(request);
    if (payload.length > TRANSACTION_LIMIT) throw tooBig();
    const reply = await this.#flux.rpcRaw(topic, payload, signal ? { signal } : {});
    return readCommitReply(reply);
  }
}

function tooBig(cause = ""): FluxError {
  return new FluxError("EFBIG", `the transaction has more than ${TRANSACTION_LIMIT} bytes${cause}; commit it in parts`);
}
