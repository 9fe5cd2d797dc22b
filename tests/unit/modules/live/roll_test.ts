import fc from "fast-check";
import { Idset } from "../../../../broker/message/mod.ts";
import { decodeRecords, encodeRecord, type LiveRecord, Register } from "../../../../modules/live/register.ts";
import { type Declaration, Roll } from "../../../../modules/live/roll.ts";
import { LiveState } from "../../../../modules/live/vigil.ts";
import { assert, assertEquals, assertThrows } from "../../../assert.ts";
import { check } from "../../../property.ts";

function record(rank: number, state: LiveState, version: [number, number, number], parent = 0): LiveRecord {
  return { rank, parent, host: `node${rank}`, state, reason: state === LiveState.ok ? "" : "because", version };
}

function said(declarations: readonly Declaration[]): string[] {
  return declarations.map(({ rank, before, now }) => `${rank}: ${before} to ${now}`);
}

Deno.test("Register.merge() takes the latest record of a rank, in whatever order they come", () => {
  const versions: [number, number, number][] = [[1, 1, 0], [1, 1, 1], [1, 2, 0], [2, 1, 0]];
  check(
    fc.property(fc.shuffledSubarray(versions, { minLength: 1 }), (order) => {
      const register = new Register();
      for (const version of order) register.merge(record(3, LiveState.ok, version));
      const latest = versions.findLast((version) => order.includes(version));
      assertEquals(register.get(3)?.version, latest);
    }),
    50,
  );
});

Deno.test("Register.revise() says nothing of a rank that has another parent by now", () => {
  const register = new Register();
  register.merge(record(3, LiveState.ok, [1, 2, 0], 5));
  assertEquals(register.revise(3, 1, LiveState.fail, "lost"), undefined);
  assertEquals(register.revise(3, 5, LiveState.fail, "lost")?.version, [1, 2, 1]);
});

Deno.test("decodeRecords() reads what encodeRecord() writes, and refuses what makes no sense", () => {
  const one = record(3, LiveState.slow, [1, 2, 3], 1);
  assertEquals(decodeRecords([encodeRecord(one)]), [one]);
  for (const bad of [null, [{}], [{ ...encodeRecord(one), state: 3 }], [{ ...encodeRecord(one), version: [1] }]]) {
    assertThrows(() => decodeRecords(bad), { errno: "EPROTO" });
  }
});

Deno.test("Roll.apply() declares a rank ok once it is heard of and within reach", () => {
  const roll = new Roll(4, () => 0);
  assertEquals(said(roll.apply(record(1, LiveState.ok, [1, 1, 0]))), []);
  assertEquals(`${roll.ranks(LiveState.unknown)}`, "0-3");
  assertEquals(said(roll.reach(new Idset([1]))), ["1: 3 to 0"]);
  assertEquals([`${roll.ranks(LiveState.ok)}`, `${roll.ranks(LiveState.unknown)}`], ["1", "0,2-3"]);
});

Deno.test("Roll.apply() ignores what a former parent says of a rank", () => {
  const roll = new Roll(4, () => 0);
  roll.reach(new Idset([3]));
  roll.apply(record(3, LiveState.ok, [1, 1, 0], 1));
  roll.apply(record(3, LiveState.ok, [1, 2, 0], 0));
  assertEquals(roll.apply(record(3, LiveState.fail, [1, 1, 1], 1)), []);
  assertEquals(`${roll.ranks(LiveState.ok)}`, "3");
});

Deno.test("Roll.apply() declares a process failed that nobody saw go, when another has taken its place", () => {
  const roll = new Roll(4, () => 0);
  roll.reach(new Idset([3]));
  roll.apply(record(3, LiveState.ok, [1, 1, 0], 1));
  assertEquals(said(roll.apply(record(3, LiveState.ok, [1, 2, 0], 0))), [], "it has moved");
  assertEquals(said(roll.apply(record(3, LiveState.ok, [2, 1, 0], 1))), ["3: 0 to 2", "3: 2 to 0"]);
  assertEquals(said(roll.apply(record(3, LiveState.fail, [2, 1, 1], 1))), ["3: 0 to 2"]);
  assertEquals(said(roll.apply(record(3, LiveState.ok, [3, 1, 0], 1))), ["3: 2 to 0"]);
});

Deno.test("Roll counts ranks below one that has failed as ok only when they have another parent", () => {
  const roll = new Roll(8, () => 0);
  roll.reach(new Idset([1, 3, 7]));
  for (const [rank, parent] of [[1, 0], [3, 1], [7, 3]] as const) {
    roll.apply(record(rank, LiveState.ok, [1, 1, 0], parent));
  }
  roll.apply(record(1, LiveState.fail, [1, 1, 1], 0));
  assertEquals([`${roll.ranks(LiveState.ok)}`, `${roll.ranks(LiveState.unknown)}`], ["", "0,2-7"]);
  roll.apply(record(7, LiveState.ok, [1, 2, 0], 0));
  assertEquals(`${roll.ranks(LiveState.ok)}`, "7");
  roll.apply(record(3, LiveState.ok, [1, 2, 0], 7));
  assertEquals(`${roll.ranks(LiveState.ok)}`, "3,7");
  roll.apply(record(7, LiveState.ok, [1, 3, 0], 3));
  assertEquals(`${roll.ranks(LiveState.ok)}`, "3,7", "two that name each other as parent are known so for a moment");
});

Deno.test("Roll.tick() declares a rank failed that stays out of reach, once, and ok when it is back", () => {
  const roll = new Roll(4, () => 0);
  roll.reach(new Idset([3]));
  roll.apply(record(3, LiveState.ok, [1, 1, 0], 1));
  roll.reach(new Idset());
  const declared = Array.from({ length: 20 }, () => said(roll.tick(5))).flat();
  assertEquals(declared, ["3: 0 to 2"]);
  assertEquals(roll.standing(3).reason, "out of reach since rank 1 or the link to it was lost");
  assertEquals(said(roll.reach(new Idset([3]))), ["3: 2 to 0"]);
});

Deno.test("Roll.standing() tells since when a rank has been out of reach, not since when it was ok before", () => {
  let now = 1000;
  const roll = new Roll(4, () => now);
  roll.reach(new Idset([3]));
  roll.apply(record(3, LiveState.ok, [1, 1, 0], 1));
  now = 5000;
  roll.reach(new Idset());
  now = 9000;
  const { state, since } = roll.standing(3);
  assertEquals([state, since], [LiveState.unknown, 5000]);
  roll.reach(new Idset([3]));
  assertEquals(roll.standing(3).since, 1000);
});

Deno.test("Roll declares nobody failed twice without ok between, whatever it is told", () => {
  const step = fc.oneof(
    fc.record({
      kind: fc.constant("record" as const),
      state: fc.constantFrom(0, 1, 2),
      move: fc.nat(5),
      rev: fc.nat(3),
    }),
    fc.record({ kind: fc.constant("reach" as const), online: fc.boolean() }),
    fc.record({ kind: fc.constant("tick" as const) }),
  );
  check(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const roll = new Roll(2, () => 0);
      let last: number = LiveState.unknown;
      for (const one of steps) {
        const declared = one.kind === "record"
          ? roll.apply(record(1, one.state as LiveState, [1, one.move, one.rev]))
          : one.kind === "reach"
          ? roll.reach(new Idset(one.online ? [1] : []))
          : roll.tick(3);
        for (const { before, now } of declared) {
          assertEquals(before, last);
          assert(now !== last);
          last = now;
        }
      }
    }),
  );
});
