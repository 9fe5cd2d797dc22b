import { keyError, readAt } from "../../../../commands/kvs/access.ts";
import { FluxError } from "../../../../broker/message/mod.ts";
import { CommandError } from "../../../../commands/mod.ts";
import { assert, assertEquals } from "../../../assert.ts";

const ROOT = `sha1-${"ab".repeat(20)}`;

function told(key: string, error: FluxError): [string, string | undefined] {
  const result = keyError(key, error);
  assert(result instanceof CommandError && result.cause === error);
  return [result.message, result.hint];
}

Deno.test("keyError() is the key and the system's words", () => {
  assertEquals(told("a.b", new FluxError("ENOENT")), ["a.b: No such file or directory", undefined]);
  assertEquals(told("a", new FluxError("EISDIR", "a thing")), ["a: Is a directory", "list it with 'flux kvs dir a'"]);
  assertEquals(told("a.b", new FluxError("EFBIG", "too much")), ["a.b: too much", undefined]);
});

Deno.test("keyError() says the key once, shortens a long one and shows an empty one", () => {
  assertEquals(told("a", new FluxError("EINVAL", "a: bad"))[0], "a: bad");
  assertEquals(told("", new FluxError("EINVAL", "no key"))[0], "'': no key");
  assertEquals(told("k".repeat(1000), new FluxError("EIO"))[0], `${"k".repeat(200)}...: Input/output error`);
});

Deno.test("keyError() passes on what is not the store's", () => {
  const error = new TypeError("x");
  assertEquals(keyError("a", error), error);
});

Deno.test("readAt() takes a blobref and the tree object of a root", () => {
  assertEquals(readAt(undefined), {});
  assertEquals(readAt(ROOT), { rootref: ROOT });
  assertEquals(readAt(`{"data":["${ROOT}"],"type":"dirref","ver":1}`), { rootref: ROOT });
});

Deno.test("readAt() refuses everything else by name", () => {
  for (const text of ["", "x", "{}", '{"type":"val","data":"","ver":1}', "sha1-00"]) {
    try {
      readAt(text);
    } catch (error) {
      assert(error instanceof CommandError);
      assertEquals(error.message, `--at ${text}: not a version of the store`);
      continue;
    }
    throw new Error(`'${text}' was taken`);
  }
});
