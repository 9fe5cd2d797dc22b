import fc from "fast-check";
import { createHash } from "node:crypto";
import { sha1Hex } from "../../../broker/service/sha1.ts";
import { assertEquals } from "../../assert.ts";

Deno.test("sha1Hex() agrees with the system's SHA-1 for bytes of every length", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
    assertEquals(sha1Hex(bytes), createHash("sha1").update(bytes).digest("hex"));
  }));
});

Deno.test("sha1Hex() knows the digest of a megabyte", () => {
  const bytes = new Uint8Array(1 << 20).fill(97);
  assertEquals(sha1Hex(bytes), createHash("sha1").update(bytes).digest("hex"));
});
