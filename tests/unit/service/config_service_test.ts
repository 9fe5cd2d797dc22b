import { FluxError, type JsonObject } from "../../../broker/message/mod.ts";
import { configService } from "../../../broker/service/config_service.ts";
import { assertEquals, assertRejects } from "../../assert.ts";
import { served } from "./served.ts";

async function withConfig() {
  const told: JsonObject[] = [];
  const session = await served(configService((config) => {
    told.push(config);
    return config.bad ? Promise.reject(new FluxError("EINVAL", "bad is bad")) : Promise.resolve();
  }));
  return { told, session, client: session.client() };
}

Deno.test("config.get answers an empty object at first, and what was loaded last", async () => {
  const { session, client, told } = await withConfig();
  assertEquals(await session.guest().rpc("config.get"), {});
  await client.rpc("config.load", { tbon: { topo: "kary:2" } });
  assertEquals(await session.guest().rpc("config.get"), { tbon: { topo: "kary:2" } });
  await client.rpc("config.reload");
  assertEquals(told, [{ tbon: { topo: "kary:2" } }, { tbon: { topo: "kary:2" } }]);
});

Deno.test("config.get answers what the broker was started with", async () => {
  const session = await served(configService(() => Promise.resolve(), { kvs: { a: 1 } }));
  assertEquals(await session.guest().rpc("config.get"), { kvs: { a: 1 } });
});

Deno.test("config.load changes nothing when a module refuses it, or it is none", async () => {
  const { session, client } = await withConfig();
  await assertRejects(client.rpc("config.load", { bad: 1 }), { errno: "EINVAL", text: "bad is bad" });
  await assertRejects(client.rpc("config.load"), { errno: "EPROTO" });
  await assertRejects(client.rpcRaw("config.load", new TextEncoder().encode("[1]\0")), { errno: "EPROTO" });
  await assertRejects(session.guest().rpc("config.load", {}), { errno: "EPERM" });
  assertEquals(await client.rpc("config.get"), {});
});

Deno.test("config.get with streaming goes on with every change", async () => {
  const { client } = await withConfig();
  const seen: JsonObject[] = [];
  for await (const config of client.stream("config.get")) {
    seen.push(config);
    if (seen.length === 3) break;
    await client.rpc("config.load", { n: seen.length });
  }
  assertEquals(seen, [{}, { n: 1 }, { n: 2 }]);
});
