import { Attributes } from "../../../broker/service/attributes.ts";
import { brokerService } from "../../../broker/service/broker_service.ts";
import { assertEquals, assertRejects } from "../../assert.ts";
import { served } from "./served.ts";

async function brokerWith(variables: Record<string, string>) {
  const table = new Map(Object.entries(variables)), attributes = new Attributes();
  attributes.register("broker.rc1_path", { value: "flux modprobe rc1" });
  const environment = {
    get: (name: string) => table.get(name),
    set: (name: string, value: string) => void table.set(name, value),
    delete: (name: string) => void table.delete(name),
  };
  return { table, session: await served(brokerService(attributes, environment)) };
}

Deno.test("broker.getenv answers the variables that are set", async () => {
  const { session } = await brokerWith({ A: "1", B: "" });
  assertEquals(await session.client().rpc("broker.getenv", { names: ["A", "B", "C", ""] }), { env: { A: "1", B: "" } });
  await assertRejects(session.client().rpc("broker.getenv", { names: "A" }), { errno: "EPROTO", text: '"names"' });
  await assertRejects(session.guest().rpc("broker.getenv", { names: ["A"] }), { errno: "EPERM" });
});

Deno.test("broker.setenv sets and removes variables, or changes nothing", async () => {
  const { session, table } = await brokerWith({ A: "1", B: "2" });
  const client = session.client();
  await client.rpc("broker.setenv", { env: { A: "x", B: null, C: "y" } });
  assertEquals([...table], [["A", "x"], ["C", "y"]]);
  await assertRejects(client.rpc("broker.setenv", { env: { A: "z", D: 3 } }), { errno: "EPROTO", text: '"env.D"' });
  await assertRejects(client.rpc("broker.setenv", { env: { A: "z", "D=": "3" } }), { errno: "EINVAL" });
  assertEquals(table.get("A"), "x");
});

Deno.test("broker.conf-builtin answers built-in values, to guests too", async () => {
  const { session } = await brokerWith({});
  const keys = ["rc1_path", "rc3_path"];
  assertEquals(await session.guest().rpc("broker.conf-builtin", { keys }), {
    values: { rc1_path: "flux modprobe rc1", rc3_path: "" },
  });
  await assertRejects(session.guest().rpc("broker.conf-builtin", { keys: ["nosuch"] }), {
    errno: "ENOENT",
    text: "nosuch",
  });
});
