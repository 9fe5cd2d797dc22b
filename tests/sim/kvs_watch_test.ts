import { FluxError } from "../../broker/message/mod.ts";
import { Kvs, type WatchOptions } from "../../modules/kvs/client.ts";
import { append, wait } from "../../modules/kvs/eventlog.ts";
import { valBytes } from "../../modules/kvs/tree/treeobj.ts";
import { assertEquals, assertRejects } from "../assert.ts";
import { forSeeds, type SimSession, simSession, type SimSessionOptions } from "./session.ts";

const utf8 = new TextDecoder();
const upTo = (n: number) => Array.from({ length: n }, (_, i) => i);

function kvsSession(options: SimSessionOptions): Promise<SimSession> {
  return simSession({ modules: ["content", "kvs"], ...options });
}

const kvsOf = (session: SimSession, rank: number, namespace = "primary") =>
  new Kvs(session.handle(rank), { namespace });

/** A watch that keeps the texts it is answered with. */
class Reader {
  readonly texts: string[] = [];
  readonly ended: Promise<unknown>;
  readonly #abort = new AbortController();

  constructor(kvs: Kvs, key: string, options: WatchOptions = {}) {
    this.ended = this.#read(kvs, key, { ...options, signal: this.#abort.signal });
    this.ended.catch(() => {});
  }

  get last(): string | undefined {
    return this.texts.at(-1);
  }

  stop(): void {
    this.#abort.abort(new FluxError("ECANCELED"));
  }

  async #read(kvs: Kvs, key: string, options: WatchOptions): Promise<void> {
    for await (const object of kvs.watch(key, options)) {
      this.texts.push(object.type === "val" ? utf8.decode(valBytes(object)) : Object.keys(object.data).sort().join());
    }
  }
}

async function watching(session: SimSession, rank: number): Promise<number> {
  const stats = session.handle(rank).rpc<{ watchers: number }>("kvs-watch.stats-get");
  return (await session.settle(stats)).watchers;
}

Deno.test("watches on all ranks are answered with the value at every root that names the key, in order", async () => {
  await forSeeds(10, async (seed) => {
    const session = await kvsSession({ size: 15, seed, network: { delay: { min: 0.1, max: 1 + 5 * (seed % 4) } } });
    const random = session.random.fork("commits");
    const clients = upTo(15).map((rank) => kvsOf(session, rank));
    await session.settle(clients[0]!.transaction().put("d.k", "start").commit());
    await session.settle(Promise.all(clients.map((kvs) => kvs.waitVersion(1))));
    const plain = clients.map((kvs) => new Reader(kvs, "d.k"));
    const uniq = clients.map((kvs) => new Reader(kvs, "d.k", { uniq: true, full: true }));
    await session.until(() => [...plain, ...uniq].every(({ texts }) => texts.length === 1));

    const roots = new Map<number, string>();
    const commits = upTo(60).map(async (i) => {
      const rank = random.below(15);
      const transaction = clients[rank]!.transaction().put(i % 3 === 2 ? "d.other" : "d.k", `${rank}.${i}`);
      const { rootseq, rootref } = await transaction.commit();
      roots.set(rootseq, rootref);
      assertEquals(await clients[rank]!.get("d.k", { rootref }), await clients[0]!.get("d.k", { rootref }));
    });
    for (const commit of commits) if (random.float() < 0.5) await session.settle(commit);
    await session.settle(Promise.all(commits));
    const sequence: string[] = [];
    for (const rootseq of [...roots.keys()].sort((a, b) => a - b)) {
      const rootref = roots.get(rootseq)!;
      sequence.push(JSON.stringify(await session.settle(clients[0]!.get("d.k", { rootref }))));
    }
    const changes = ['"start"', ...sequence].filter((value, i, all) => value !== all[i - 1]);
    await session.until(() => [...plain, ...uniq].every(({ last }) => last === changes.at(-1)));
    for (const { texts } of plain) assertEquals(texts, changes);
    for (const { texts } of uniq) assertEquals(texts, changes.filter((value) => texts.includes(value)));
  });
});

Deno.test("watches of appends on all ranks get every byte once, whoever appends", async () => {
  await forSeeds(10, async (seed) => {
    const session = await kvsSession({ size: 15, seed, network: { delay: { min: 0.1, max: 10 } } });
    const random = session.random.fork("appends");
    const clients = upTo(15).map((rank) => kvsOf(session, rank));
    const early = clients.map((kvs) => new Reader(kvs, "d.log", { append: true, waitcreate: true }));
    const late: Reader[] = [];
    const commits: Promise<unknown>[] = [];
    for (let i = 0; i < 150; i++) {
      commits.push(clients[random.below(15)]!.transaction().append("d.log", `${i};`).commit());
      if (i % 20 === 10) late.push(new Reader(clients[random.below(15)]!, "d.log", { append: true, waitcreate: true }));
      if (random.float() < 0.3) await session.run(random.float() * 20);
    }
    await session.settle(Promise.all(commits));
    const whole = await session.settle(clients[0]!.getText("d.log"));
    assertEquals(whole.split(";").length, 151);
    const readers = [...early, ...late];
    await session.until(() => readers.every(({ texts }) => texts.join("").length >= whole.length));
    for (const { texts } of readers) assertEquals(texts.join(""), whole);
  });
});

