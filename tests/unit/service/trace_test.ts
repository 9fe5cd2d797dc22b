import type { Handle } from "../../../broker/handle/mod.ts";
import { decode, encodeJson, type JsonObject, Message, MessageType } from "../../../broker/message/mod.ts";
import { assert, assertEquals, assertRejects } from "../../assert.ts";
import { type SimSession, simSession } from "../../sim/session.ts";
import { plain, sourceOf } from "./module_world.ts";

const EVERYTHING = { typemask: 15, topic_glob: "*", full: false };

/** What a streaming request gives while `action` runs and for a while after. */
async function during(session: SimSession, client: Handle, topic: string, request: object, action: () => void) {
  const items: Uint8Array[] = [];
  const queue = client.streamRaw(topic, encodeJson(request));
  (async () => {
    for await (const item of queue) items.push(item!);
  })().catch(() => {});
  await session.run(20);
  action();
  await session.run(50);
  await queue.return();
  await session.run(20);
  const seen = items.length;
  action();
  await session.run(50);
  assertEquals(items.length, seen, "it goes on after it was cancelled");
  return items;
}

const json = (items: Uint8Array[]) =>
  items.map((item) => JSON.parse(new TextDecoder().decode(item.slice(0, -1))) as JsonObject);

Deno.test("module.trace tells what a module is given and sends, as 0.88 does", async () => {
  const session = await simSession({ size: 1 });
  const broker = session.brokers[0]!;
  await session.settle(broker.modules.load(sourceOf(plain("one"))));
  await session.settle(broker.modules.load(sourceOf(plain("two"))));
  const client = session.handle(0), other = session.handle(0);
  const items = json(
    await during(session, client, "module.trace", { ...EVERYTHING, names: ["one"] }, () => {
      other.post("one.ping", { n: 1 });
      other.rpc("one.ping", { n: 1 }).catch(() => {});
      other.rpc("one.nothing").catch(() => {});
      other.rpc("two.ping", {}).catch(() => {});
    }),
  );
  assertEquals(items.map(({ prefix, name, type, topic, errnum }) => [prefix, name, type, topic, errnum]), [
    ["rx", "one", 1, "one.ping", 0],
    ["rx", "one", 1, "one.ping", 0],
    ["tx", "one", 2, "one.ping", 0],
    ["rx", "one", 1, "one.nothing", 0],
    ["tx", "one", 2, "one.nothing", 38],
  ]);
  assertEquals(
    Object.keys(items[0]!).join(" "),
    "timestamp prefix rank name type topic payload_size payload errnum errstr",
  );
  assertEquals([items[0]!.rank, items[0]!.payload, items[0]!.payload_size], [-1, null, 8]);
  assertEquals(items[4]!.errstr, "Function not implemented");
});

Deno.test("module.trace shows payloads when asked, and only the types and topics that were asked for", async () => {
  const session = await simSession({ size: 1 });
  await session.settle(session.brokers[0]!.modules.load(sourceOf(plain("one"))));
  const client = session.handle(0), other = session.handle(0);
  const request = { typemask: 1, topic_glob: "*.p?ng", full: true, names: ["one"] };
  const items = json(
    await during(session, client, "module.trace", request, () => {
      other.rpc("one.ping", { n: 1 }).catch(() => {});
      other.rpc("one.debug", { op: "set", flags: 0 }).catch(() => {});
    }),
  );
  assertEquals(items.map(({ topic, payload }) => [topic, payload]), [["one.ping", { n: 1 }]]);
});

Deno.test("module.trace refuses a module that is not there, and a request that is no stream", async () => {
  const session = await simSession({ size: 1 });
  const client = session.handle(0);
  const request = { ...EVERYTHING, names: ["absent"] };
  await assertRejects(session.settle(client.stream("module.trace", request).next()), {
    errno: "ENOENT",
    text: "absent: module is not loaded",
  });
  await assertRejects(session.settle(client.rpc("module.trace", { ...EVERYTHING, names: [] })), { errno: "EPROTO" });
  await assertRejects(session.settle(client.stream("module.trace", { names: [] }).next()), { errno: "EPROTO" });
});

Deno.test("overlay.trace tells what goes over links, with the rank at the other end, and events once", async () => {
  const session = await simSession({ size: 3 });
  const client = session.handle(0), other = session.handle(0);
  const watched = (nodeid: number) =>
    during(session, client, "overlay.trace", { ...EVERYTHING, topic_glob: "[bs]*.[ep]*", nodeid }, () => {
      other.rpc("broker.ping", {}, { rank: 1 }).catch(() => {});
      other.rpc("broker.ping", {}, { rank: 2 }).catch(() => {});
      other.publish("some.event");
    });
  const shown = (items: Uint8Array[]) =>
    json(items).map(({ prefix, rank, type, topic }) => [prefix, rank, type, topic]);
  const all = shown(await watched(-1)).map((item) => item.join(" ")).sort();
  assertEquals(all, [
    "rx 1 2 broker.ping",
    "rx 2 2 broker.ping",
    "tx -1 4 some.event",
    "tx 1 1 broker.ping",
    "tx 2 1 broker.ping",
  ]);
  assertEquals(shown(await watched(2)), [["tx", 2, 1, "broker.ping"], ["rx", 2, 2, "broker.ping"]]);
});

Deno.test("overlay.trace and broker.snoop from afar do not trace themselves", async () => {
  const session = await simSession({ size: 7 });
  const far = session.handle(6);
  for (const [topic, request] of [["overlay.trace", { ...EVERYTHING, nodeid: -1 }], ["broker.snoop", {}]] as const) {
    let count = 0;
    const queue = far.streamRaw(topic, encodeJson(request), { rank: 0 });
    (async () => {
      for await (const _item of queue) count++;
    })().catch(() => {});
    await session.run(100);
    session.handle(0).post("broker.ping", {}, { rank: 1 });
    await session.run(1000);
    await queue.return();
    assert(count >= 1 && count < 20, `${topic}: ${count}`);
  }
});

Deno.test("broker.snoop gives each message that reaches the broker once, encoded as it is", async () => {
  const session = await simSession({ size: 3 });
  const client = session.handle(0), other = session.handle(1);
  const request = { topics: ["broker.ping", "some"], hide: ["some.hidden"] };
  const items = await during(session, client, "broker.snoop", request, () => {
    other.rpc("broker.ping", { n: 1 }, { rank: 0 }).catch(() => {});
    other.rpc("attr.get", { name: "size" }, { rank: 0 }).catch(() => {});
    other.publish("some.event");
    other.publish("some.hidden");
    other.rpc("some.service", {}, { rank: 0 }).catch(() => {});
  });
  const messages = items.map((item) => decode(item));
  assertEquals(
    messages.map(({ type, topic, aux1 }) => [type, topic, aux1]).sort(),
    [
      [MessageType.request, "broker.ping", 0],
      [MessageType.request, "some.service", 0],
      [MessageType.response, "broker.ping", 0],
      [MessageType.response, "some.service", 38],
      // On its way to rank 0 without a number, then as it was numbered.
      [MessageType.event, "some.event", 0],
      [MessageType.event, "some.event", 1],
    ].sort(),
  );
  const ping = messages.find(({ type }) => type === MessageType.request)!;
  assertEquals([ping.routes.length, new TextDecoder().decode(ping.payload)], [1, '{"n":1}\0']);
  assert(messages.every((message) => message instanceof Message));
});
