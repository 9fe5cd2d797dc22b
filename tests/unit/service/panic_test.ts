import { Handle } from "../../../broker/handle/mod.ts";
import { Role } from "../../../broker/message/mod.ts";
import { endpointChannel, Router } from "../../../broker/router/mod.ts";
import { panicService } from "../../../broker/service/cmb/panic.ts";
import { assertEquals } from "../../assert.ts";

Deno.test("cmb.panic prints why, or that there is no reason, and exits with 1", async () => {
  const router = new Router({ rank: 0, size: 1, userid: 1, publish: () => {} });
  const open = (id: string) => new Handle(endpointChannel(router, { id, userid: 1, rolemask: Role.owner }));
  using server = open("a");
  using client = open("b");
  const ends: unknown[] = [];
  await server.serve(panicService((line, status) => void ends.push([line, status])));
  await client.rpc("cmb.panic", { msg: "out of cheese" });
  await client.rpc("cmb.panic");
  assertEquals(ends, [["PANIC: out of cheese", 1], ["PANIC: no reason", 1]]);
});