Deno.test("a watch waits for its key, and for one that comes with a copied directory", async () => {
  const session = await kvsSession({ size: 7 });
  const writer = kvsOf(session, 5);
  const reader = new Reader(kvsOf(session, 6), "job.1.state", { waitcreate: true });
  const copied = new Reader(kvsOf(session, 3), "copy.1.state", { waitcreate: true });
  await session.run(100);
  await session.settle(writer.transaction().put("job.1.state", "new").commit());
  await session.until(() => reader.texts.length === 1);
  await session.settle(
    writer.transaction().putTreeObject("copy", await session.settle(writer.lookup("job", 16))).commit(),
  );
  await session.until(() => copied.texts.length === 1);
  assertEquals([reader.texts, copied.texts], [['"new"'], ['"new"']]);
});

Deno.test("a full watch on another rank follows links, their targets and replaced parents", async () => {
  await forSeeds(5, async (seed) => {
    const session = await kvsSession({ size: 7, seed, network: { delay: { min: 0.1, max: 8 } } });
    const writer = kvsOf(session, 4);
    const commit = (write: (t: ReturnType<Kvs["transaction"]>) => unknown) => {
      const transaction = writer.transaction();
      write(transaction);
      return session.settle(transaction.commit());
    };
    const first = await commit((t) => t.put("one.x", 1).put("two.x", 2).symlink("link", "one").put("far.a.x", 5));
    const client = kvsOf(session, 6);
    await session.settle(client.waitVersion(first.rootseq));
    const reader = new Reader(client, "link.x", { full: true });
    const sees = (value: string) => session.until(() => reader.last === value);
    await sees("1");
    await commit((t) => t.symlink("link", "two"));
    await sees("2");
    await commit((t) => t.put("one.x", "unseen"));
    await commit((t) => t.put("link.x", 3));
    await sees("3");
    await commit((t) => t.unlink("two").put("two.x", 4));
    await sees("4");
    const far = await session.settle(writer.lookup("far.a", 16));
    await commit((t) => t.putTreeObject("link", far));
    await sees("5");
    assertEquals(reader.texts, ["1", "2", "3", "4", "5"]);
    await commit((t) => t.unlink("link"));
    await assertRejects(session.settle(reader.ended), { errno: "ENOENT" });
  });
});

Deno.test("a watch of a directory on another rank sees what is put below it and taken away", async () => {
  const session = await kvsSession({ size: 3 });
  const writer = kvsOf(session, 1);
  const { rootseq } = await session.settle(writer.transaction().put("d.a", 1).commit());
  const client = kvsOf(session, 2);
  await session.settle(client.waitVersion(rootseq));
  const reader = new Reader(client, "d", { dir: true });
  await session.until(() => reader.last === "a");
  await session.settle(writer.transaction().put("d.b.c", 1).unlink("d.a").commit());
  await session.settle(writer.transaction().put("e", 1).commit());
  await session.until(() => reader.last === "b");
  assertEquals(reader.texts, ["a", "b"]);
});

Deno.test("watches end with ENOTSUP on every rank when their namespace is removed, and others go on", async () => {
  const session = await kvsSession({ size: 7 });
  const { namespaces } = kvsOf(session, 3);
  await session.settle(namespaces.create("ns"));
  await session.settle(kvsOf(session, 3, "ns").transaction().put("k", 1).commit());
  const readers = upTo(7).map((rank) => new Reader(kvsOf(session, rank, "ns"), "k", { waitcreate: true }));
  const other = new Reader(kvsOf(session, 6), "k", { waitcreate: true });
  await session.until(() => readers.every(({ texts }) => texts.length > 0));
  await session.settle(namespaces.remove("ns"));
  for (const { ended } of readers) await assertRejects(session.settle(ended), { errno: "ENOTSUP" });
  await assertRejects(session.settle(new Reader(kvsOf(session, 5, "ns"), "k").ended), { errno: "ENOTSUP" });
  await session.settle(kvsOf(session, 1).transaction().put("k", 2).commit());
  await session.until(() => other.last === "2");
});

