import { throws } from "node:assert";
import { checkStats, pickStats, showStats } from "../../../commands/stats_value.ts";
import { CommandError, UsageError } from "../../../commands/mod.ts";
import { assertEquals } from "../../assert.ts";

const choice = (parse?: string, type?: string, scale?: number) => ({ parse, type, scale });

Deno.test("pickStats() finds a member of a member, and says when there is none", () => {
  const stats = { a: { b: 2 }, "#x": 1, constructor: undefined };
  assertEquals(pickStats(stats, choice("a.b")), 2);
  assertEquals(pickStats(stats, choice("#x")), 1);
  assertEquals(pickStats(stats, choice()), stats);
  for (const name of ["a.c", "b", "a.b.c", "constructor", "toString"]) {
    throws(() => pickStats(stats, choice(name)), new CommandError(`\`${name}' not found in response`));
  }
});

Deno.test("showStats() prints numbers as asked for", () => {
  assertEquals(showStats(2.75, choice("a", "int")), "2");
  assertEquals(showStats(-2.75, choice("a", "int", 10)), "-27");
  assertEquals(showStats(2, choice("a", "double")), "2.000000");
  assertEquals(showStats({ a: 1 }, choice()), '{\n  "a":1\n}');
  throws(() => showStats({ a: 1 }, choice(undefined, "int")), /the response is not a number/);
});

Deno.test("checkStats() refuses a scale without a type, and a type that is none", () => {
  checkStats(choice("a", "int", 2));
  throws(
    () => checkStats(choice("a", undefined, 2)),
    new UsageError("Use --scale only with --type int or --type double"),
  );
  throws(() => checkStats(choice("a", "float")), UsageError);
});
