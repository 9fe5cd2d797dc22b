import fc from "fast-check";
import { editDistance, nearest } from "../../../commands/suggest.ts";
import { assert, assertEquals } from "../../assert.ts";
import { check } from "../../property.ts";

const COMMANDS = ["ping", "mping", "getattr", "setattr", "lsattr", "logger", "module", "start", "broker", "dmesg"];

const CASES: [string, string | undefined][] = [
  ["pign", "ping"],
  ["pnig", "ping"],
  ["pin", "ping"],
  ["pings", "ping"],
  ["getatr", "getattr"],
  ["getattrs", "getattr"],
  ["mod", "module"],
  ["log", "logger"],
  ["strat", "start"],
  ["frobnicate", undefined],
  ["x", undefined],
  ["", undefined],
  ["kvs", undefined],
];

for (const [word, expected] of CASES) {
  Deno.test(`nearest() to "${word}" is ${expected}`, () => assertEquals(nearest(word, COMMANDS), expected));
}

Deno.test("editDistance() counts a swap of neighbours as one edit", () => {
  assertEquals(editDistance("abcd", "abdc"), 1);
  assertEquals(editDistance("ab", ""), 2);
  assertEquals(editDistance("", "ab"), 2);
  assertEquals(editDistance("kitten", "sitting"), 3);
});

Deno.test("editDistance() is symmetric, zero only for equals, at most the longer length", () => {
  const word = fc.string({ maxLength: 8 });
  check(fc.property(word, word, (a, b) => {
    const distance = editDistance(a, b);
    assertEquals(distance, editDistance(b, a));
    assertEquals(distance === 0, a === b);
    assert(distance <= Math.max(a.length, b.length));
  }));
});
