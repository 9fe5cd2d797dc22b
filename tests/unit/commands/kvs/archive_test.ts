import { keyOfPath, linkText, pathPart, readLink } from "../../../../commands/kvs/archive.ts";
import { assertEquals } from "../../../assert.ts";
import { check } from "../../../property.ts";
import fc from "fast-check";

const names = fc.string({ unit: "grapheme", minLength: 1 }).map((name) => name.replaceAll(".", "-"));

Deno.test(
  "keyOfPath() undoes pathPart()",
  () =>
    check(fc.property(fc.array(names, { minLength: 1 }), (key) => {
      assertEquals(keyOfPath(key.map(pathPart).join("/"), true), key.join("."));
    })),
);

Deno.test("pathPart() keeps slashes, NULs and percent signs apart from a path's own", () => {
  assertEquals(pathPart("a/b%c\0d"), "a%2Fb%25c%00d");
});

Deno.test("keyOfPath() takes needless parts of a path away", () => {
  assertEquals(keyOfPath("./a//b/", true), "a.b");
  assertEquals(keyOfPath("./", true), ".");
});

Deno.test("keyOfPath() refuses `..`, and leaves percent signs of archives of another origin alone", () => {
  assertEquals(keyOfPath("a/../b", true), undefined);
  assertEquals(keyOfPath("100%25", false), "100%25");
});

Deno.test(
  "readLink() undoes linkText()",
  () =>
    check(
      fc.property(fc.string({ minLength: 1 }), fc.option(fc.stringMatching(/^[a-z0-9-]+$/)), (target, namespace) => {
        const link = namespace === null ? { target } : { target, namespace };
        assertEquals(readLink(linkText(link)), link);
      }),
    ),
);
