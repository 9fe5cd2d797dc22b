/** The sender of a file: gives out its blocks to whoever asks, and tells what became of it on each rank. */

import type { Answer, Handle } from "../../broker/handle/mod.ts";
import { integerField } from "../../broker/handle/mod.ts";
import { FluxError, type Idset } from "../../broker/message/mod.ts";
import { blockCount, blockLength, DIGEST, digestOf, type Offer, senderService } from "./protocol.ts";

/** A file that is read, perhaps more than once. */
export interface SentFile {
  readonly size: number;
  /** Throws what the disk says, EIO when the file is not what it was. */
  read(offset: number, length: number): Promise<Uint8Array<ArrayBuffer>>;
}

export interface BroadcastOptions {
  readonly ranks: Idset | "all";
  readonly signal?: AbortSignal;
  /** A block was given out for the first time: how many have been. */
  progress?(blocks: number): void;
}

/** What one rank said: the digest of what it has, or why it has nothing. */
export type Outcome = { readonly rank: number; readonly digest: string } | {
  readonly rank: number;
  readonly error: FluxError;
};

/**
 * Sends a file and yields what becomes of it on each rank. Throws EINVAL for a rank that the session does not have. Leaving early
 * ends it everywhere.
 */
export async function* broadcast(
  handle: Handle,
  file: SentFile,
  offer: Omit<Offer, "size">,
  { ranks, signal, progress }: BroadcastOptions,
): AsyncGenerator<Outcome, void> {
  const blocks = new Blocks(file, offer.block, progress);
  await handle.serve({
    [`${senderService(offer.id)}.block`]: ({ payload }) => blocks.give(integerField(payload, "n")),
  });
  const call = handle.mrpc("bcast.receive", { ...offer, size: file.size }, { ranks, ...(signal && { signal }) });
  for await (const answer of call) yield outcome(answer);
}

function outcome(answer: Answer): Outcome {
  const { rank, error } = answer;
  return error ? { rank, error } : { rank, digest: String(answer.payload.digest) };
}

/** The blocks of a file, and their digests as far as they were given out. */
class Blocks {
  readonly #file: SentFile;
  readonly #shape: { readonly size: number; readonly block: number };
  readonly #progress: ((blocks: number) => void) | undefined;
  readonly #digests: Uint8Array<ArrayBuffer>;
  readonly #given = new Set<number>();

  constructor(file: SentFile, block: number, progress?: (blocks: number) => void) {
    this.#file = file;
    this.#shape = { size: file.size, block };
    this.#progress = progress;
    this.#digests = new Uint8Array(DIGEST * blockCount(this.#shape));
  }

  async give(n: number): Promise<Uint8Array> {
    const count = blockCount(this.#shape);
    if (n < 0 || n > count) throw new FluxError("EINVAL", `there is no block ${n}`);
    if (n === count) return await this.#digest(count);
    const bytes = await this.#file.read(n * this.#shape.block, blockLength(this.#shape, n));
    this.#note(n, await digestOf(bytes));
    return bytes;
  }

  /** Every rank must be told of the same file. */
  #note(n: number, digest: Uint8Array): void {
    if (this.#given.has(n)) {
      const before = this.#digests.subarray(n * DIGEST, (n + 1) * DIGEST);
      if (before.every((byte, i) => byte === digest[i])) return;
      throw new FluxError("EIO", "the file is not what it was when it was read before");
    }
    this.#digests.set(digest, n * DIGEST);
    this.#given.add(n);
    this.#progress?.(this.#given.size);
  }

  async #digest(count: number): Promise<Uint8Array> {
    if (this.#given.size < count) throw new FluxError("EINVAL", "not all blocks were asked for");
    return await digestOf(this.#digests);
  }
}
