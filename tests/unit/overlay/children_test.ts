import { Children } from "../../../broker/overlay/children.ts";
import { Idset } from "../../../broker/message/mod.ts";
import { assertEquals } from "../../assert.ts";

function world() {
  const children = new Children(0);
  const join = (rank: number, ranks: string) =>
    children.join(
      `peer-${rank}`,
      {
        rank,
        uuid: `uuid-${rank}`,
        hostname: "host",
        ranks,
        version: "1",
        protocol: [1, 1],
      },
      `link-${rank}`,
      0,
    );
  const state = () => children.all.map(({ rank, ranks }) => `${rank}: ${ranks}`);
  return { children, join, state };
}

Deno.test("Children gives a rank to the child that announced it last", () => {
  const { children, join, state } = world();
  const one = join(1, "1,3-4");
  join(2, "2,5-6");
  assertEquals([state(), `${children.ranks}`], [["1: 1,3-4", "2: 2,5-6"], "0-6"]);
  children.announce(one, Idset.parse("1,3-5"));
  assertEquals(state(), ["1: 1,3-5", "2: 2,6"]);
});

Deno.test("Children gives a rank back to who still announces it when the other no longer does, or goes", () => {
  const { children, join, state } = world();
  const one = join(1, "1,3");
  join(2, "2-3");
  assertEquals(state(), ["1: 1", "2: 2-3"]);
  children.announce(one, Idset.parse("1,3"));
  assertEquals(state(), ["1: 1,3", "2: 2"]);
  children.remove("peer-1");
  assertEquals(state(), ["2: 2-3"]);
});

Deno.test("Children of which one moves leave its ranks to who announces them too, whatever it says later", () => {
  const { children, join, state } = world();
  const two = join(2, "2,5-6");
  join(1, "1-2,5");
  children.announce(two, Idset.parse("2,5-6"));
  assertEquals(state(), ["1: 1", "2: 2,5-6"]);
  children.moves(two);
  assertEquals([state(), `${children.lasting}`], [["1: 1-2,5", "2: 6"], "0-2,5"]);
  children.announce(two, Idset.parse("2,5-7"));
  assertEquals(state(), ["1: 1-2,5", "2: 6-7"]);
});

Deno.test("Children never has the broker's own rank behind a child, though one may announce it", () => {
  const { children, join, state } = world();
  const one = join(1, "0-2");
  assertEquals([state(), `${one.announced}`, `${children.ranks}`], [["1: 1-2"], "0-2", "0-2"]);
});

Deno.test("Children gives a rank that two announce to one of them only", () => {
  const { children, join, state } = world();
  join(1, "1,9");
  join(2, "2,9");
  join(3, "3,9");
  children.remove("peer-3");
  assertEquals(state(), ["1: 1,9", "2: 2"]);
});
