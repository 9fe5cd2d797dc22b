/** One table of what every content store does, for the one on SQLite and for its twin in memory. */

import { encodeText } from "../../../broker/message/mod.ts";
import { type ContentStore, type ContentStores, loadHash, sqliteStores } from "../../../broker/ports/mod.ts";
import { assert, assertEquals, assertRejects, assertThrows } from "../../assert.ts";
import { SimStores } from "../../sim/content_stores.ts";

const hash = await loadHash();
const stored = (text: string) => {
  const blob = encodeText(text);
  return { digest: Uint8Array.fromHex(hash(blob).slice(5)), blob };
};
const NEVER = 0;

const engines: Record<string, () => ContentStores> = {
  "SQLite's": () => sqliteStores,
  "simulated": () => new SimStores(),
};

for (const [engine, stores] of Object.entries(engines)) {
  const test = (
    what: string,
    body: (store: ContentStore, again: () => Promise<ContentStore>) => Promise<void> | void,
  ) =>
    Deno.test(`the ${engine} ContentStore ${what}`, async () => {
      const directory = await Deno.makeTempDir({ prefix: "flux-store-" });
      try {
        const door = stores();
        let store = await door.open(`${directory}/state`, { sync: "normal" });
        const again = async () => {
          store.close();
          return store = await door.open(`${directory}/state`, { sync: "full" });
        };
        await body(store, again);
        store.close();
      } finally {
        await Deno.remove(directory, { recursive: true });
      }
    });

  test("load() finds what commit() stored, also when it is opened again", async (store, again) => {
    const blobs = ["a", "b", ""].map(stored);
    store.commit({ blobs: [...blobs, { digest: stored("x").digest, blob: new Uint8Array(0) }] });
    const check = (reader: ContentStore) => {
      for (const { digest, blob } of blobs) assertEquals(new Uint8Array(reader.load(digest)!), new Uint8Array(blob));
      assertEquals(reader.load(stored("x").digest)?.length, 0);
      assertEquals(reader.load(stored("never").digest), undefined);
    };
    check(store);
    check(await again());
  });

  test("keeps roots until they are removed", async (store, again) => {
    store.commit({ blobs: [], roots: { primary: "1", other: "2" } });
    store.commit({ blobs: [], roots: { primary: "3", other: null } });
    assertEquals([...(await again()).roots()], [["primary", "3"]]);
  });

  test("sweep() deletes what was neither stored nor marked since begin(), in steps", (store) => {
    const blobs = Array.from({ length: 50 }, (_, i) => stored(`blob ${i}`));
    store.commit({ blobs });
    const epoch = store.begin();
    assertEquals(store.epoch, epoch);
    store.mark([stored("unknown").digest, ...blobs.slice(0, 10).map(({ digest }) => digest)]);
    store.commit({ blobs: blobs.slice(10, 20) });
    const gone: Uint8Array[] = [];
    for (let step = store.sweep(7, NEVER);; step = store.sweep(7, NEVER)) {
      assert(step.digests.length <= 7);
      gone.push(...step.digests);
      if (!step.done) continue;
      assertEquals(step.live, blobs.slice(0, 20).reduce((sum, { blob }) => sum + blob.length, 0));
      break;
    }
    assertEquals(
      gone.map((digest) => digest.toHex()).sort(),
      blobs.slice(20).map(({ digest }) => digest.toHex()).sort(),
    );
    assertEquals(blobs.map(({ digest }) => store.load(digest) !== undefined), blobs.map((_, i) => i < 20));
  });

  test("sweep() counts as live what is stored while it goes on", (store) => {
    store.commit({ blobs: [stored("old")] });
    store.begin();
    const blobs = Array.from({ length: 200 }, (_, i) => stored(`new ${i}`));
    let at = 0;
    let step = store.sweep(1, NEVER);
    for (; !step.done; step = store.sweep(1, NEVER)) store.commit({ blobs: [blobs[at++]!] });
    const live = blobs.slice(0, at).reduce((sum, { blob }) => sum + blob.length, 0);
    assertEquals(step.live, live);
  });

  test("sweep() spares what a client used lately", (store) => {
    const [old, used, kept] = ["old", "used", "kept"].map(stored);
    store.commit({ blobs: [old!, used!], used: 100 });
    store.commit({ blobs: [kept!] });
    store.touch([used!.digest, kept!.digest], 200);
    store.begin();
    const { digests } = store.sweep(10, 150);
    assertEquals(
      digests.map((digest) => digest.toHex()).sort(),
      [old!, kept!].map(({ digest }) => digest.toHex()).sort(),
    );
  });

  test("commit() without a time of use leaves a client's blob a client's", (store) => {
    const blob = stored("both");
    store.commit({ blobs: [blob], used: 100 });
    store.commit({ blobs: [blob] });
    store.begin();
    assertEquals(store.sweep(10, 100).digests.length, 0);
  });

  test("scan() goes through all blobs in pieces", (store) => {
    const blobs = Array.from({ length: 30 }, (_, i) => stored(`blob ${i}`.padEnd(100)));
    store.commit({ blobs: blobs.slice(0, 15) });
    store.commit({ blobs: blobs.slice(15), used: 5 });
    const found = new Map<string, number | null>();
    let pieces = 0;
    for (let from: number | null = 0; from !== null; pieces++) {
      const piece = store.scan(from, 500);
      for (const { digest, blob, used } of piece.blobs) {
        assertEquals(hash(blob).slice(5), digest.toHex());
        found.set(digest.toHex(), used);
      }
      from = piece.next;
    }
    assert(pieces > 3, `${pieces} pieces`);
    assertEquals(blobs.map(({ digest }) => found.get(digest.toHex())), blobs.map((_, i) => i < 15 ? null : 5));
  });

  test("remembers who claimed it, the epoch and the last checkpoints", async (store, again) => {
    assertEquals(store.writer(), null);
    store.claim("me");
    store.begin();
    for (let i = 1; i <= 7; i++) store.putCheckpoint(`{"sequence":${i}}`);
    const reader = await again();
    assertEquals([reader.writer(), reader.epoch], ["me", 1]);
    assertEquals(reader.checkpoints(), [7, 6, 5, 4, 3].map((i) => `{"sequence":${i}}`));
    reader.flush();
  });

  Deno.test(`the ${engine} ContentStores.open() refuses with EBUSY what is open already`, async () => {
    const directory = await Deno.makeTempDir({ prefix: "flux-store-" });
    try {
      const door = stores();
      const store = await door.open(directory, { sync: "normal" });
      await assertRejects(door.open(directory, { sync: "normal" }), { errno: "EBUSY", text: directory });
      store.close();
      (await door.open(directory, { sync: "normal" })).close();
    } finally {
      await Deno.remove(directory, { recursive: true });
    }
  });
}

