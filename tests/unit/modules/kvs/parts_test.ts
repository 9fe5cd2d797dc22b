/** The small pure parts of the service. */

import { decodeJson, Role } from "../../../../broker/message/mod.ts";
import { checkNamespace, checkOperations } from "../../../../modules/kvs/access.ts";
import { created, readNews, removed, setroot } from "../../../../modules/kvs/announcements.ts";
import { divide, outside } from "../../../../modules/kvs/root/batch.ts";
import { Marking } from "../../../../modules/kvs/root/marking.ts";
import { CommitFlag, type Operation, type Root } from "../../../../modules/kvs/protocol.ts";
import { checkSize, readNewNamespace } from "../../../../modules/kvs/requests.ts";
import { ANYTHING } from "../../../../modules/kvs/roots.ts";
import { Stats, Tally } from "../../../../modules/kvs/stats.ts";
import { dirref, EMPTY_DIR, emptyDir, symlink, val, valref } from "../../../../modules/kvs/tree/treeobj.ts";
import { Versions } from "../../../../modules/kvs/root/versions.ts";
import { assertEquals, assertThrows } from "../../../assert.ts";

const ref = (n: number) => `sha1-${n.toString(16).padStart(40, "0")}`;
const root: Root = { namespace: "n-setroot", rootref: ref(1), rootseq: 3, owner: 7, flags: 0 };
const put = (dirent: Operation["dirent"]): Operation => ({ key: "k", flags: 0, dirent });

Deno.test("readNews() reads what setroot(), created() and removed() tell, whatever the namespace is called", () => {
  const news = { root, names: ["transaction_req.0.1"], keys: ["a.b", "__proto__", "7"] };
  for (const { topic, payload } of [setroot(news), created(root), removed(root.namespace)]) {
    const read = readNews(topic, decodeJson(payload));
    if (read?.kind === "removed") assertEquals(read.namespace, root.namespace);
    else assertEquals(read?.root, root);
    if (read?.kind === "setroot") assertEquals(read.keys.toSorted(), ["7", "__proto__", "a.b"]);
  }
  assertEquals(setroot(news).topic, "kvs.namespace-n-setroot-setroot");
});

Deno.test("readNews() passes over events that are none of the service, or lack something", () => {
  assertEquals(readNews("kvs.namespace-a-setroot", { namespace: "b" }), undefined);
  assertEquals(readNews("kvs.namespace-a-setroot", { namespace: "a", rootseq: 1, owner: 0 }), undefined);
  assertEquals(readNews("kvs.namespace-a-other", { ...root, namespace: "a", keys: {} }), undefined);
  assertEquals(readNews("kvs.namespace-a-setroot", {}), undefined);
});

Deno.test("setroot() lists the keys of a fence of 1,024 ranks, and does not grow with those of 16,384", () => {
  const told = (ranks: number) => {
    const keys = Array.from({ length: ranks }, (_, rank) => `fence.r${rank}`);
    return decodeJson(setroot({ root, names: [], keys }).payload).keys;
  };
  assertEquals(Object.keys(told(1024) as object).length, 1024);
  assertEquals(told(16384), { [ANYTHING]: null });
});

Deno.test("divide() puts commits of a namespace together, NO_MERGE ones alone, in order", () => {
  const item = (namespace: string, flags: number, name: string) => {
    return { commit: { namespace, flags, ops: [], userid: 0, rolemask: 1, name } };
  };
  const { noMerge } = CommitFlag;
  const batch = [
    item("a", 0, "1"),
    item("b", 0, "2"),
    item("a", 0, "3"),
    item("a", noMerge, "4"),
    item("a", 0, "5"),
    item("b", 0, "6"),
    item("a", noMerge, "7"),
  ];
  const names = [...divide(batch)].map(([namespace, groups]) => [
    namespace,
    groups.map((group) => group.map(({ commit }) => commit.name)),
  ]);
  assertEquals(names, [["a", [["1", "3"], ["4"], ["5"], ["7"]]], ["b", [["2", "6"]]]]);
});

Deno.test("outside() finds what operations refer to, at any depth", () => {
  const inner = { ...emptyDir(), data: { x: dirref(ref(3)), y: { ...emptyDir(), data: { z: valref([ref(4)]) } } } };
  const ops = [put(dirref(ref(1))), put(valref([ref(2), ref(5)])), put(inner), put(null), put(val(new Uint8Array(3)))];
  const commit = { namespace: "a", flags: 0, ops, userid: 0, rolemask: 1 };
  assertEquals(outside([commit]), { directories: [ref(1), ref(3)], values: [ref(2), ref(5), ref(4)] });
});

