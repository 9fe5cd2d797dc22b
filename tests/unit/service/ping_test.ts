import { pingMethod } from "../../../broker/service/ping.ts";
import { assertEquals, assertRejects } from "../../assert.ts";
import { served } from "./served.ts";

const session = () => served({ "x.ping": pingMethod("0123456789abcdef", 3) });
const text = (bytes: Uint8Array | undefined) => new TextDecoder().decode(bytes);

Deno.test("ping sends the object back with the way it came", async () => {
  const answer = await (await session()).client().rpc("x.ping", { seq: 7, pad: "ppp" });
  assertEquals(answer, { seq: 7, pad: "ppp", route: "client-1!01234567", userid: 100, rolemask: 5, rank: 3 });
});

Deno.test("ping keeps numbers that JavaScript would round, and blanks", async () => {
  const sent = '{ "n": 18446744073709551615, "x": 1.0 }';
  const answer = text(await (await session()).guest().rpcRaw("x.ping", new TextEncoder().encode(`${sent}\0`)));
  assertEquals(
    answer,
    '{ "n": 18446744073709551615, "x": 1.0 ,"route":"client-1!01234567","userid":200,"rolemask":6,"rank":3}\0',
  );
});

Deno.test("ping takes an empty object, and none, but nothing else", async () => {
  const client = (await session()).client();
  const expected = { route: "client-1!01234567", userid: 100, rolemask: 5, rank: 3 };
  assertEquals(await client.rpc("x.ping", {}), expected);
  assertEquals(await client.rpc("x.ping"), expected);
  for (const bad of ["[1]\0", "hello\0", "{}", '"{}"\0']) {
    await assertRejects(client.rpcRaw("x.ping", new TextEncoder().encode(bad)), { errno: "EPROTO" });
  }
});
