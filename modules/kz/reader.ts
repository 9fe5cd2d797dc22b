/**
 * One who reads a stream from its beginning and follows it to its end. It is woken by the key-value store when the next
 * block is there; of a stream that is ahead of it, it asks for several blocks at once.
 */

import { FluxError, isErrno } from "../../broker/message/mod.ts";
import type { Kvs } from "../kvs/client.ts";
import { type Block, blockKey, decodeBlock } from "./block.ts";

/** Blocks asked for at once, at most. */
const AHEAD = 8;

export interface ReadOptions {
  /** The stream need not be there yet. */
  readonly noexist?: boolean;
  /** The number of the first block that is wanted. */
  readonly from?: number;
  /** Ends a read that waits, with its reason. */
  readonly signal?: AbortSignal;
}

/** Throws ENOENT for a stream that is not there (unless `noexist`), ENOTDIR for a key that is none. */
export async function openReader(kvs: Kvs, key: string, options: ReadOptions = {}): Promise<Reader> {
  if (!options.noexist) await expectStream(kvs, key, options.signal);
  return new Reader(kvs, key, options);
}

export class Reader {
  readonly #kvs: Kvs;
  readonly #key: string;
  readonly #signal: AbortSignal | undefined;
  #index: number;
  /** What was asked for, from `#index` on; undefined for a block that was not there. */
  #asked: Promise<string | undefined>[] = [];
  #width = 1;
  #ended = false;

  /** Made by {@link openReader}. */
  constructor(kvs: Kvs, key: string, { signal, from = 0 }: ReadOptions) {
    this.#kvs = kvs;
    this.#key = key;
    this.#signal = signal;
    this.#index = from;
  }

  /** The number of the block that comes next. */
  get index(): number {
    return this.#index;
  }

  /** The next block, waited for; undefined behind the one that is the end. Throws EPROTO for what is no block. */
  async block(): Promise<Block | undefined> {
    if (this.#ended) return undefined;
    if (this.#asked.length === 0) this.#asked.push(this.#await(this.#index));
    while (this.#asked.length < this.#width) this.#askAhead();
    let text = await this.#asked.shift();
    if (text === undefined) {
      this.#asked = [];
      this.#width = 1;
      text = await this.#await(this.#index);
    }
    return this.#take(text);
  }

  /** The next block, if it is there. Throws EAGAIN if it is not. */
  async poll(): Promise<Block | undefined> {
    if (this.#ended) return undefined;
    this.#asked = [];
    const text = await this.#look(this.#index);
    if (text === undefined) throw new FluxError("EAGAIN", `${this.#key}: Resource temporarily unavailable`);
    return this.#take(text);
  }

  /** The bytes of the next block that has any; undefined at the end. */
  async get(): Promise<Uint8Array | undefined> {
    for (;;) {
      const block = await this.block();
      if (!block) return undefined;
      if (block.data && block.data.length > 0) return block.data;
    }
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void> {
    for (let bytes = await this.get(); bytes; bytes = await this.get()) yield bytes;
  }

  #take(text: string): Block {
    const block = decodeBlock(text, blockKey(this.#key, this.#index));
    this.#index++;
    this.#ended = block.eof === true;
    this.#width = Math.min(2 * this.#width, AHEAD);
    return block;
  }

  #askAhead(): void {
    const asked = this.#look(this.#index + this.#asked.length);
    asked.catch(() => {});
    this.#asked.push(asked);
  }

  /** The text of a block that may not be there. */
  async #look(index: number): Promise<string | undefined> {
    try {
      return await this.#kvs.getText(blockKey(this.#key, index), this.#signal ? { signal: this.#signal } : {});
    } catch (error) {
      if (isErrno(error, "ENOENT")) return undefined;
      throw error;
    }
  }

  /** The text of a block as soon as it is there. */
  async #await(index: number): Promise<string> {
    const parts: Uint8Array[] = [];
    const options = { stream: true, waitcreate: true, ...this.#signal && { signal: this.#signal } };
    for await (const part of this.#kvs.watchBytes(blockKey(this.#key, index), options)) parts.push(part);
    const utf8 = new TextDecoder();
    return parts.map((part) => utf8.decode(part, { stream: true })).join("") + utf8.decode();
  }
}

async function expectStream(kvs: Kvs, key: string, signal?: AbortSignal): Promise<void> {
  try {
    await kvs.getBytes(key, signal ? { signal } : {});
  } catch (error) {
    if (isErrno(error, "EISDIR")) return;
    throw error;
  }
  throw new FluxError("ENOTDIR", `${key}: Not a directory`);
}
