/** Writes the entries of a tar archive into the store, in commits of bounded size. */

import { isErrno } from "../../broker/message/mod.ts";
import type { Kvs, Transaction } from "../../modules/kvs/client.ts";
import { KvsFlag } from "../../modules/kvs/protocol.ts";
import { join, normalize } from "../../modules/kvs/tree/key.ts";
import { keyError } from "./access.ts";
import { ahead } from "./ahead.ts";
import { keyOfPath, MARK, readLink } from "./archive.ts";
import { readTar, type TarEntry } from "./tar_reader.ts";
import { TarError, TarType } from "./tar.ts";

/** A commit has at most as many steps, and about as many bytes of values. */
const STEPS = 2_000;
const BYTES = 8 << 20;

/** One change, in its place among the others. */
interface Step {
  readonly key: string;
  readonly size: number;
  /** An empty directory, which must not empty one that is there. */
  readonly directory: boolean;
  add(transaction: Transaction): void;
}

interface RestoreOptions {
  /** Bytes that one value may have. */
  readonly limit: number;
  readonly signal: AbortSignal;
}

/** Reads an archive to its end. Throws TarError when it has none, or is damaged. */
export async function checkArchive(chunks: AsyncIterable<Uint8Array>, limit: number): Promise<void> {
  for await (const entry of readTar(chunks, { skip: true, limit }).entries) checkEntry(entry, limit);
}

export class Restoration {
  readonly #kvs: Kvs;
  readonly #top: string;
  readonly #options: RestoreOptions;
  #steps: Step[] = [];
  #size = 0;
  /** Directories that have something in them by the steps that wait. */
  #filled = new Set<string>();
  /** Keys restored for good. */
  restored = 0;

  /** Restores below the directory `top`. */
  constructor(kvs: Kvs, top: string, options: RestoreOptions) {
    this.#kvs = kvs;
    this.#top = normalize(top);
    this.#options = options;
  }

  /** Throws TarError, and CommandError for what the store refuses. */
  async run(chunks: AsyncIterable<Uint8Array>): Promise<void> {
    const { limit, signal } = this.#options;
    const { records, entries } = readTar(chunks, { limit });
    /** A directory of which it is not known yet whether something is in it. */
    let open: string | undefined;
    for await (const entry of entries) {
      signal.throwIfAborted();
      checkEntry(entry, limit);
      const escaped = records.get("comment")?.startsWith(MARK) ?? false;
      const inside = keyOfPath(entry.path, escaped)!;
      if (inside === ".") continue;
      const key = join(this.#top, inside);
      if (open !== undefined && !key.startsWith(`${open}.`)) await this.#take(directory(open));
      open = entry.type === TarType.directory ? key : undefined;
      if (open === undefined) await this.#take(stepOf(key, entry));
    }
    if (open !== undefined) await this.#take(directory(open));
    await this.#flush();
  }

  async #take(step: Step): Promise<void> {
    // An archive of another origin may name a directory after what is in it.
    if (step.directory && this.#filled.has(step.key)) return;
    this.#steps.push(step);
    this.#size += step.size;
    for (let dot = step.key.lastIndexOf("."); dot > 0; dot = step.key.lastIndexOf(".", dot - 1)) {
      const parent = step.key.slice(0, dot);
      if (this.#filled.has(parent)) break;
      this.#filled.add(parent);
    }
    if (this.#steps.length >= STEPS || this.#size >= BYTES) await this.#flush();
  }

  async #flush(): Promise<void> {
    const steps = this.#steps;
    [this.#steps, this.#size] = [[], 0];
    this.#filled.clear();
    const there = new Set<string>();
    const directories = steps.filter((step) => step.directory);
    for await (const key of ahead(directories, ({ key }) => this.#directoryAt(key))) if (key !== null) there.add(key);
    const transaction = this.#kvs.transaction();
    for (const step of steps) {
      if (step.directory && there.has(step.key)) continue;
      try {
        step.add(transaction);
      } catch (error) {
        throw keyError(step.key, error);
      }
    }
    if (transaction.ops.length > 0) {
      try {
        await transaction.commit();
      } catch (error) {
        throw keyError(steps.length === 1 ? steps[0]!.key : "commit", error);
      }
    }
    this.restored += steps.length;
  }

  /** The key if it is a directory in the store, else null. */
  async #directoryAt(key: string): Promise<string | null> {
    try {
      const { type } = await this.#kvs.lookup(key, KvsFlag.treeobj);
      return type === "dirref" || type === "dir" ? key : null;
    } catch (error) {
      if (isErrno(error, "ENOENT") || isErrno(error, "ENOTDIR")) return null;
      throw keyError(key, error);
    }
  }
}

function directory(key: string): Step {
  return { key, size: 0, directory: true, add: (transaction) => void transaction.mkdir(key) };
}

function stepOf(key: string, { type, target, data }: TarEntry): Step {
  if (type === TarType.symlink) {
    const link = readLink(target!);
    return {
      key,
      size: 0,
      directory: false,
      add: (transaction) => void transaction.symlink(key, link.target, link.namespace),
    };
  }
  return { key, size: data!.length, directory: false, add: (transaction) => void transaction.putBytes(key, data!) };
}

/** Throws TarError for what a store cannot have. */
function checkEntry({ path, type, target, size }: TarEntry, limit: number): void {
  if (keyOfPath(path, false) === undefined) throw new TarError(`${path}: no key has '..' in it`);
  if (type !== TarType.file && type !== TarType.directory && type !== TarType.symlink) {
    throw new TarError(`${path}: neither a file, a directory nor a symbolic link`);
  }
  if (type === TarType.symlink && !target) throw new TarError(`${path}: a link without a target`);
  if (size > limit) throw new TarError(`${path}: ${size} bytes are more than a value may have`);
}
