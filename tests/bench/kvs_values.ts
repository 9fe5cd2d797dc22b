/** Values for benches of the key-value store, and directories full of them. */

import type { Kvs } from "../../modules/kvs/client.ts";

/** Keys of one transaction while a directory is filled. */
const BATCH = 10_000;

/** A value of `size` bytes, 16 at least, that no other number has. 16 bytes are JSON. */
export function value(number: number, size = 16): Uint8Array {
  const bytes = new Uint8Array(size).fill(0x78);
  new TextEncoder().encodeInto(JSON.stringify(`${number}`.padStart(14, "0")), bytes);
  return bytes;
}

/** Makes `directory` one of `count` entries `k0`, `k1` … with values of 16 bytes. */
export async function fill(kvs: Kvs, directory: string, count: number): Promise<void> {
  await kvs.transaction().mkdir(directory).commit();
  for (let n = 0; n < count;) {
    const transaction = kvs.transaction();
    for (const end = Math.min(n + BATCH, count); n < end; n++) transaction.putBytes(`${directory}.k${n}`, value(n));
    await transaction.commit();
  }
}
