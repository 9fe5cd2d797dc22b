import fc from "fast-check";
import { DigestSet } from "../../../broker/ports/digest_set.ts";
import { assertEquals } from "../../assert.ts";

Deno.test("DigestSet has what was added, and nothing else", () => {
  const digest = fc.uint8Array({ minLength: 20, maxLength: 20 });
  fc.assert(fc.property(fc.array(digest, { maxLength: 200 }), fc.array(digest, { maxLength: 50 }), (added, others) => {
    const set = new DigestSet();
    for (const one of added) set.add(one);
    const known = new Set(added.map((one) => one.toHex().slice(0, 12)));
    assertEquals(set.size, known.size);
    for (const one of [...added, ...others]) assertEquals(set.has(one), known.has(one.toHex().slice(0, 12)));
  }));
});

Deno.test("DigestSet grows, and is empty after clear()", () => {
  const set = new DigestSet();
  const digests = Array.from({ length: 10_000 }, (_, i) => {
    const digest = new Uint8Array(20);
    new DataView(digest.buffer).setUint32(0, i * 2654435761);
    return digest;
  });
  for (const digest of digests) set.add(digest);
  assertEquals([set.size, digests.every((digest) => set.has(digest))], [10_000, true]);
  set.clear();
  assertEquals([set.size, set.has(digests[0]!)], [0, false]);
});
