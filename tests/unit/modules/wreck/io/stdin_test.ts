import { Stdin } from "../../../../../modules/wreck/io/stdin.ts";
import { assert, assertEquals, assertRejects } from "../../../../assert.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const text = (bytes: Uint8Array | undefined) => bytes && new TextDecoder().decode(bytes);

Deno.test("one gives standard input, and it is taken in order", async () => {
  const stdin = new Stdin();
  assert(stdin.claim("a") && !stdin.claim("b"));
  const given = [stdin.give("a", bytes("1")), stdin.give("a", bytes("2"))];
  assertEquals([text(await stdin.next()), text(await stdin.next())], ["1", "2"]);
  await Promise.all(given);
  const next = stdin.next();
  await stdin.give("a", undefined);
  assertEquals(await next, undefined);
  await assertRejects(stdin.give("a", bytes("3")), { errno: "EPIPE" });
  await assertRejects(stdin.give("b", bytes("3")), { errno: "EBUSY" });
});

Deno.test("when who gave standard input has gone another can, but not after its end", async () => {
  const stdin = new Stdin();
  stdin.claim("a");
  stdin.release("b");
  assert(!stdin.claim("b"));
  stdin.release("a");
  assert(stdin.claim("b"));
  void stdin.give("b", undefined);
  await stdin.next();
  stdin.release("b");
  assert(!stdin.claim("c"));
});

Deno.test("at the end of a job nobody waits for standard input any more", async () => {
  const stdin = new Stdin();
  stdin.claim("a");
  const given = stdin.give("a", bytes("1"));
  stdin.close();
  await given;
  assertEquals(await stdin.next(), undefined);
  await assertRejects(stdin.give("a", bytes("2")), { errno: "EPIPE" });
});
