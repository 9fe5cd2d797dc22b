/** One file on its way to the disk of one rank. */

import fc from "fast-check";
import { assert, assertEquals, assertRejects } from "../../../assert.ts";
import { FluxError } from "../../../../broker/message/mod.ts";
import { blockCount, blockLength, digestOf, type Offer, readOffer } from "../../../../modules/bcast/protocol.ts";
import { receive } from "../../../../modules/bcast/receiver.ts";
import { MemoryDisk, patterned } from "./memory_disk.ts";

const BLOCK = 1000;
const offer = (size: number): Offer => ({
  id: "i",
  from: 0,
  directory: "/d",
  name: "f",
  mode: 0o640,
  size,
  block: BLOCK,
});

/** Gives out the blocks of `bytes`, and behind them the digest. */
function source(bytes: Uint8Array<ArrayBuffer>): (n: number) => Promise<Uint8Array> {
  const block = (n: number) => bytes.slice(n * BLOCK, (n + 1) * BLOCK);
  const count = blockCount(offer(bytes.length));
  return async (n) => {
    if (n < count) return block(n);
    const digests = await Promise.all(Array.from({ length: count }, (_, i) => digestOf(block(i))));
    return await digestOf(new Uint8Array(digests.flatMap((digest) => [...digest])));
  };
}

const rank = 3;
const signal = new AbortController().signal;

for (const size of [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 7 * BLOCK + 5]) {
  Deno.test(`receive() puts a file of ${size} bytes into its place, with its mode and its digest`, async () => {
    const disk = new MemoryDisk(), bytes = patterned(size);
    const digest = await receive(offer(size), { rank, disk, pull: source(bytes), signal });
    assertEquals([...disk.files.keys()], ["/d/f"]);
    const { content, mode } = disk.files.get("/d/f")!;
    assert(content.length === size && content.every((byte, i) => byte === bytes[i]));
    assertEquals([mode, digest], [0o640, await source(bytes)(blockCount(offer(size)))]);
  });
}

Deno.test("receive() asks for a few blocks beforehand, and for each once", async () => {
  const disk = new MemoryDisk(), bytes = patterned(10 * BLOCK), asked: number[] = [];
  let under = 0, most = 0;
  const pull = async (n: number) => {
    asked.push(n);
    most = Math.max(most, ++under);
    const block = await source(bytes)(n);
    under--;
    return block;
  };
  await receive(offer(bytes.length), { rank, disk, pull, signal });
  assertEquals(asked, Array.from({ length: 11 }, (_, n) => n));
  assert(most > 1 && most <= 4, `${most} at a time`);
});

Deno.test("receive() refuses what is not what was sent, and leaves what was there", async () => {
  const bytes = patterned(3 * BLOCK);
  const wrong = { bit: (b: Uint8Array) => b.with(7, b[7]! ^ 1), short: (b: Uint8Array) => b.subarray(1) };
  for (const [what, change] of Object.entries(wrong)) {
    for (const at of [0, 2, 3]) {
      const disk = new MemoryDisk();
      disk.files.set("/d/f", { content: Uint8Array.of(1), mode: 0o600 });
      const pull = async (n: number) => n === at ? change(await source(bytes)(n)) : await source(bytes)(n);
      await assertRejects(() => receive(offer(bytes.length), { rank, disk, pull, signal }), {
        errno: "EIO",
        text: "/d/f",
      });
      assertEquals([...disk.files], [["/d/f", { content: Uint8Array.of(1), mode: 0o600 }]], `${what} ${at}`);
    }
  }
});

Deno.test("receive() leaves nothing when the disk is full, when a block cannot be had, when nobody wants it any more", async () => {
  const bytes = patterned(5 * BLOCK);
  const stop = new AbortController();
  const full = new MemoryDisk(2 * BLOCK), other = new MemoryDisk(), stopped = new MemoryDisk();
  const lost = (n: number) => n === 4 ? Promise.reject(new FluxError("EHOSTUNREACH")) : source(bytes)(n);
  const late = (n: number) => {
    if (n === 3) stop.abort(new FluxError("ECANCELED"));
    return source(bytes)(n);
  };
  const parts = { rank, signal };
  await assertRejects(() => receive(offer(bytes.length), { ...parts, disk: full, pull: source(bytes) }), {
    errno: "ENOSPC",
  });
  await assertRejects(() => receive(offer(bytes.length), { ...parts, disk: other, pull: lost }), {
    errno: "EHOSTUNREACH",
  });
  const aborted = { rank, disk: stopped, pull: late, signal: stop.signal };
  await assertRejects(() => receive(offer(bytes.length), aborted), { errno: "ECANCELED" });
  assertEquals([full.files.size, other.files.size, stopped.files.size], [0, 0, 0]);
  assertEquals([full.open, other.open, stopped.open], [0, 0, 0]);
});

Deno.test("readOffer() takes names of files only, and bits of permission only", () => {
  const { from, ...rest } = offer(1);
  assertEquals(readOffer({ ...rest, from, mode: 0o104755 }).mode, 0o755);
  for (const name of ["", ".", "..", "a/b", "/a", "a\0"]) assertThrowsOffer({ ...rest, from, name });
  for (const directory of ["", "d", "./d"]) assertThrowsOffer({ ...rest, from, directory });
  for (const id of ["", "a.b", "a b", "../x", "x".repeat(65)]) assertThrowsOffer({ ...rest, from, id });
  for (const odd of [{ size: -1 }, { block: 0 }, { block: 1 << 30 }]) assertThrowsOffer({ ...rest, from, ...odd });
});

function assertThrowsOffer(fields: object): void {
  let error: unknown;
  try {
    readOffer(fields as never);
  } catch (thrown) {
    error = thrown;
  }
  assert(error instanceof FluxError && error.errnum === 22, `${JSON.stringify(fields)}: ${error}`);
}

Deno.test("blocks cover a file of any size without a gap", () => {
  fc.assert(fc.property(fc.nat(1 << 20), fc.integer({ min: 500, max: 5000 }), (size, block) => {
    const shape = { size, block };
    const lengths = Array.from({ length: blockCount(shape) }, (_, n) => blockLength(shape, n));
    assertEquals(lengths.reduce((sum, length) => sum + length, 0), size);
    assert(lengths.slice(0, -1).every((length) => length === block) && lengths.every((length) => length > 0));
  }));
});