Deno.test("Marking meets each directory once, also in a graph with shared parts, and marks all that can be reached", () => {
  const graph: Record<string, { dirs: string[]; values: string[] }> = {
    [ref(1)]: { dirs: [ref(2), ref(3)], values: [ref(10)] },
    [ref(2)]: { dirs: [ref(4)], values: [] },
    [ref(3)]: { dirs: [ref(4), EMPTY_DIR], values: [ref(11), ref(10)] },
    [ref(4)]: { dirs: [], values: [ref(12)] },
    [ref(9)]: { dirs: [ref(1)], values: [ref(13)] },
  };
  const marking = new Marking();
  marking.add([ref(1)]);
  const read: string[] = [], marked = new Set<string>();
  while (!marking.isDone || marking.marks > 0) {
    for (const blobref of marking.next(2)) {
      read.push(blobref);
      marking.add(graph[blobref]!.dirs, graph[blobref]!.values);
    }
    for (const blobref of marking.take()) marked.add(blobref);
  }
  assertEquals(read.toSorted(), [1, 2, 3, 4].map(ref));
  assertEquals([...marked].toSorted(), [...[1, 2, 3, 4, 10, 11, 12].map(ref), EMPTY_DIR].toSorted());
});

Deno.test("Versions keeps the newest of each namespace, as many as it is told at the time", () => {
  let limit = 3;
  const versions = new Versions(() => limit, () => 0);
  for (let i = 1; i <= 5; i++) versions.add("a", ref(i));
  versions.add("b", ref(20));
  assertEquals(versions.all, new Set([ref(3), ref(4), ref(5), ref(20)]));
  limit = 0;
  versions.add("a", ref(6));
  assertEquals(versions.all, new Set([ref(6), ref(20)]));
  versions.remove("a");
  assertEquals([versions.all, versions.newest], [new Set([ref(20)]), new Set([ref(20)])]);
});

Deno.test("Versions keeps a root that was asked for readable for a while", () => {
  let now = 0;
  const versions = new Versions(() => 1, () => now);
  versions.add("a", ref(1));
  versions.hold(ref(1));
  versions.add("a", ref(2));
  assertEquals(versions.all, new Set([ref(2), ref(1)]));
  assertEquals(versions.newest, new Set([ref(2)]));
  now = 10_001;
  assertEquals(versions.all, new Set([ref(2)]));
});

Deno.test("checkNamespace() and checkOperations() hold guests to their own namespaces, and to values", () => {
  const owner = { userid: 1, rolemask: Role.owner };
  const guest = { userid: 7, rolemask: Role.user };
  const stranger = { userid: 8, rolemask: Role.user };
  for (const caller of [owner, guest]) checkNamespace(caller, root);
  assertThrows(() => checkNamespace(stranger, root), { errno: "EPERM" });
  const harmless = [put(null), put(val(new Uint8Array(1))), put(emptyDir())];
  checkOperations(guest, harmless);
  const full = { ...emptyDir(), data: { a: val(new Uint8Array(1)) } };
  for (const dirent of [symlink("x"), dirref(ref(1)), valref([ref(1)]), full]) {
    checkOperations(owner, [put(dirent)]);
    assertThrows(() => checkOperations(guest, [...harmless, put(dirent)]), { errno: "EPERM" });
  }
});

Deno.test("checkSize() refuses more than 256 MiB, which is not looked into", () => {
  checkSize(undefined);
  checkSize({ length: 256 << 20 } as Uint8Array);
  assertThrows(() => checkSize({ length: (256 << 20) + 1 } as Uint8Array), { errno: "EFBIG", text: "268435457" });
});

Deno.test("readNewNamespace() refuses names that no event could tell of", () => {
  assertEquals(readNewNamespace({ namespace: "job-ƒ1-x" }), "job-ƒ1-x");
  for (const namespace of ["", "a b", "a\nb", "a\0b", "x".repeat(256)]) {
    assertThrows(() => readNewNamespace({ namespace }), { errno: "EINVAL", text: "namespace" });
  }
  assertThrows(() => readNewNamespace({}), { errno: "EPROTO" });
});

Deno.test("Tally tells count, least, mean, deviation and most, as reals", () => {
  const tally = new Tally();
  assertEquals(JSON.stringify(tally), `{"count":0,"min":0.0,"mean":0.0,"stddev":0.0,"max":0.0}`);
  for (const value of [2, 4, 4, 4, 5, 5, 7, 9]) tally.add(value);
  const { count, min, mean, stddev, max } = JSON.parse(JSON.stringify(tally));
  assertEquals([count, min, mean, max, stddev.toFixed(4)], [8, 2, 5, 9, "2.1381"]);
  const stats = new Stats();
  stats.gets.add(1);
  stats.unchanged = 4;
  stats.clear();
  assertEquals([JSON.parse(JSON.stringify(stats.gets)).count, stats.unchanged], [0, 0]);
});
