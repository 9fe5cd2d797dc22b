import type { JsonObject } from "../../../broker/message/mod.ts";
import { cmbSeqService, Sequences } from "../../../broker/service/cmb/seq.ts";
import { assertEquals, assertRejects, assertThrows } from "../../assert.ts";
import { served } from "./served.ts";

const none = () => Promise.reject(new Error("rank 0 asks nobody"));

Deno.test("Sequences.fetch() counts before and after", () => {
  const sequences = new Sequences();
  assertThrows(() => sequences.fetch("a", false, 0, 1), { errno: "ENOENT" });
  assertEquals(sequences.fetch("a", true, 0, 1), { value: 0, created: true });
  assertEquals(sequences.fetch("a", true, 0, 1), { value: 1, created: false });
  assertEquals(sequences.fetch("a", false, 5, 0), { value: 7, created: false });
  assertEquals(sequences.fetch("b", true, 1, 10), { value: 1, created: true });
  assertEquals(sequences.fetch("b", false, 0, 0), { value: 11, created: false });
});

Deno.test("Sequences.set() compares first where it is told what to expect", () => {
  const sequences = new Sequences();
  assertThrows(() => sequences.set("a", 1), { errno: "ENOENT" });
  sequences.fetch("a", true, 0, 0);
  sequences.set("a", 9, 0);
  assertThrows(() => sequences.set("a", 10, 0), { errno: "EAGAIN" });
  assertEquals(sequences.fetch("a", false, 0, 0).value, 9);
  sequences.destroy("a");
  assertThrows(() => sequences.destroy("a"), { errno: "ENOENT" });
});

Deno.test("cmb.seq.* answers with the payloads of 0.1.0", async () => {
  const client = (await served(cmbSeqService(0, none))).client();
  const fetch = { name: "s", create: true, preincrement: 0, postincrement: 1 };
  assertEquals(await client.rpc("cmb.seq.fetch", fetch), { name: "s", value: 0, created: true });
  assertEquals(await client.rpc("cmb.seq.fetch", fetch), { name: "s", value: 1 });
  assertEquals(await client.rpc("cmb.seq.set", { name: "s", value: 40, oldvalue: 2 }), {
    name: "s",
    set: true,
    value: 40,
  });
  assertEquals(await client.rpc("cmb.seq.destroy", { name: "s" }), { name: "s", destroyed: true });
  for (const field of Object.keys(fetch)) {
    await assertRejects(client.rpc("cmb.seq.fetch", { ...fetch, [field]: undefined }), {
      errno: "EPROTO",
      text: field,
    });
  }
});

Deno.test("cmb.seq.* elsewhere passes on what is addressed to no rank, and nothing else", async () => {
  const asked: unknown[] = [];
  const rpc = (topic: string, payload: object, { rank }: { rank: number }): Promise<JsonObject> => {
    asked.push([topic, payload, rank]);
    return Promise.resolve({ name: "s", value: 3 });
  };
  const client = (await served(cmbSeqService(5, rpc))).client();
  assertEquals(await client.rpc("cmb.seq.fetch", { name: "s" }), { name: "s", value: 3 });
  assertEquals(asked, [["cmb.seq.fetch", { name: "s" }, 0]]);
  await assertRejects(client.rpc("cmb.seq.fetch", { name: "s" }, { rank: 0 }), { errno: "ENOSYS" });
});
