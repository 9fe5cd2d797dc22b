import fc from "fast-check";
import { Idset, type JsonObject } from "../../../broker/message/mod.ts";
import { type Change, decodeChanges, encodeChanges, Groups } from "../../../broker/service/groups.ts";
import { assertEquals, assertThrows } from "../../assert.ts";
import { check } from "../../property.ts";

const plain = (changes: readonly Change[]) => changes.map(({ name, ranks, set }) => [name, `${ranks}`, set]);
const change = (name: string, ranks: string, set: boolean): Change => ({ name, ranks: Idset.parse(ranks), set });
/** What is reached through the children, by name. */
const reach = (reached: Record<string, string>) => (child: string) =>
  reached[child] === undefined ? undefined : Idset.parse(reached[child]);

Deno.test("Groups.join() and leave() change the membership of this rank once", () => {
  const groups = new Groups(3);
  groups.join("g", "a");
  assertThrows(() => groups.join("g", "b"), { errno: "EEXIST", text: "rank 3 is already a member of g" });
  assertEquals([groups.refresh(reach({})), `${groups.members("g")}`], [["g"], "3"]);
  groups.leave("g");
  assertThrows(() => groups.leave("g"), { errno: "ENOENT", text: "rank 3 is not a member of g" });
  assertEquals([groups.refresh(reach({})), `${groups.members("g")}`], [["g"], ""]);
  assertEquals(groups.refresh(reach({})), []);
});

Deno.test("Groups.leaveAll() takes back what one client joined", () => {
  const groups = new Groups(0);
  for (const [name, who] of [["a", "x"], ["b", "y"], ["c", "x"]] as const) groups.join(name, who);
  groups.leaveAll("x");
  groups.refresh(reach({}));
  assertEquals(plain(groups.unreported()), [["b", "0", true]]);
});

Deno.test("Groups.unreported() is what the parent does not know yet", () => {
  const groups = new Groups(1);
  groups.join("g", "me");
  groups.update("c", [change("g", "3,7-8", true)]);
  groups.refresh(reach({ c: "3,7-8" }));
  assertEquals(plain(groups.unreported()), [["g", "1,3,7-8", true]]);
  groups.update("c", [change("g", "7", false), change("h", "8", true)]);
  groups.refresh(reach({ c: "3,7-8" }));
  assertEquals(plain(groups.unreported()), [["g", "7", false], ["h", "8", true]]);
  assertEquals(plain(groups.unreported()), []);
  groups.newParent();
  assertEquals(plain(groups.unreported()), [["g", "1,3,8", true], ["h", "8", true]]);
});

Deno.test("Groups.forget() takes out what was behind a child", () => {
  const groups = new Groups(0);
  groups.update("a", [change("g", "1,3-4", true)]);
  groups.update("b", [change("g", "2", true)]);
  groups.refresh(reach({ a: "1,3-4", b: "2" }));
  groups.forget("a");
  assertEquals([groups.refresh(reach({ b: "2" })), `${groups.members("g")}`], [["g"], "2"]);
});

Deno.test("Groups count a rank through the child it is reached through", () => {
  const groups = new Groups(0);
  groups.update("a", [change("g", "1,3", true)]);
  groups.update("b", [change("g", "2", true)]);
  const members = (reached: Record<string, string>) => {
    groups.refresh(reach(reached));
    return `${groups.members("g")}`;
  };
  assertEquals(members({ a: "1,3", b: "2" }), "1-3");
  // Rank 3 moves behind b: what a says of it no longer counts, before and after it says so.
  assertEquals(members({ a: "1", b: "2-3" }), "1-2");
  groups.update("b", [change("g", "3", true)]);
  assertEquals(members({ a: "1", b: "2-3" }), "1-3");
  groups.update("a", [change("g", "3", false)]);
  assertEquals(members({ a: "1", b: "2-3" }), "1-3");
});

Deno.test("Groups.unreported() lets a parent follow, whatever happens", () => {
  const name = fc.constantFrom("a", "b"), child = fc.constantFrom("c", "d");
  const ranks = fc.uniqueArray(fc.integer({ min: 1, max: 30 }), { maxLength: 8 }).map((ids) => new Idset(ids));
  const step = fc.oneof(
    fc.record({ act: fc.constant("update" as const), child, name, ranks, set: fc.boolean() }),
    fc.record({ act: fc.constant("forget" as const), child }),
    fc.record({ act: fc.constant("report" as const) }),
  );
  check(fc.property(fc.array(step), (steps) => {
    const below = new Groups(0), parent = new Groups(99);
    const everywhere = () => Idset.upTo(40);
    const report = () => {
      below.refresh(everywhere);
      parent.update("below", below.unreported());
      parent.refresh(everywhere);
    };
    for (const step of steps) {
      if (step.act === "update") below.update(step.child, [step]);
      else if (step.act === "forget") below.forget(step.child);
      else report();
    }
    report();
    for (const name of ["a", "b"]) assertEquals(`${parent.members(name)}`, `${below.members(name)}`);
  }));
});

Deno.test("decodeChanges() reads what encodeChanges() writes", () => {
  const changes = [change("a", "1-3", false), change("a", "9", true), change("constructor", "0", true)];
  const update = encodeChanges(changes);
  assertEquals<unknown>({ ...update }, {
    a: [{ ranks: "1-3", set: false }, { ranks: "9", set: true }],
    constructor: [{ ranks: "0", set: true }],
  });
  assertEquals(plain(decodeChanges(update)), plain(changes));
});

Deno.test("decodeChanges() refuses what is none", () => {
  const bad: JsonObject[] = [{ a: 1 }, { a: [1] }, { a: [null] }, { a: [{ ranks: "1" }] }, {
    a: [{ ranks: 1, set: true }],
  }];
  for (const update of bad) assertThrows(() => decodeChanges(update), { errno: "EPROTO", text: '"update.a"' });
});
