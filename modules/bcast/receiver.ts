/** Takes one file: block by block under a name that nobody looks for, and under its own once it is all there and the same. */

import { FluxError } from "../../broker/message/mod.ts";
import { blockCount, blockLength, DIGEST, digestOf, type Offer } from "./protocol.ts";

/** Blocks asked for beforehand. */
const AHEAD = 4;

/** A file that nobody sees yet. Its methods throw what the disk says, naming the path. */
export interface Landing {
  write(bytes: Uint8Array): Promise<void>;
  /** Gives it its name, in place of what had it before. */
  publish(path: string): Promise<void>;
  /** Removes it, if it has no name yet. */
  discard(): void;
}

export interface Disk {
  /** Throws EEXIST, EACCES, ENOENT … */
  create(path: string, mode: number): Promise<Landing>;
}

export interface ReceiverParts {
  readonly rank: number;
  readonly disk: Disk;
  /** The block `n`; behind the last one the digest of all. */
  pull(n: number): Promise<Uint8Array>;
  readonly signal: AbortSignal;
}

/**
 * Resolves to the digest of the file once it is in its place. Throws what the disk says, what `pull` throws, EIO when it is not
 * the file that was sent; then nothing is left of it, and what had the name before still has it.
 */
export async function receive(offer: Offer, { rank, disk, pull, signal }: ReceiverParts): Promise<Uint8Array> {
  const { id, directory, name, mode } = offer;
  const path = `${directory.replace(/\/+$/, "")}/${name}`;
  const count = blockCount(offer);
  // On a file system that ranks share, each has a name of its own.
  const landing = await disk.create(`${directory.replace(/\/+$/, "")}/.${name.slice(0, 100)}.${id}-${rank}`, mode);
  try {
    const digests = new Uint8Array(DIGEST * count);
    let at = 0;
    for await (const block of inOrder(count, pull)) {
      signal.throwIfAborted();
      const length = blockLength(offer, at);
      if (block.length !== length) {
        throw new FluxError("EIO", `${path}: block ${at} has ${block.length} bytes instead of ${length}`);
      }
      digests.set(await digestOf(block as Uint8Array<ArrayBuffer>), DIGEST * at++);
      await landing.write(block);
    }
    const digest = await digestOf(digests);
    const told = await pull(count);
    if (told.length !== DIGEST || !told.every((byte, i) => byte === digest[i])) {
      throw new FluxError("EIO", `${path}: what has arrived is not what was sent`);
    }
    signal.throwIfAborted();
    await landing.publish(path);
    return digest;
  } finally {
    landing.discard();
  }
}

/** The blocks, a few of them asked for beforehand. */
async function* inOrder(count: number, pull: (n: number) => Promise<Uint8Array>): AsyncGenerator<Uint8Array, void> {
  const coming: Promise<Uint8Array>[] = [];
  for (let next = 0; next < count || coming.length > 0;) {
    while (coming.length < AHEAD && next < count) {
      const block = pull(next++);
      // It is looked at in its turn, if it comes to that.
      block.catch(() => {});
      coming.push(block);
    }
    yield await coming.shift()!;
  }
}
