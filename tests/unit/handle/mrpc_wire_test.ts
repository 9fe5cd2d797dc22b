import fc from "fast-check";
import {
  type Answers,
  decodeAnswers,
  decodeCall,
  decodeNotes,
  encodeAnswers,
  encodeCall,
  encodeNotes,
  failure,
  mergeEqual,
} from "../../../broker/handle/mod.ts";
import { encodeText, FluxError, Idset } from "../../../broker/message/mod.ts";
import { assertEquals, assertThrows } from "../../assert.ts";
import { check } from "../../property.ts";

const bytes = (...values: number[]) => new Uint8Array(values);
const answers = (ranks: number[], errnum = 0, payload?: Uint8Array): Answers => ({
  ranks: new Idset(ranks),
  errnum,
  payload,
});
const shown = (list: Answers[]) =>
  list.map(({ ranks, errnum, payload }) => [`${ranks}`, errnum, payload && [...payload]]);

Deno.test("decodeCall() gives back the header and the bytes of encodeCall(), NULs among them included", () => {
  const header = {
    topic: "a.b",
    ranks: "0-3",
    timeout: 1.5,
    reduce: "sum",
    stream: true,
    hops: 2,
    down: true,
    userid: 7,
    rolemask: 1,
    caller: { sender: "a", matchtag: 3 },
  };
  assertEquals(decodeCall(encodeCall(header, bytes(0, 1, 0))), { header, payload: bytes(0, 1, 0) });
});

Deno.test("decodeCall() of a caller's header fills in what only brokers say, and has no payload for none", () => {
  const { header, payload } = decodeCall(encodeCall({ topic: "a", ranks: "all" }, undefined));
  assertEquals(header, {
    topic: "a",
    ranks: "all",
    timeout: undefined,
    reduce: undefined,
    stream: false,
    hops: 0,
    down: false,
    userid: 0,
    rolemask: 0,
    caller: { sender: "", matchtag: 0 },
  });
  assertEquals(payload, undefined);
});

Deno.test("decodeCall() refuses what is no call with EPROTO", () => {
  const bad = ["", "{", "[]", '{"topic":"a"}', '{"topic":"","ranks":"0"}', '{"topic":"a","ranks":"0","timeout":-1}'];
  for (const text of bad) assertThrows(() => decodeCall(encodeText(text)), { errno: "EPROTO" });
  assertThrows(() => decodeCall(new TextEncoder().encode('{"topic":"a","ranks":"0"}')), { errno: "EPROTO" });
  assertThrows(() => decodeCall(undefined), { errno: "EPROTO" });
  assertThrows(() => decodeCall(bytes(0xff, 0)), { errno: "EPROTO" });
});

Deno.test("decodeAnswers() gives back what encodeAnswers() was given", () => {
  const answer = fc.record({
    ranks: fc.uniqueArray(fc.nat(2000), { maxLength: 20 }),
    errnum: fc.nat(133),
    payload: fc.option(fc.uint8Array({ minLength: 1, maxLength: 50 }), { nil: undefined }),
  });
  check(fc.property(fc.array(answer, { maxLength: 8 }), (list) => {
    const given = list.map(({ ranks, errnum, payload }) => answers(ranks, errnum, payload));
    assertEquals(shown(decodeAnswers(encodeAnswers(given))), shown(given));
  }));
});

Deno.test("decodeAnswers() refuses with EPROTO a list that does not fit the bytes behind it", () => {
  const heads = [
    '{"answers":[["0",0,3]]}',
    '{"answers":[["0",0,1]]}',
    '{"answers":[["0",-1,2]]}',
    '{"answers":[0]}',
    "{}",
  ];
  for (const head of heads) {
    assertThrows(() => decodeAnswers(new Uint8Array([...encodeText(head), 1, 2])), { errno: "EPROTO" });
  }
});

Deno.test("any bytes are answers or EPROTO or an idset that is none", () => {
  check(fc.property(fc.uint8Array({ maxLength: 60 }), (random) => {
    try {
      decodeAnswers(random);
    } catch (error) {
      if (!(error instanceof FluxError)) throw error;
    }
  }));
});

Deno.test("mergeEqual() makes answers of one errnum and payload one, and loses no rank", () => {
  const list = [
    answers([0], 0, bytes(1)),
    answers([1], 0, bytes(2)),
    answers([5, 6], 0, bytes(1)),
    answers([2], 2, bytes(1)),
  ];
  assertEquals(shown(mergeEqual(list)), [["0,5-6", 0, [1]], ["1", 0, [2]], ["2", 2, [1]]]);
  assertEquals(`${list[0]!.ranks}`, "0", "the answers given are left alone");
});

Deno.test("mergeEqual() tells payloads apart that differ where its key does not look", () => {
  const one = new Uint8Array(1000);
  const other = new Uint8Array(1000);
  other[7] = 1;
  assertEquals(mergeEqual([answers([0], 0, one), answers([1], 0, other)]).length, 2);
});

Deno.test("failure() carries a text only where it says more than the error number", () => {
  assertEquals(failure(new Idset([3]), new FluxError("ENOENT")).payload, undefined);
  assertEquals(failure(new Idset([3]), new FluxError("ENOENT", "gone")).payload, new TextEncoder().encode("gone"));
});

Deno.test("decodeNotes() gives back what encodeNotes() was told, empty notes too", () => {
  const notes = [{ ranks: new Idset([1, 2]), payload: bytes(1, 0) }, { ranks: new Idset([7]), payload: bytes() }];
  const { matchtag, notes: decoded } = decodeNotes(encodeNotes(5, notes));
  assertEquals(matchtag, 5);
  assertEquals(decoded.map(({ ranks, payload }) => [`${ranks}`, [...payload]]), [["1-2", [1, 0]], ["7", []]]);
  assertThrows(() => decodeNotes(encodeText('{"matchtag":5}')), { errno: "EPROTO" });
});

Deno.test("mergeEqual() keeps several answers of a rank in their order and their number", () => {
  const answer = fc.record({
    ranks: fc.array(fc.nat({ max: 5 }), { minLength: 1, maxLength: 3 }),
    payload: fc.nat({ max: 3 }),
  });
  const said = (list: readonly Answers[], rank: number) =>
    list.filter(({ ranks }) => ranks.has(rank)).map(({ payload }) => payload![0]);
  check(fc.property(fc.array(answer, { maxLength: 30 }), (list) => {
    const before = list.map(({ ranks, payload }) => answers(ranks, 0, bytes(payload)));
    const copy = before.map(({ ranks, ...rest }) => ({ ...rest, ranks: new Idset(ranks) }));
    const merged = mergeEqual(before);
    for (let rank = 0; rank <= 5; rank++) assertEquals(said(merged, rank), said(copy, rank));
  }));
});

Deno.test("mergeEqual() brings the same news of many ranks together, though each rank says several things", () => {
  const list = [[0, 1], [0, 2], [1, 1], [1, 2], [2, 1], [2, 2]].map(([rank, value]) =>
    answers([rank!], 0, bytes(value!))
  );
  assertEquals(shown(mergeEqual(list)), [["0-2", 0, [1]], ["0-2", 0, [2]]]);
});
