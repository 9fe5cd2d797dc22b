import fc from "fast-check";
import { LabelledLines } from "../../../../commands/exec/labelled_lines.ts";
import { assertEquals } from "../../../assert.ts";
import { check } from "../../../property.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const text = (data: Uint8Array) => new TextDecoder().decode(data);

Deno.test("LabelledLines holds a line back until its end has come", () => {
  const lines = new LabelledLines("3: ");
  assertEquals(["a\nb", "c", "\n\nd"].map((piece) => text(lines.add(bytes(piece)))), ["3: a\n", "", "3: bc\n3: \n"]);
  assertEquals(text(lines.end()), "3: d");
  assertEquals(text(lines.end()), "");
});

Deno.test("LabelledLines breaks a line that is too long to hold", () => {
  const lines = new LabelledLines("0: ");
  assertEquals(lines.add(new Uint8Array(1 << 20).fill(120)).length, (1 << 20) + 4);
});

Deno.test("LabelledLines prints what it would print of the whole, however it is cut", () => {
  check(
    fc.property(fc.array(fc.string({ unit: fc.constantFrom("a", "é", "\n") })), (pieces) => {
      const lines = new LabelledLines("7: ");
      const printed = pieces.map((piece) => text(lines.add(bytes(piece)))).join("") + text(lines.end());
      assertEquals(printed, pieces.join("").replace(/^(?!$(?![\n]))/gm, "7: "));
    }),
  );
});
