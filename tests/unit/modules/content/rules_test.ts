/** The small rules of content: what is refused, whose roots hold, what commits look like, how many bytes are kept. */

import { pack } from "../../../../broker/message/mod.ts";
import { adoption } from "../../../../modules/content/adoption.ts";
import { Flights } from "../../../../modules/content/flights.ts";
import { owned } from "../../../../modules/content/owned.ts";
import {
  decodeCommit,
  decodeMark,
  encodeCommit,
  encodeMark,
  splitDigests,
  type StoredRoot,
} from "../../../../modules/content/protocol.ts";
import { checkBlob, checkRoots } from "../../../../modules/content/refusals.ts";
import { assert, assertEquals, assertRejects, assertThrows } from "../../../assert.ts";

const REF = `sha1-${"0".repeat(40)}`;
const OTHER = `sha1-${"1".repeat(40)}`;
const root = (rootseq: number, rootref = REF): StoredRoot => ({ rootref, rootseq, owner: 1, flags: 0, timestamp: 2 });

Deno.test("checkBlob() refuses with EFBIG what is over the limit, and takes what is just at it", () => {
  checkBlob(REF, 10, 10);
  assertThrows(() => checkBlob(REF, 11, 10), { errno: "EFBIG", text: REF });
});

Deno.test("checkRoots() takes newer roots, the same one again, new namespaces and removals", () => {
  const known = new Map([["primary", root(5)]]);
  for (const change of [root(6, OTHER), root(5), null]) checkRoots({ primary: change, other: root(0) }, known);
});

Deno.test("checkRoots() refuses an older root, and another one of the same version", () => {
  const known = new Map([["primary", root(5)]]);
  for (const change of [root(4), root(5, OTHER)]) {
    assertThrows(() => checkRoots({ primary: change }, known), { errno: "EINVAL", text: "primary: version" });
  }
});

Deno.test("adoption() takes the roots of a used store when nothing was committed here", () => {
  const info = { path: "/x", roots: { primary: root(7), a: root(1) }, writer: "them" };
  for (const ours of [[], [["primary", root(0)]]] as [string, StoredRoot][][]) {
    const { roots, adopted } = adoption(info, new Map(ours), "us");
    assertEquals([adopted, roots.get("primary")?.rootseq, roots.get("a")?.rootseq], [true, 7, 1]);
  }
});

Deno.test("adoption() keeps our roots when the store has none, or has them from us", () => {
  const ours = new Map([["primary", root(3)]]);
  for (const info of [{ roots: {}, writer: "them" }, { roots: { primary: root(2) }, writer: "us" }]) {
    assertEquals(adoption({ path: "/x", ...info }, ours, "us"), { roots: ours, adopted: false });
  }
});

Deno.test("adoption() refuses with EEXIST when both have content, and says where", () => {
  const info = { path: "/x", roots: { primary: root(7) }, writer: "them" };
  assertThrows(() => adoption(info, new Map([["primary", root(1)]]), "us"), {
    errno: "EEXIST",
    text: /\/x.*version 7/,
  });
});

Deno.test("decodeCommit() gives back what encodeCommit() was given", () => {
  const commit = {
    refs: [REF, OTHER],
    blobs: [new Uint8Array([1]), new Uint8Array(0)],
    roots: { a: root(1), b: null },
  };
  assertEquals(decodeCommit(encodeCommit(commit)), { ...commit, used: undefined });
  assertEquals(decodeCommit(encodeCommit({ ...commit, used: 9 })).used, 9);
});

Deno.test("decodeCommit() refuses with EPROTO what is no commit", () => {
  const blob = new Uint8Array(1);
  const wrong: [Uint8Array | undefined, string][] = [
    [undefined, "without its head"],
    [encodeCommit({ refs: [REF], blobs: [], roots: {} }), "1 refs, but 0 blobs"],
    [encodeCommit({ refs: ["x"], blobs: [blob], roots: {} }), "not a blobref"],
    [encodeCommit({ refs: [], blobs: [], roots: { a: { ...root(1), rootref: "x" } } }), 'root of "a"'],
    [encodeCommit({ refs: [], blobs: [], roots: { a: root(1.5) } }), 'root of "a"'],
  ];
  for (const [payload, text] of wrong) assertThrows(() => decodeCommit(payload), { errno: "EPROTO", text });
});

Deno.test("decodeMark() gives back epoch and digests, and refuses a row that is not whole", () => {
  const digests = new Uint8Array(40).fill(7);
  assertEquals(decodeMark(encodeMark(3, digests)), { epoch: 3, digests: splitDigests(digests) });
  assertThrows(() => decodeMark(encodeMark(3, digests.subarray(1))), { errno: "EPROTO" });
  assertThrows(() => decodeMark(pack([])), { errno: "EPROTO" });
});

Deno.test("owned() copies a small part of a buffer and hands on what is most of one", () => {
  const large = new Uint8Array(100);
  assert(owned(large) === large);
  assertEquals(owned(large.subarray(0, 10)).buffer.byteLength, 10);
});

Deno.test("Flights.share() does the same work once at a time, and again when it has ended", async () => {
  const flights = new Flights<number>();
  let starts = 0;
  const start = () => Promise.resolve(++starts);
  assertEquals(await Promise.all([flights.share("a", start), flights.share("a", start)]), [1, 1]);
  assertEquals(await flights.share("a", start), 2);
  const failing = () => Promise.reject(new Error("no"));
  const both = [flights.share("b", failing), flights.share("b", failing)].map((one) => one.catch(() => "failed"));
  assertEquals(await Promise.all(both), ["failed", "failed"]);
  await flights.settled();
  await assertRejects(() => flights.share("c", () => Promise.reject(assertThrows(() => checkBlob(REF, 1, 0)))));
});
