import { attributeRule } from "../../../broker/service/attribute_names.ts";
import { Attributes } from "../../../broker/service/attributes.ts";
import { assertEquals, assertThrows } from "../../assert.ts";

Deno.test("attributeRule() knows exact names and patterns", () => {
  const none = { immutable: false, readonly: false, runtime: false };
  assertEquals(attributeRule("rank"), { ...none, immutable: true, readonly: true });
  assertEquals(attributeRule("version"), { ...none, readonly: true });
  assertEquals(attributeRule("rundir"), none);
  assertEquals(attributeRule("test.a"), { ...none, runtime: true });
  assertEquals(attributeRule("test-ro.a"), { ...none, readonly: true });
  assertEquals(attributeRule("test-nr.a.b"), none);
  assertEquals(attributeRule("test-im.a"), { ...none, immutable: true });
  assertEquals(attributeRule("vendor.x"), { ...none, immutable: true, runtime: true });
  for (const name of ["", "foo.bar", "test", "test.", "vendor", "ranks", "toString"]) {
    assertEquals(attributeRule(name), undefined, name);
  }
});

Deno.test("Attributes.get() reads values, functions, and nothing for what is unset", () => {
  const attributes = new Attributes();
  let level = 3;
  attributes.register("rank", { value: "7" });
  attributes.register("parent-uri", { value: undefined });
  attributes.register("log-level", { value: () => `${level}` });
  level++;
  assertEquals(["rank", "parent-uri", "log-level", "size"].map((name) => attributes.get(name)), [
    "7",
    undefined,
    "4",
    undefined,
  ]);
  assertEquals(attributes.names(), ["log-level", "parent-uri", "rank"]);
});

Deno.test("Attributes.get() understands the names of the 0.1.0 tools", () => {
  const attributes = new Attributes();
  attributes.register("rundir", { value: "/run/x" });
  attributes.register("tbon.parent-endpoint", { value: "ipc:///run/x/tbon-0" });
  assertEquals(attributes.get("scratch-directory"), "/run/x");
  assertEquals(attributes.get("tbon-parent-uri"), "ipc:///run/x/tbon-0");
  assertEquals(attributes.names().includes("scratch-directory"), false);
});

Deno.test("Attributes.set() refuses names that no attribute may have", () => {
  const attributes = new Attributes();
  for (const force of [false, true]) {
    assertThrows(() => attributes.set("foo.bar", "baz", force), { errno: "ENOENT", text: "unknown attribute" });
  }
});

Deno.test("Attributes.set() changes what may change at run time, and creates it", () => {
  const attributes = new Attributes();
  attributes.set("test.a", "1");
  attributes.set("test.a", "2");
  assertEquals(attributes.get("test.a"), "2");
});

Deno.test("Attributes.set() refuses what may not change at run time unless forced", () => {
  const attributes = new Attributes();
  attributes.register("rank", { value: "0" });
  const failure = { errno: "EINVAL", text: "attribute may not be updated" } as const;
  for (const name of ["rank", "rundir", "test-ro.a", "test-nr.a", "test-im.a"]) {
    assertThrows(() => attributes.set(name, "3"), failure);
  }
  attributes.set("content.backing-module", "content-sqlite", true);
  assertEquals(attributes.get("content.backing-module"), "content-sqlite");
});

Deno.test("Attributes.set() gives what clients may cache its value only once", () => {
  const attributes = new Attributes();
  attributes.set("vendor.a", "1");
  assertEquals(attributes.isImmutable("vendor.a"), true);
  assertThrows(() => attributes.set("vendor.a", "2"), { errno: "EINVAL" });
  assertEquals(attributes.get("vendor.a"), "1");
});

Deno.test("Attributes.set() asks the part of the broker that stands behind the attribute", () => {
  const attributes = new Attributes();
  const seen: string[] = [];
  attributes.register("log-level", { value: () => seen.at(-1) ?? "6", update: (value) => void seen.push(value) });
  attributes.set("log-level", "7");
  assertEquals([seen, attributes.get("log-level")], [["7"], "7"]);
});

Deno.test("Attributes.configure() takes from the command line what may stand there", () => {
  const attributes = new Attributes();
  attributes.configure("broker.quorum", "2");
  attributes.configure("scratch-directory", "/tmp/x");
  assertEquals([attributes.get("broker.quorum"), attributes.get("rundir")], ["2", "/tmp/x"]);
  assertThrows(() => attributes.configure("rank", "2"), { errno: "EINVAL", text: /^rank: / });
  assertThrows(() => attributes.configure("foo", "2"), { errno: "ENOENT", text: "foo: unknown attribute" });
});

Deno.test("Attributes.remove() keeps what is immutable or has a part of the broker behind it", () => {
  const attributes = new Attributes();
  attributes.register("rank", { value: "0" });
  attributes.register("log-level", { value: "6", update: () => {} });
  attributes.register("tbon.endpoint", { value: () => "ipc://x" });
  attributes.set("test.a", "1");
  attributes.remove("test.a");
  assertEquals(attributes.get("test.a"), undefined);
  for (const name of ["rank", "log-level", "tbon.endpoint"]) {
    assertThrows(() => attributes.remove(name), { errno: "EPERM" });
  }
  assertThrows(() => attributes.remove("test.a"), { errno: "ENOENT" });
});

Deno.test("Attributes.lend() puts back what was there before, unless somebody replaced it meanwhile", () => {
  const attributes = new Attributes();
  attributes.register("a", { value: "before" });
  const giveBack = [attributes.lend("a", { value: () => "lent" }), attributes.lend("b", { value: () => "new" })];
  assertEquals([attributes.get("a"), attributes.get("b")], ["lent", "new"]);
  for (const one of giveBack) one();
  assertEquals([attributes.get("a"), attributes.has("b")], ["before", false]);
  const late = attributes.lend("a", { value: () => "lent" });
  attributes.register("a", { value: "after" });
  late();
  assertEquals(attributes.get("a"), "after");
});