Deno.test("watches leave nothing behind when they are cancelled or their clients vanish", async () => {
  const session = await kvsSession({ size: 3 });
  await session.settle(kvsOf(session, 2).transaction().put("k", 1).commit());
  const readers = ["k", "none", "log"].map((key) =>
    new Reader(kvsOf(session, 2), key, { waitcreate: true, append: key === "log" })
  );
  const vanishing = session.handle(2);
  const orphan = new Reader(new Kvs(vanishing), "k");
  await session.until(() => readers[0]!.texts.length + orphan.texts.length === 2);
  assertEquals(await watching(session, 2), 4);
  for (const reader of readers) reader.stop();
  vanishing.close();
  for (const { ended } of readers) await assertRejects(session.settle(ended), { errno: "ECANCELED" });
  assertEquals(await watching(session, 2), 0);
});

Deno.test("watches end with ENOSYS when the module is unloaded", async () => {
  const session = await kvsSession({ size: 3 });
  const readers = [
    new Reader(kvsOf(session, 2), "none", { waitcreate: true }),
    new Reader(kvsOf(session, 2), "none", { waitcreate: true, stream: true }),
  ];
  await session.run(100);
  await session.settle(session.brokers[2]!.modules.remove("kvs"));
  for (const { ended } of readers) await assertRejects(session.settle(ended), { errno: "ENOSYS" });
});

Deno.test("watches miss and double nothing while their ranks move to other parents", async () => {
  await forSeeds(10, async (seed) => {
    const session = await kvsSession({ size: 15, seed, network: { delay: { min: 0.1, max: 5 } } });
    const random = session.random.fork("moves");
    const writer = kvsOf(session, 5);
    await session.settle(writer.transaction().put("n", 0).append("log", "0;").commit());
    const ranks = [0, 3, 7, 8, 14];
    await session.settle(Promise.all(ranks.map((rank) => kvsOf(session, rank).waitVersion(1))));
    const numbers = ranks.map((rank) => new Reader(kvsOf(session, rank), "n"));
    const logs = ranks.map((rank) => new Reader(kvsOf(session, rank), "log", { append: true }));
    await session.until(() => [...numbers, ...logs].every(({ texts }) => texts.length > 0));
    const owner = session.handle(0);
    const moves: Promise<unknown>[] = [];
    for (let i = 1; i <= 60; i++) {
      await session.settle(writer.transaction().put("n", i).append("log", `${i};`).commit());
      const move = new Map([[10, [3, 2]], [20, [7, 0]], [30, [8, 13]], [40, [14, 3]]]).get(i);
      if (move) moves.push(owner.rpc("cmb.reparent", { uri: `ipc:///sim/tbon-${move[1]}` }, { rank: move[0]! }));
      await session.run(random.float() * 20);
    }
    await session.settle(Promise.all(moves));
    const whole = upTo(61).map((i) => `${i};`).join("");
    await session.until(() => numbers.every(({ last }) => last === "60"));
    await session.until(() => logs.every(({ texts }) => texts.join("").length >= whole.length));
    for (const { texts } of numbers) assertEquals(texts, upTo(61).map(String));
    for (const { texts } of logs) assertEquals(texts.join(""), whole);
  });
});

Deno.test("an event that is appended on one rank is waited for on another", async () => {
  const session = await kvsSession({ size: 7 });
  const waiting = wait(kvsOf(session, 6), "job.eventlog", "finish", { waitcreate: true });
  for (const name of ["submit", "start", "finish"]) {
    await session.settle(append(kvsOf(session, 3), "job.eventlog", [{ timestamp: 1, name }]));
  }
  assertEquals((await session.settle(waiting)).name, "finish");
});

Deno.test("watches are answered once with what a fence has written whose keys are too many to be told", async () => {
  const session = await kvsSession({ size: 7 });
  const key = (rank: number, i: number) => `parts.rank-${rank}.piece-${i}`;
  await session.settle(kvsOf(session, 0).transaction().put(key(3, 0), "old").put("other", "same").commit());
  const one = upTo(7).map((rank) => new Reader(kvsOf(session, rank), key(3, 0)));
  const other = upTo(7).map((rank) => new Reader(kvsOf(session, rank), "other"));
  await session.until(() => [...one, ...other].every(({ texts }) => texts.length === 1));
  await session.settle(Promise.all(
    upTo(7).map((rank) => {
      const transaction = kvsOf(session, rank).transaction();
      for (const i of upTo(1000)) transaction.put(key(rank, i), `new ${rank}`);
      return transaction.fence("parts", 7);
    }),
  ));
  await session.run(100);
  assertEquals(one.map(({ texts }) => texts), Array(7).fill(['"old"', '"new 3"']));
  assertEquals(other.map(({ texts }) => texts), Array(7).fill(['"same"']));
});