Deno.test("sqliteStores.open() names a file that is no database, and one of a newer format", async () => {
  const directory = await Deno.makeTempDir({ prefix: "flux-store-" });
  try {
    const path = `${directory}/content.sqlite`;
    await Deno.writeTextFile(path, "something else".repeat(100));
    await assertRejects(sqliteStores.open(directory, { sync: "normal" }), { errno: "EIO", text: path });
    await Deno.remove(path);
    const { DatabaseSync } = await import("node:sqlite");
    const database = new DatabaseSync(path);
    database.exec("PRAGMA user_version = 99");
    database.close();
    await assertRejects(sqliteStores.open(directory, { sync: "normal" }), { errno: "EINVAL", text: "newer flux" });
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("sqliteStores.open() makes a directory that only its owner can read", async () => {
  const directory = await Deno.makeTempDir({ prefix: "flux-store-" });
  try {
    (await sqliteStores.open(`${directory}/a/b`, { sync: "normal" })).close();
    assertEquals(Deno.statSync(`${directory}/a/b`).mode! & 0o777, 0o700);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("the SQLite's ContentStore reuses the pages of what was swept", async () => {
  const directory = await Deno.makeTempDir({ prefix: "flux-store-" });
  try {
    const store = await sqliteStores.open(directory, { sync: "normal" });
    const sizes: number[] = [];
    for (let round = 0; round < 6; round++) {
      for (let i = 0; i < 20; i++) {
        store.commit({ blobs: Array.from({ length: 20 }, (_, j) => stored(`${round} ${i} ${j}`.padEnd(2000))) });
      }
      store.begin();
      while (!store.sweep(100, NEVER).done);
      store.flush();
      sizes.push(Deno.statSync(`${directory}/content.sqlite`).size);
    }
    assert(sizes.at(-1)! <= sizes[1]! * 1.1, `sizes after each round: ${sizes}`);
    store.close();
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("the SQLite's ContentStore refuses a blob larger than SQLite takes with EFBIG", async () => {
  const directory = await Deno.makeTempDir({ prefix: "flux-store-" });
  try {
    const store = await sqliteStores.open(directory, { sync: "normal" });
    const blob = new Uint8Array(1_000_000_001);
    assertThrows(() => store.commit({ blobs: [{ digest: stored("x").digest, blob }] }), { errno: "EFBIG" });
    store.commit({ blobs: [stored("small")] });
    assertEquals(store.load(stored("x").digest), undefined);
    store.close();
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});
