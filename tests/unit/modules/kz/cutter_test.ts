import { Cutter } from "../../../../modules/kz/client.ts";
import { assert, assertEquals } from "../../../assert.ts";
import fc from "fast-check";
import { check } from "../../../property.ts";

const utf8 = new TextEncoder(), text = new TextDecoder();
const cut = (cutter: Cutter, ...pieces: string[]) =>
  pieces.map((piece) => cutter.push(utf8.encode(piece)).map((block) => text.decode(block)));

Deno.test("Cutter gives whole lines together, and keeps a line that has only begun", () => {
  const cutter = new Cutter({ limit: 10, wholeLines: true });
  assertEquals(cut(cutter, "a\nb\nc", "d\n", "e"), [["a\nb\n"], ["cd\n"], []]);
  assertEquals(text.decode(cutter.rest), "e");
  assertEquals(text.decode(cutter.end()), "e");
  assertEquals(cutter.end(), undefined);
});

Deno.test("Cutter breaks lines that are longer than a block, and blocks between lines", () => {
  const cutter = new Cutter({ limit: 4, wholeLines: true });
  assertEquals(cut(cutter, "a\nbc\nd\n", "0123456789\n"), [["a\n", "bc\n", "d\n"], ["0123", "4567", "89\n"]]);
});

Deno.test("Cutter of bytes gives everything at once", () => {
  const cutter = new Cutter({ limit: 4, wholeLines: false });
  assertEquals(cut(cutter, "a\nb", "012345"), [["a\nb"], ["0123", "45"]]);
  assertEquals(cutter.end(), undefined);
});

Deno.test("Cutter loses and reorders nothing, and no block is longer than its limit", () => {
  const line = fc.array(fc.constantFrom(10, 97, 98), { maxLength: 30 });
  check(fc.property(fc.array(line), fc.integer({ min: 1, max: 12 }), fc.boolean(), (pieces, limit, wholeLines) => {
    const cutter = new Cutter({ limit, wholeLines });
    const blocks = pieces.flatMap((piece) => cutter.push(new Uint8Array(piece)));
    const rest = cutter.end();
    if (wholeLines) { for (const block of blocks) assert(block.at(-1) === 10 || block.length === limit); }
    assert(blocks.every(({ length }) => length > 0 && length <= limit));
    assertEquals([...blocks, ...rest ? [rest] : []].flatMap((block) => [...block]), pieces.flat());
  }));
});
