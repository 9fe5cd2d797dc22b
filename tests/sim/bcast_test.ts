/** Files to many ranks over the tree, in virtual time, onto disks in memory. */

import { createHash } from "node:crypto";
import { assert, assertEquals } from "../assert.ts";
import { FluxError } from "../../broker/message/mod.ts";
import { broadcast, type Outcome, type SentFile } from "../../modules/bcast/client.ts";
import { bcastMethods } from "../../modules/bcast/methods.ts";
import type { Relay } from "../../modules/bcast/relay.ts";
import { MemoryDisk, patterned } from "../unit/modules/bcast/memory_disk.ts";
import { forSeeds, type SimSession, simSession } from "./session.ts";

const BLOCK = 1000;

// WebCrypto works in threads of its own and takes real time, which virtual time would run ahead of.
crypto.subtle.digest = (_, data) => {
  const bytes = ArrayBuffer.isView(data) ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength) : data;
  return Promise.resolve(new Uint8Array(createHash("sha256").update(new Uint8Array(bytes)).digest()).buffer);
};

interface World {
  readonly session: SimSession;
  readonly disks: MemoryDisk[];
  readonly relays: Relay[];
  /** Blocks read from the file, by number. */
  readonly read: number[];
}

async function world(size: number, seed = 1, rooms: Record<number, number> = {}): Promise<World> {
  const session = await simSession({ size, seed });
  const disks = Array.from({ length: size }, (_, rank) => new MemoryDisk(rooms[rank]));
  const relays: Relay[] = [];
  for (let rank = 0; rank < size; rank++) {
    const handle = session.handle(rank);
    const parts = { handle, clock: session.clock, rank, hostname: session.host(rank), disk: disks[rank]! };
    const { methods, relay } = bcastMethods(parts);
    relays.push(relay);
    await session.settle(handle.serve(methods));
  }
  return { session, disks, relays, read: [] };
}

/** Sends `bytes` from a client of rank `from`; what became of it, by rank. */
async function send({ session, read }: World, bytes: Uint8Array<ArrayBuffer>, from = 0, ranks?: string) {
  const file: SentFile = {
    size: bytes.length,
    read: (offset, length) => {
      read.push(offset / BLOCK);
      return Promise.resolve(bytes.slice(offset, offset + length));
    },
  };
  const outcomes: Outcome[] = [];
  const offer = { id: "one", from, directory: "/scratch/{rank}", name: "f", mode: 0o755, block: BLOCK };
  const sending = async () => {
    const options = { ranks: ranks as never ?? "all" };
    for await (const one of broadcast(session.handle(from), file, offer, options)) outcomes.push(one);
  };
  await session.settle(sending());
  return outcomes.sort((a, b) => a.rank - b.rank);
}

Deno.test("a file reaches every rank from a client anywhere, and leaves its sender about once", () =>
  forSeeds(3, async (seed) => {
    for (const from of [0, 6, 14]) {
      const all = await world(15, seed);
      const bytes = patterned(6 * BLOCK + 11);
      const outcomes = await send(all, bytes, from);
      assertEquals(outcomes.map((one) => "digest" in one && one.rank), Array.from({ length: 15 }, (_, rank) => rank));
      assertEquals(new Set(outcomes.map((one) => "digest" in one && one.digest)).size, 1);
      for (const [rank, { files, open }] of all.disks.entries()) {
        const { content, mode } = files.get(`/scratch/${rank}/f`)!;
        assertEquals([files.size, open, mode], [1, 0, 0o755]);
        assert(content.every((byte, i) => byte === bytes[i]) && content.length === bytes.length);
      }
      // Once for the tree, and once for the rank of the sender if that is not its root.
      assert(all.read.length <= (from === 0 ? 7 : 14), `${all.read.length} blocks were read`);
      await all.session.run(20_000);
      assertEquals(all.relays.map(({ held }) => held), Array(15).fill(0));
    }
  }));

Deno.test("a file goes to the ranks that are named, through those that are not", async () => {
  const all = await world(15);
  const outcomes = await send(all, patterned(BLOCK + 1), 0, "11-13");
  assertEquals(outcomes.map(({ rank }) => rank), [11, 12, 13]);
  assertEquals(all.disks.map(({ files }) => files.size), [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 0]);
});

Deno.test("a rank whose disk is full is named, and the others have the file", async () => {
  const all = await world(7, 1, { 1: 2 * BLOCK, 5: 0 });
  const outcomes = await send(all, patterned(4 * BLOCK));
  const failed = outcomes.filter((one) => "error" in one).map(({ rank, error }) => [rank, error.errnum]);
  assertEquals(failed, [[1, 28], [5, 28]]);
  assertEquals(all.disks.map(({ files }) => files.size), [1, 0, 1, 1, 1, 0, 1]);
  assertEquals(all.disks.map(({ open }) => open), [0, 0, 0, 0, 0, 0, 0]);
});

Deno.test("a rank that dies meanwhile is named with those below it, and nothing is left of the file there", () =>
  forSeeds(10, async (seed) => {
    const all = await world(15, seed);
    const { session, read, disks } = all;
    const killAt = 1 + session.random.below(10);
    const push = read.push.bind(read);
    read.push = (n) => {
      if (n === killAt && read.length < 20) session.kill(2);
      return push(n);
    };
    const outcomes = await send(all, patterned(12 * BLOCK));
    assertEquals(outcomes.length, 15);
    const failed = outcomes.filter((one) => "error" in one);
    assert(failed.some(({ rank }) => rank === 2));
    assert(failed.every(({ rank, error }) => [2, 5, 6, 11, 12, 13, 14].includes(rank) && error instanceof FluxError));
    for (const { rank } of outcomes) {
      const has = disks[rank]!.files.has(`/scratch/${rank}/f`);
      if (!failed.some((one) => one.rank === rank)) assert(has, `rank ${rank} has no file`);
    }
  }));

Deno.test("a file that changes while it is sent never becomes two different files", async () => {
  const all = await world(7);
  const bytes = patterned(20 * BLOCK);
  const push = all.read.push.bind(all.read);
  all.read.push = (n) => {
    // Block 0 was given out; the sender is asked for it again, since its own rank pulls it as well as the tree.
    if (all.read.length === 3) bytes.fill(7);
    return push(n);
  };
  const outcomes = await send(all, bytes, 6);
  const whole = new Set(outcomes.map((one) => "digest" in one ? one.digest : "failed"));
  assert(whole.has("failed") || whole.size === 1);
  const contents = all.disks.flatMap(({ files }) => [...files.values()]).map(({ content }) => content);
  assertEquals(new Set(contents.map((content) => `${content[0]} ${content.at(-1)}`)).size <= 1, true);
});

Deno.test("whoever stops waiting stops it everywhere", async () => {
  const all = await world(7);
  const { session } = all;
  const sender = session.handle(0), stop = new AbortController();
  let given = 0;
  const file: SentFile = {
    size: 30 * BLOCK,
    read: (_offset, length) => {
      if (++given === 5) stop.abort(new FluxError("ECANCELED"));
      return Promise.resolve(new Uint8Array(length));
    },
  };
  const offer = { id: "two", from: 0, directory: "/d", name: "f", mode: 0o600, block: BLOCK };
  const sending = (async () => {
    for await (const _ of broadcast(sender, file, offer, { ranks: "all", signal: stop.signal }));
  })();
  const error = await session.settle(sending.then(() => undefined, (reason) => reason));
  assert(error instanceof FluxError);
  sender.close();
  await session.run(5000);
  assertEquals(all.disks.map(({ files, open }) => [files.size, open]), Array(7).fill([0, 0]));
  assert(given < 30);
});
