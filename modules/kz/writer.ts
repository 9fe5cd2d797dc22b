/** One who writes a stream. What comes while a commit is under way goes into the next one, all together. */

import { FluxError } from "../../broker/message/mod.ts";
import type { Kvs, Transaction } from "../kvs/client.ts";
import { type Block, blockKey, encodeBlock, END } from "./block.ts";

/** Bytes that may wait to be committed before a writer is held up. */
const WINDOW = 1 << 20;

export interface WriteOptions {
  /** Replaces a stream that is there; EEXIST otherwise. */
  readonly truncate?: boolean;
  /** `close` adds no end: who writes puts it himself, by `putBlock`. */
  readonly raw?: boolean;
  /** Steps that are not committed by themselves: they wait for the next one that is, for `flush`, or for a MiB to gather. */
  readonly delay?: { readonly open?: boolean; readonly put?: boolean; readonly close?: boolean };
  /** Each commit is a fence of so many writers: `NAME.0`, `NAME.1` … */
  readonly group?: { readonly name: string; readonly nprocs: number };
}

/** Begins a stream. Throws EEXIST when the key is taken (unless `truncate`), and what its commit is refused with. */
export async function openWriter(kvs: Kvs, key: string, options: WriteOptions = {}): Promise<Writer> {
  if (!options.truncate && await kvs.exists(key)) throw new FluxError("EEXIST", `${key}: File exists`);
  const writer = new Writer(kvs, key, options);
  await writer.open();
  return writer;
}

export class Writer {
  readonly #kvs: Kvs;
  readonly #key: string;
  readonly #options: WriteOptions;
  #count = 0;
  #fences = 0;
  /** What is to be committed next, and how many bytes of data it has. */
  #next: Transaction | undefined;
  #waiting = 0;
  #committing: Promise<void> | undefined;
  #closed = false;
  /** Why a commit was refused. */
  #failure: unknown;

  /** Made by {@link openWriter}. */
  constructor(kvs: Kvs, key: string, options: WriteOptions) {
    this.#kvs = kvs;
    this.#key = key;
    this.#options = options;
  }

  /** Blocks so far. */
  get count(): number {
    return this.#count;
  }

  /** Makes the directory, empty. */
  async open(): Promise<void> {
    this.#transaction().mkdir(this.#key);
    if (!this.#options.delay?.open) await this.flush();
  }

  /**
   * Adds a block. Resolves when more may come: at once, unless a MiB waits to be committed. Rejects once a commit was
   * refused. Throws EINVAL for no bytes, EBADF after `close`.
   */
  async put(data: Uint8Array): Promise<void> {
    if (data.length === 0) throw new FluxError("EINVAL", `${this.#key}: a block of no bytes`);
    await this.putBlock({ data });
  }

  /** The same for a block of any kind: for streams that are passed on block by block. */
  async putBlock(block: Block): Promise<void> {
    if (this.#closed) throw new FluxError("EBADF", `${this.#key}: the stream is closed`);
    if (this.#failure !== undefined) throw this.#failure;
    this.#add(block);
    if (this.#waiting >= WINDOW) await this.flush();
    else if (!this.#options.delay?.put) void this.#commit();
  }

  /** Resolves when everything so far is in the store. */
  async flush(): Promise<void> {
    while (this.#next || this.#committing) await this.#commit();
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** Ends the stream. Resolves when all of it is in the store (with `delay.close`: at once). */
  async close(): Promise<void> {
    if (this.#closed) return;
    if (!this.#options.raw) this.#add(END);
    this.#closed = true;
    if (!this.#options.delay?.close) await this.flush();
  }

  #add(block: Block): void {
    this.#transaction().putText(blockKey(this.#key, this.#count++), encodeBlock(block));
    this.#waiting += block.data?.length ?? 0;
  }

  #transaction(): Transaction {
    return this.#next ??= this.#kvs.transaction();
  }

  /** One commit at a time: what gathers meanwhile goes along with the next. */
  #commit(): Promise<void> {
    return this.#committing ??= this.#run().finally(() => this.#committing = undefined);
  }

  async #run(): Promise<void> {
    const { group } = this.#options;
    while (this.#next && this.#failure === undefined) {
      const transaction = this.#next;
      this.#next = undefined;
      this.#waiting = 0;
      try {
        await (group ? transaction.fence(`${group.name}.${this.#fences++}`, group.nprocs) : transaction.commit());
      } catch (error) {
        this.#failure = error;
      }
    }
    if (this.#failure !== undefined) this.#next = undefined;
  }
}
