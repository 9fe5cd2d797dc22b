import { Hoard } from "../../../../modules/content/hoard.ts";
import { assertEquals } from "../../../assert.ts";

const blob = new Uint8Array(10);

function hoard(...names: string[]): Hoard {
  const hoard = new Hoard();
  for (const name of names) hoard.put(name, blob);
  return hoard;
}

const names = (hoard: Hoard) => hoard.all().map(({ blobref }) => blobref).sort();

Deno.test("Hoard.sweep() deletes what was neither stored nor marked in the epoch", () => {
  const kept = hoard("old", "again", "marked");
  kept.begin();
  kept.put("again", blob);
  kept.put("new", blob);
  kept.mark(["marked", "unknown"]);
  assertEquals(kept.sweep(100, 0), { deleted: 1, bytes: 10, done: true, live: 30 });
  assertEquals(names(kept), ["again", "marked", "new"]);
});

Deno.test("Hoard.sweep() looks at no more blobs than it is told to", () => {
  const kept = hoard("a", "b", "c", "d", "e");
  kept.begin();
  const steps = [kept.sweep(2, 0), kept.sweep(2, 0), kept.sweep(2, 0)];
  assertEquals(steps.map(({ deleted, done }) => [deleted, done]), [[2, false], [2, false], [1, true]]);
});

Deno.test("Hoard.sweep() spares a client's blob until it was not used for long enough", () => {
  const kept = new Hoard();
  kept.put("client", blob, 100);
  kept.begin();
  assertEquals(kept.sweep(10, 100).deleted, 0);
  kept.get("client", () => 150);
  kept.begin();
  assertEquals(kept.sweep(10, 150).deleted, 0);
  kept.begin();
  assertEquals(kept.sweep(10, 151).deleted, 1);
});

Deno.test("Hoard.get() makes no client's blob of one that only kvs stored", () => {
  const kept = hoard("a");
  kept.get("a", () => 1000);
  kept.begin();
  assertEquals(kept.sweep(10, 0).deleted, 1);
});

Deno.test("Hoard.changes() tells what came and what clients stored again since all()", () => {
  const kept = hoard("a", "b");
  assertEquals(names(kept), ["a", "b"]);
  kept.put("a", blob, 5);
  kept.put("b", blob);
  kept.put("c", blob);
  assertEquals(kept.changes().map(({ blobref }) => blobref), ["a", "c"]);
  assertEquals(kept.changes(), []);
});

Deno.test("Hoard counts blobs and their bytes through puts, deletions and clear()", () => {
  const kept = hoard("a", "b", "a");
  assertEquals([kept.count, kept.bytes], [2, 20]);
  kept.delete("a");
  assertEquals([kept.count, kept.bytes], [1, 10]);
  kept.clear();
  assertEquals([kept.count, kept.bytes, kept.has("b")], [0, 0, false]);
});
