/**
 * What brokers and the sender of a file say to each other. The sender asks every rank to take a file (`bcast.receive`); each rank
 * pulls its blocks from its parent (`bcast.pull`), rank 0 from the sender (`bcast-ID.block`). Pure.
 */

import { FluxError, type JsonObject } from "../../broker/message/mod.ts";
import { integerField, stringField } from "../../broker/handle/mod.ts";

/** Bytes of a block, as the command sends them. */
export const BLOCK = 512 << 10;
/** Of the largest that is taken. */
const BLOCK_LIMIT = 4 << 20;

/** Where the blocks of one file come from. */
export interface Origin {
  /** What the sender calls this broadcast; unique. */
  readonly id: string;
  /** The rank whose client the sender is. */
  readonly from: number;
}

/** A file that is offered. */
export interface Offer extends Origin {
  /** A directory, absolute. */
  readonly directory: string;
  /** Its name there. */
  readonly name: string;
  /** Permission bits. */
  readonly mode: number;
  readonly size: number;
  /** Bytes of a block; the last one may have fewer. */
  readonly block: number;
}

/** The number behind the last block's: by it the digest of all is asked for. */
export function blockCount({ size, block }: Pick<Offer, "size" | "block">): number {
  return Math.ceil(size / block);
}

/** Length of block `n`. */
export function blockLength({ size, block }: Pick<Offer, "size" | "block">, n: number): number {
  return Math.min(block, size - n * block);
}

/** The service under which the sender gives out blocks. */
export function senderService(id: string): string {
  return `bcast-${id}`;
}

/** Throws EPROTO, EINVAL naming the field. */
export function readOrigin(payload: JsonObject): Origin {
  const id = stringField(payload, "id");
  if (!/^[\w-]{1,64}$/.test(id)) throw new FluxError("EINVAL", '"id" must be a word');
  return { id, from: natural(payload, "from") };
}

/** Throws EPROTO, EINVAL naming the field. */
export function readOffer(payload: JsonObject): Offer {
  const [directory, name] = [stringField(payload, "directory"), stringField(payload, "name")];
  if (!directory.startsWith("/")) throw new FluxError("EINVAL", '"directory" must be an absolute path');
  if (name === "" || name === "." || name === ".." || name.includes("/") || name.includes("\0")) {
    throw new FluxError("EINVAL", '"name" must be the name of a file');
  }
  const [mode, size, block] = [natural(payload, "mode"), natural(payload, "size"), natural(payload, "block")];
  if (block < 1 || block > BLOCK_LIMIT) throw new FluxError("EINVAL", `"block" must be 1 to ${BLOCK_LIMIT}`);
  return { ...readOrigin(payload), directory, name, mode: mode & 0o777, size, block };
}

/** What stands for a whole file: the digest (SHA-256) of the digests of its blocks. */
export async function digestOf(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
}

export const DIGEST = 32;

function natural(payload: JsonObject, name: string): number {
  const value = integerField(payload, name);
  if (value < 0) throw new FluxError("EINVAL", `"${name}" must not be negative`);
  return value;
}
