import fc from "fast-check";
import { placeOf, spread, taskCount } from "../../../../modules/wreck/layout.ts";
import { assertEquals, assertThrows } from "../../../assert.ts";
import { check } from "../../../property.ts";

const four = [0, 1, 2, 3];

Deno.test("spread() gives each node its share, the first nodes first", () => {
  assertEquals(spread({ ntasks: 1 }, four), { ranks: [0], cores: [1] });
  assertEquals(spread({ ntasks: 4 }, four), { ranks: four, cores: [1, 1, 1, 1] });
  assertEquals(spread({ ntasks: 5, nnodes: 2 }, four), { ranks: [0, 1], cores: [3, 2] });
  assertEquals(spread({ ntasks: 6 }, four), { ranks: [0, 1, 2], cores: [2, 2, 2] });
});

Deno.test("spread() goes on over further nodes, and over all again, when a share is given", () => {
  assertEquals(spread({ ntasks: 6, nnodes: 2, "tasks-per-node": 2 }, four), { ranks: [0, 1, 2], cores: [2, 2, 2] });
  assertEquals(spread({ ntasks: 10, "tasks-per-node": 2 }, four), { ranks: four, cores: [4, 2, 2, 2] });
});

Deno.test("spread() uses ranks that are online only, and refuses more nodes than those", () => {
  assertEquals(spread({ ntasks: 2 }, [0, 3]), { ranks: [0, 3], cores: [1, 1] });
  assertThrows(() => spread({ ntasks: 3, nnodes: 3 }, [0, 3]), {
    errno: "EINVAL",
    text: "Requested nodes (3) exceeds available (2)",
  });
});

Deno.test("the places of a layout have every task once, in ascending order of rank", () => {
  const wish = fc.record({
    ntasks: fc.integer({ min: 1, max: 200 }),
    nnodes: fc.option(fc.integer({ min: 1, max: 8 }), { nil: undefined }),
    each: fc.option(fc.integer({ min: 1, max: 20 }), { nil: undefined }),
  });
  check(fc.property(wish, fc.uniqueArray(fc.nat(50), { minLength: 8 }), ({ ntasks, nnodes, each }, ranks) => {
    const online = [...ranks].sort((a, b) => a - b);
    const layout = spread({
      ntasks,
      ...(nnodes !== undefined && { nnodes }),
      ...(each !== undefined && { "tasks-per-node": each }),
    }, online);
    assertEquals(taskCount(layout), ntasks);
    const tasks = layout.ranks.flatMap((rank) => placeOf(layout, rank)!.tasks);
    assertEquals(tasks, Array.from({ length: ntasks }, (_, i) => i));
    assertEquals([...layout.ranks], [...layout.ranks].sort((a, b) => a - b));
  }));
});
