import { attrService } from "../../../broker/service/attr.ts";
import { Attributes } from "../../../broker/service/attributes.ts";
import { cmbAttrService } from "../../../broker/service/cmb/attr.ts";
import { assert, assertEquals, assertRejects } from "../../assert.ts";
import { type Served, served } from "./served.ts";

function withAttributes(): Promise<Served> {
  const attributes = new Attributes();
  attributes.register("rank", { value: "3" });
  attributes.register("version", { value: "0.1.0" });
  attributes.register("parent-uri", { value: undefined });
  attributes.register("rundir", { value: "/run/x" });
  attributes.register("log-bufcount", { value: () => "12" });
  attributes.register("log-level", { value: "6", update: () => {} });
  return served({ ...attrService(attributes), ...cmbAttrService(attributes) });
}

Deno.test("attr.get answers value and flags, to guests too", async () => {
  const guest = (await withAttributes()).guest();
  assertEquals(await guest.rpc("attr.get", { name: "rank" }), { value: "3", flags: 1 });
  assertEquals(await guest.rpc("attr.get", { name: "version" }), { value: "0.1.0", flags: 0 });
});

Deno.test("attr.get answers ENOENT for what is unknown or unset, and EPROTO without a name", async () => {
  const client = (await withAttributes()).client();
  for (const name of ["nosuch", "parent-uri"]) {
    await assertRejects(client.rpc("attr.get", { name }), { errno: "ENOENT" });
  }
  for (const payload of [undefined, {}, { name: 3 }]) {
    await assertRejects(client.rpc("attr.get", payload), { errno: "EPROTO", text: '"name"' });
  }
});

Deno.test("attr.set is for the owner, and for names that attributes may have", async () => {
  const session = await withAttributes(), client = session.client();
  await client.rpc("attr.set", { name: "test.a", value: "xyz" });
  assertEquals(await client.rpc("attr.get", { name: "test.a" }), { value: "xyz", flags: 0 });
  await assertRejects(client.rpc("attr.set", { name: "foo.bar", value: "x" }), {
    errno: "ENOENT",
    text: "unknown attribute",
  });
  const text = "attribute may not be updated";
  await assertRejects(client.rpc("attr.set", { name: "rank", value: "7" }), { errno: "EINVAL", text });
  await assertRejects(client.rpc("attr.set", { name: "test.a", value: 7 }), { errno: "EPROTO", text: '"value"' });
  await assertRejects(session.guest().rpc("attr.set", { name: "test.a", value: "1" }), { errno: "EPERM" });
});

Deno.test("attr.rm removes, and answers EPERM for what is immutable", async () => {
  const client = (await withAttributes()).client();
  await client.rpc("attr.rm", { name: "rundir" });
  await assertRejects(client.rpc("attr.get", { name: "rundir" }), { errno: "ENOENT" });
  await assertRejects(client.rpc("attr.rm", { name: "rank" }), { errno: "EPERM" });
});

Deno.test("attr.list names every attribute, unset ones included", async () => {
  const { names } = await (await withAttributes()).client().rpc<{ names: string[] }>("attr.list");
  assertEquals(names, ["log-bufcount", "log-level", "parent-uri", "rank", "rundir", "version"]);
});

Deno.test("cmb.attrget tells immutable, read-only and active attributes apart", async () => {
  const client = (await withAttributes()).client();
  const flags = async (name: string) => (await client.rpc<{ flags: number }>("cmb.attrget", { name })).flags;
  assertEquals([await flags("rank"), await flags("version"), await flags("log-bufcount"), await flags("log-level")], [
    1,
    2,
    6,
    0,
  ]);
});

Deno.test("cmb.attrset creates names, changes and removes them", async () => {
  const client = (await withAttributes()).client();
  await client.rpc("cmb.attrset", { name: "my.note", value: "a" });
  await client.rpc("cmb.attrset", { name: "my.note", value: "b" });
  assertEquals(await client.rpc("attr.get", { name: "my.note" }), { value: "b", flags: 0 });
  await client.rpc("cmb.attrset", { name: "my.note" });
  await assertRejects(client.rpc("cmb.attrset", { name: "my.note" }), { errno: "ENOENT" });
});

Deno.test("cmb.attrset refuses what the broker decides", async () => {
  const client = (await withAttributes()).client();
  await assertRejects(client.rpc("cmb.attrset", { name: "rank", value: "1" }), { errno: "EPERM" });
  await assertRejects(client.rpc("cmb.attrset", { name: "version", value: "1" }), { errno: "EPERM" });
  await assertRejects(client.rpc("cmb.attrset", { name: "rank" }), { errno: "EPERM" });
  await assertRejects(client.rpc("cmb.attrset", { name: "log-level" }), { errno: "EPERM" });
  await assertRejects(client.rpc("cmb.attrset", { name: "log-bufcount", value: "1" }), { errno: "ENOENT" });
  await assertRejects(client.rpc("cmb.attrset", { name: "", value: "1" }), { errno: "EINVAL" });
});

Deno.test("cmb.attrlist adds the names of the 0.1.0 tools", async () => {
  const { names } = await (await withAttributes()).client().rpc<{ names: string[] }>("cmb.attrlist");
  for (const name of ["rank", "scratch-directory", "log-buflimit", "snoop-uri", "tbon-parent-uri"]) {
    assert(names.includes(name), name);
  }
});
