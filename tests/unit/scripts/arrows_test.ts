import { assertEquals } from "../../assert.ts";
import { circle, faults, type Import, room } from "../../../scripts/arrows.ts";

const edge = (from: string, to: string, kind: Import["kind"] = "static"): Import => ({ from, to, kind });

Deno.test("room() is the folder a file belongs to, however deep it lies", () => {
  assertEquals(room("broker/overlay/zmq/link.ts"), "broker/overlay");
  assertEquals(room("broker/broker.ts"), "broker");
  assertEquals(room("modules/api/service.ts"), "modules/api");
  assertEquals(room("modules/mod.ts"), "modules");
  assertEquals(room("commands/render/table.ts"), "commands");
  assertEquals(room("tests/assert.ts"), undefined);
});

Deno.test("faults() finds none in imports along the arrows", () => {
  const imports = [
    edge("main.ts", "commands/front_end.ts"),
    edge("commands/ping.ts", "broker/handle/mod.ts"),
    edge("broker/handle/mod.ts", "broker/ports/mod.ts"),
    edge("broker/ports/mod.ts", "broker/message/mod.ts"),
    edge("broker/overlay/tree.ts", "broker/handle/mod.ts"),
    edge("broker/broker.ts", "broker/overlay/mod.ts"),
    edge("broker/broker.ts", "modules/mod.ts"),
    edge("modules/mod.ts", "modules/api/service.ts", "lazy"),
    edge("tests/sim/mod.ts", "broker/broker.ts"),
  ];
  assertEquals(faults(imports), []);
});

Deno.test("faults() names an import against the arrows", () => {
  const wrong: [string, string][] = [
    ["commands/ping.ts", "broker/overlay/mod.ts"],
    ["commands/ping.ts", "broker/broker.ts"],
    ["broker/message/codec.ts", "broker/handle/mod.ts"],
    ["broker/overlay/tree.ts", "broker/service/mod.ts"],
    ["broker/handle/handle.ts", "modules/api/client.ts"],
    ["modules/api/service.ts", "commands/options.ts"],
  ];
  for (const [from, to] of wrong) {
    assertEquals(faults([edge(from, to)]), [`${from} imports ${to}: ${room(from)} may not import ${room(to)}`]);
  }
});

Deno.test("faults() lets only start and broker load the broker lazily", () => {
  assertEquals(faults([edge("commands/start_launch.ts", "broker/boot/mod.ts", "lazy")]), []);
  assertEquals(faults([edge("commands/start_launch.ts", "broker/boot/mod.ts")]).length, 1);
  assertEquals(faults([edge("commands/ping.ts", "broker/boot/mod.ts", "lazy")]).length, 1);
});

Deno.test("faults() lets a module import another's protocol, and nothing else of it", () => {
  assertEquals(faults([edge("modules/kvs/content.ts", "modules/content/protocol.ts")]), []);
  assertEquals(faults([edge("modules/kvs/content.ts", "modules/content/cache.ts")]).length, 1);
  assertEquals(faults([edge("broker/service/native.ts", "modules/content/protocol.ts")]).length, 1);
});

Deno.test("faults() lets a service name the overlay's types, not import it", () => {
  assertEquals(faults([edge("broker/service/native.ts", "broker/overlay/mod.ts", "type")]), []);
  assertEquals(faults([edge("broker/service/native.ts", "broker/overlay/mod.ts")]).length, 1);
});

Deno.test("faults() lets a module import the protocol and the client of another, and nothing else of it", () => {
  assertEquals(faults([edge("modules/kvs/content.ts", "modules/content/protocol.ts")]), []);
  assertEquals(faults([edge("modules/wreck/service.ts", "modules/kvs/client.ts")]), []);
  assertEquals(faults([edge("modules/wreck/service.ts", "modules/kvs/roots.ts")]).length, 1);
  assertEquals(faults([edge("modules/wreck/service.ts", "modules/kvs/deep/client.ts")]).length, 1);
});

Deno.test("faults() names a circle of files, and one of rooms", () => {
  assertEquals(faults([edge("commands/a.ts", "commands/b.ts"), edge("commands/b.ts", "commands/a.ts")]), [
    "circular import: commands/a.ts → commands/b.ts → commands/a.ts",
  ]);
  const found = faults([
    edge("modules/mod.ts", "modules/kvs/client.ts"),
    edge("modules/kvs/hash.ts", "modules/live/client.ts"),
    edge("modules/live/health.ts", "modules/kvs/client.ts"),
  ]);
  assertEquals(found.at(-1), "circular import of rooms: modules/kvs → modules/live → modules/kvs");
});

Deno.test("faults() does not mind types in a circle of files, but does in one of rooms", () => {
  assertEquals(faults([edge("commands/a.ts", "commands/b.ts"), edge("commands/b.ts", "commands/a.ts", "type")]), []);
  const rooms = [edge("modules/kvs/a.ts", "modules/live/b.ts"), edge("modules/live/b.ts", "modules/kvs/a.ts", "type")];
  assertEquals(faults(rooms).at(-1), "circular import of rooms: modules/kvs → modules/live → modules/kvs");
});

Deno.test("faults() names an import from outside the program", () => {
  assertEquals(faults([edge("broker/ports/mod.ts", "tests/assert.ts")]).slice(0, 1), [
    "broker/ports/mod.ts imports tests/assert.ts, which is not part of the program",
  ]);
});

Deno.test("circle() of a graph without one is undefined, however often a node is reached", () => {
  assertEquals(circle([["a", "b"], ["a", "c"], ["b", "d"], ["c", "d"]]), undefined);
});
