/**
 * The key-value store as a client sees it (wire.md §3.14, 3.15), over any Handle: of a command, a module or a test.
 * Errors of the service are passed on as they came, with their errno; a key that cannot be is refused here.
 */

import type { Handle } from "../../broker/handle/mod.ts";
import { encodeJson, FluxError, isErrno, type Json } from "../../broker/message/mod.ts";
import {
  expectDir,
  expectSymlink,
  expectVal,
  type NamespaceInfo,
  readCommitReply,
  readNamespaces,
  readRoot,
  readValue,
} from "./client_replies.ts";
import { Transaction } from "./client_transaction.ts";
import { normalize } from "./tree/key.ts";
import { type CommitReply, KvsFlag, PRIMARY, type Root } from "./protocol.ts";
import { dirref, EMPTY_DIR, type Symlink, type TreeObject, valBytes } from "./tree/treeobj.ts";

export { type NamespaceInfo } from "./client_replies.ts";
export { type CommitOptions, type FenceOptions, Transaction, TRANSACTION_LIMIT } from "./client_transaction.ts";

/** Where and when to look. */
export interface At {
  /** A root, old or new, instead of the namespace's newest. */
  rootref?: string;
  /** Instead of the client's namespace. */
  namespace?: string;
  signal?: AbortSignal;
}

export interface WatchOptions {
  /** Wait for a key that is missing; ENOENT otherwise. */
  waitcreate?: boolean;
  /** Look again at every new root of the namespace: for keys behind links, or whose parents are replaced. */
  full?: boolean;
  /** Only values that differ from the one before. */
  uniq?: boolean;
  /** The whole value first, then only what was appended. EINVAL once it is overwritten. */
  append?: boolean;
  /** The directory of this key, as its entries are stored. */
  dir?: boolean;
  /** The entry as it is stored. */
  treeobj?: boolean;
  /** Does not watch: the parts of the value one by one, as they are stored. */
  stream?: boolean;
  signal?: AbortSignal;
  namespace?: string;
}

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

export class Kvs {
  readonly #flux: Handle;
  readonly #namespace: string;

  /** `namespace`: of all calls that name none; {@link PRIMARY} unless given. */
  constructor(flux: Handle, { namespace = PRIMARY }: { namespace?: string } = {}) {
    this.#flux = flux;
    this.#namespace = namespace;
  }

  /** A value that is JSON. Throws EINVAL for any other; {@link getText} keeps integers beyond 2^53. */
  async get<T = Json>(key: string, at?: At): Promise<T> {
    const text = await this.getText(key, at);
    try {
      return JSON.parse(text) as T;
    } catch {
      throw new FluxError("EINVAL", `${key}: the value is not JSON`);
    }
  }

  /** A value. Throws ENOENT without one, EISDIR for a directory, ENOTSUP for an unknown namespace. */
  async getBytes(key: string, at?: At): Promise<Uint8Array<ArrayBuffer>> {
    return valBytes(expectVal(await this.lookup(key, 0, at)));
  }

  /** A value that is text. Throws EINVAL when it is not UTF-8. */
  async getText(key: string, at?: At): Promise<string> {
    const bytes = await this.getBytes(key, at);
    try {
      return utf8.decode(bytes);
    } catch {
      throw new FluxError("EINVAL", `${key}: the value is not UTF-8`);
    }
  }

