import { FluxError } from "../../broker/message/mod.ts";
import { blockKey, openReader, openWriter, type Reader } from "../../modules/kz/client.ts";
import { assert, assertEquals, assertRejects } from "../assert.ts";
import { kvsAt, session } from "./kvs.ts";
import { forSeeds, type SimSession } from "./session.ts";

const utf8 = new TextEncoder(), text = new TextDecoder();

/** Everything a reader gets until the end. */
async function whole(reader: Reader): Promise<string> {
  let read = "";
  for await (const bytes of reader) read += text.decode(bytes);
  return read;
}

async function write(sim: SimSession, key: string, ...pieces: string[]): Promise<void> {
  const writer = await sim.settle(openWriter(kvsAt(sim, 0), key));
  for (const piece of pieces) await sim.settle(writer.put(utf8.encode(piece)));
  await sim.settle(writer.close());
}

Deno.test("readers on all ranks, early and late, get every block of a stream in order, and its end", async () => {
  await forSeeds(5, async (seed) => {
    const sim = await session({ size: 7, seed, network: { delay: { min: 0.1, max: 8 } } });
    const random = sim.random.fork("blocks");
    const readers: Promise<string>[] = [];
    const read = async () => whole(await openReader(kvsAt(sim, random.below(7)), "job.out", { noexist: true }));
    for (let i = 0; i < 4; i++) readers.push(read());
    const writer = await sim.settle(openWriter(kvsAt(sim, 5), "job.out"));
    const lines = Array.from({ length: 100 }, (_, i) => `line ${i}\n`);
    for (const [i, line] of lines.entries()) {
      await sim.settle(writer.put(utf8.encode(line)));
      if (i % 20 === 7) readers.push(read());
      if (random.float() < 0.3) await sim.run(random.float() * 20);
    }
    await sim.settle(writer.close());
    readers.push(read(), read());
    for (const reader of readers) assertEquals(await sim.settle(reader), lines.join(""));
    assertEquals(await sim.settle(kvsAt(sim, 0).getText(blockKey("job.out", 100))), '{"eof":true}');
  });
});

Deno.test("a writer gathers what comes during a commit", async () => {
  const sim = await session({ size: 3 });
  const kvs = kvsAt(sim, 2);
  const writer = await sim.settle(openWriter(kvs, "s"));
  const { rootseq } = await sim.settle(kvs.root());
  for (let i = 0; i < 50; i++) await writer.put(utf8.encode("x"));
  await sim.settle(writer.close());
  assertEquals((await sim.settle(kvs.dir("s"))).size, 51);
  const commits = (await sim.settle(kvs.root())).rootseq - rootseq;
  assert(commits <= 3, `${commits} commits`);
});

Deno.test("a stream is not begun over another one, unless it is truncated", async () => {
  const sim = await session({ size: 1 });
  await write(sim, "s", "one", "two");
  const kvs = kvsAt(sim, 0);
  await assertRejects(sim.settle(openWriter(kvs, "s")), { errno: "EEXIST", text: "s: File exists" });
  const writer = await sim.settle(openWriter(kvs, "s", { truncate: true }));
  await sim.settle(writer.close());
  assertEquals(await sim.settle(openReader(kvs, "s").then(whole)), "");
});

Deno.test("a reader says that there is no stream, or waits for one", async () => {
  const sim = await session({ size: 1 });
  const kvs = kvsAt(sim, 0);
  await sim.settle(kvs.transaction().put("value", 1).commit());
  await assertRejects(sim.settle(openReader(kvs, "none")), { errno: "ENOENT" });
  await assertRejects(sim.settle(openReader(kvs, "value")), { errno: "ENOTDIR" });
  const waiting = openReader(kvs, "none", { noexist: true }).then(whole);
  await write(sim, "none", "came");
  assertEquals(await sim.settle(waiting), "came");
});

Deno.test("a reader that may not wait is told EAGAIN, and one that waits can be interrupted", async () => {
  const sim = await session({ size: 1 });
  const kvs = kvsAt(sim, 0);
  const writer = await sim.settle(openWriter(kvs, "s"));
  await sim.settle(writer.put(utf8.encode("first")).then(() => writer.flush()));
  const abort = new AbortController();
  const reader = await sim.settle(openReader(kvs, "s", { signal: abort.signal }));
  assertEquals(text.decode((await sim.settle(reader.poll()))?.data), "first");
  await assertRejects(sim.settle(reader.poll()), { errno: "EAGAIN" });
  const waiting = reader.get();
  await sim.run(10);
  abort.abort(new FluxError("ECANCELED"));
  await assertRejects(sim.settle(waiting), { errno: "ECANCELED" });
  assertEquals((await sim.settle(sim.handle(0).rpc<{ watchers: number }>("kvs-watch.stats-get"))).watchers, 0);
});

Deno.test("steps that are delayed are committed by the next one that is not, and raw streams end as their writer says", async () => {
  const sim = await session({ size: 1 });
  const kvs = kvsAt(sim, 0);
  const writer = await sim.settle(openWriter(kvs, "s", { raw: true, delay: { open: true, put: true } }));
  await sim.settle(writer.put(utf8.encode("a")));
  await sim.run(1000);
  assertEquals(await sim.settle(kvs.exists("s")), false);
  await sim.settle(writer.flush());
  await sim.settle(writer.putBlock({ data: utf8.encode("b"), eof: true }));
  await sim.settle(writer.close());
  assertEquals([...(await sim.settle(kvs.dir("s"))).keys()], ["000000", "000001"]);
  const reader = await sim.settle(openReader(kvs, "s"));
  assertEquals(await sim.settle(whole(reader)), "ab");
  await assertRejects(writer.put(utf8.encode("c")), { errno: "EBADF" });
  await assertRejects(writer.put(new Uint8Array(0)), { errno: "EINVAL" });
});

Deno.test("writers of a group commit together", async () => {
  const sim = await session({ size: 3 });
  const group = { name: "lwj.1.out", nprocs: 2 };
  const open = (rank: number) => openWriter(kvsAt(sim, rank), `lwj.1.${rank}.stdout`, { group, delay: { put: true } });
  const writers = await sim.settle(Promise.all([open(1), open(2)]));
  await sim.settle(Promise.all(writers.map(async (writer) => {
    await writer.put(utf8.encode("x"));
    await writer.close();
  })));
  assertEquals((await sim.settle(kvsAt(sim, 0).root())).rootseq, 2);
});

Deno.test("a writer whose commit is refused says so", async () => {
  const sim = await session({ size: 1 });
  const kvs = kvsAt(sim, 0);
  const writer = await sim.settle(openWriter(kvs, "s"));
  await sim.settle(sim.brokers[0]!.modules.remove("kvs"));
  await sim.settle(writer.put(utf8.encode("lost")));
  await assertRejects(sim.settle(writer.flush()), { errno: "ENOSYS" });
  await assertRejects(sim.settle(writer.close()), { errno: "ENOSYS" });
});
