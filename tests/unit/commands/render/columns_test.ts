import { inColumns } from "../../../../commands/render/columns.ts";
import { assertEquals } from "../../../assert.ts";

Deno.test("inColumns() fills columns from top to bottom", () => {
  assertEquals(inColumns(["a", "b", "c", "d", "e"], 7), ["a  c  e", "b  d"]);
  assertEquals(inColumns(["a", "bb", "c"], 80), ["a   bb  c"]);
});

Deno.test("inColumns() gives a name that is too long a line of its own", () => {
  assertEquals(inColumns(["a", "longer"], 4), ["a", "longer"]);
  assertEquals(inColumns([], 80), []);
});

Deno.test("inColumns() puts every name in once, within the width", () => {
  const names = Array.from({ length: 100 }, (_, i) => `n${i}`);
  const lines = inColumns(names, 40);
  for (const line of lines) if (line.length > 40) throw new Error(line);
  assertEquals(lines.join(" ").split(/ +/).sort(), [...names].sort());
});