  /** The bare call, with flags of `KvsFlag`. */
  async lookup(
    key: string,
    flags: number,
    { rootref, namespace = this.#namespace, signal }: At = {},
  ): Promise<TreeObject> {
    const where = rootref === undefined ? { namespace } : { rootdir: dirref(rootref) };
    const request = encodeJson({ key: normalize(key), flags, ...where });
    return readValue(await this.#flux.rpcRaw("kvs.lookup", request, signal ? { signal } : {}));
  }

  /** The entries of a directory, as they are stored. Throws ENOTDIR for anything else. */
  async dir(key: string, at?: At): Promise<Map<string, TreeObject>> {
    return new Map(Object.entries(expectDir(await this.lookup(key, KvsFlag.readdir, at)).data));
  }

  /** Where a symbolic link points. Throws EINVAL for anything else. */
  async readlink(key: string, at?: At): Promise<Symlink["data"]> {
    return expectSymlink(await this.lookup(key, KvsFlag.readlink, at)).data;
  }

  /** Whether there is an entry of any kind; a link counts, whatever it points to. */
  async exists(key: string, at?: At): Promise<boolean> {
    try {
      await this.lookup(key, KvsFlag.treeobj, at);
      return true;
    } catch (error) {
      if (isErrno(error, "ENOENT") || isErrno(error, "ENOTDIR")) return false;
      throw error;
    }
  }

  /**
   * What a key has, then again with each change of it, in order. The request is sent with the first `next`; leaving the
   * loop ends the watch at the service. Throws EPROTO for options that do not go together, ENOENT when the key is or
   * goes missing (unless `waitcreate`), ENOTSUP when the namespace is removed.
   */
  async *watch(key: string, options: WatchOptions = {}): AsyncGenerator<TreeObject, void> {
    const { namespace = this.#namespace, signal } = options;
    signal?.throwIfAborted();
    const request = encodeJson({ key: normalize(key), namespace, flags: watchFlags(options) });
    for await (const item of this.#flux.streamRaw("kvs-watch.lookup", request, signal ? { signal } : {})) {
      yield readValue(item);
    }
  }

  /** The same, the bytes of values only. */
  async *watchBytes(key: string, options: Omit<WatchOptions, "dir" | "treeobj"> = {}): AsyncGenerator<
    Uint8Array<ArrayBuffer>,
    void
  > {
    for await (const object of this.watch(key, options)) yield valBytes(expectVal(object));
  }

  transaction(): Transaction {
    return new Transaction(this.#flux, this.#namespace);
  }

  /** The newest root that this rank knows. */
  async root(namespace: string = this.#namespace, signal?: AbortSignal): Promise<Root> {
    return readRoot(await this.#flux.rpc("kvs.getroot", { namespace, flags: 0 }, signal ? { signal } : {}));
  }

  /** Resolves once this rank knows a root of this number or a later one, and tells which. */
  async waitVersion(rootseq: number, { namespace = this.#namespace, signal }: At = {}): Promise<CommitReply> {
    const request = encodeJson({ rootseq, namespace });
    return readCommitReply(await this.#flux.rpcRaw("kvs.wait-version", request, signal ? { signal } : {}));
  }

  /** Namespaces of this session. */
  readonly namespaces = {
    list: async (): Promise<NamespaceInfo[]> => readNamespaces(await this.#flux.rpc("kvs.namespace-list")),

    /** `owner`: a userid, the caller's unless given; `rootref`: an empty directory unless given. Throws EEXIST. */
    create: async (
      namespace: string,
      { owner = -1, rootref = EMPTY_DIR }: { owner?: number; rootref?: string } = {},
    ): Promise<void> => {
      await this.#flux.rpc("kvs.namespace-create", { namespace, rootref, owner, flags: 0 }, { rank: 0 });
    },

    /** Throws ENOTSUP for the primary one. */
    remove: async (namespace: string): Promise<void> => {
      await this.#flux.rpc("kvs.namespace-remove", { namespace }, { rank: 0 });
    },
  };
}

function watchFlags({ waitcreate, full, uniq, append, dir, treeobj, stream }: WatchOptions): number {
  return (stream ? KvsFlag.stream : KvsFlag.watch) |
    (waitcreate ? KvsFlag.waitcreate : 0) |
    (full ? KvsFlag.watchFull : 0) |
    (uniq ? KvsFlag.watchUniq : 0) |
    (append ? KvsFlag.watchAppend : 0) |
    (dir ? KvsFlag.readdir : 0) |
    (treeobj ? KvsFlag.treeobj : 0);
}
