import { encodeJson, encodeStream, Message, MessageType, NODEID_ANY } from "../../../../broker/message/mod.ts";
import { assert, assertEquals, assertRejects } from "../../../assert.ts";
import { localBroker } from "../../../local_broker.ts";

function request(topic: string, payload: object, matchtag: number): Uint8Array<ArrayBuffer> {
  return encodeStream(
    new Message({ type: MessageType.request, aux1: NODEID_ANY, aux2: matchtag, topic, payload: encodeJson(payload) }),
  );
}

function concat(parts: Uint8Array[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(parts.reduce((n, part) => n + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

async function writeAll(conn: Deno.Conn, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await conn.write(bytes.subarray(at));
}

Deno.test("api answers 10,000 requests that one client sends before it reads the first answer", async () => {
  await using session = await localBroker();
  using flux = await session.connect();
  const answers = Array.from({ length: 10_000 }, (_, seq) => flux.rpc<{ seq: number }>("broker.ping", { seq }));
  const seen = await Promise.all(answers);
  assert(seen.every((answer, seq) => answer.seq === seq), "an answer is not that of its request");
});

Deno.test("api serves 200 clients at once", async () => {
  await using session = await localBroker();
  const clients = await Promise.all(Array.from({ length: 200 }, () => session.connect()));
  const seen = await Promise.all(clients.map((flux, seq) => flux.rpc<{ seq: number }>("broker.ping", { seq })));
  assertEquals(seen.map((answer) => answer.seq), clients.map((_, i) => i));
  for (const flux of clients) flux.close();
});

Deno.test("api goes on when a client dies in the middle of a message", async () => {
  await using session = await localBroker();
  for (let cut = 1; cut < 60; cut += 7) {
    const conn = await session.raw();
    await writeAll(conn, request("broker.ping", { seq: 1 }, 1).subarray(0, cut));
    conn.close();
  }
  using flux = await session.connect();
  assertEquals((await flux.rpc<{ seq: number }>("broker.ping", { seq: 7 })).seq, 7);
});

Deno.test("api keeps memory bounded when a client never reads, and serves the others", async () => {
  await using session = await localBroker();
  using flux = await session.connect();
  const deaf = await session.raw();
  const flood = concat(
    Array.from({ length: 64 }, (_, i) => request("broker.ping", { pad: "x".repeat(1 << 16) }, i + 1)),
  );
  let accepted = 0;
  const flooding = (async () => {
    try {
      for (;;) {
        await writeAll(deaf, flood);
        accepted += flood.length;
      }
    } catch { /* the broker or the test has closed the connection */ }
  })();
  let before = -1;
  while (accepted !== before || accepted < 16 << 20) {
    before = accepted;
    for (let seq = 0; seq < 50; seq++) await flux.rpc("broker.ping", { seq });
  }
  assert(accepted <= 160 << 20, `took ${accepted >> 20} MiB from a client that reads nothing`);
  assertEquals((await flux.rpc<{ seq: number }>("broker.ping", { seq: 1 })).seq, 1);
  deaf.close();
  await flooding;
});

Deno.test("api tells the services that a client used when it goes", async () => {
  await using session = await localBroker();
  using server = await session.connect();
  const gone = Promise.withResolvers<string>();
  await server.serve({
    "spy.hello": (r) => ({ sender: r.sender }),
    "spy.disconnect": (r) => gone.resolve(r.sender),
  });
  const client = await session.connect();
  const { sender } = await client.rpc<{ sender: string }>("spy.hello");
  client.close();
  assertEquals(await gone.promise, sender);
});

Deno.test("api counts subscriptions per client and drops them when it goes", async () => {
  await using session = await localBroker();
  using flux = await session.connect();
  await flux.rpc("event.subscribe", { topic: "a" });
  await flux.rpc("event.subscribe", { topic: "a" });
  await flux.rpc("event.unsubscribe", { topic: "a" });
  await flux.rpc("event.unsubscribe", { topic: "a" });
  await assertRejects(flux.rpc("event.unsubscribe", { topic: "a" }), { errno: "ENOENT" });
});

Deno.test("api removes a client's services when it goes, and refuses a name that is taken", async () => {
  await using session = await localBroker();
  using other = await session.connect();
  const server = await session.connect();
  await server.serve({ "mine.hello": () => ({ from: "server" }) });
  await assertRejects(other.serve({ "mine.hello": () => ({}) }), { errno: "EEXIST" });
  assertEquals(await other.rpc("mine.hello"), { from: "server" });
  server.close();
  for (;;) {
    try {
      await other.rpc("mine.hello");
    } catch (error) {
      assert(/went away|No service matching/.test(String(error)), String(error));
      break;
    }
  }
});

Deno.test("api disconnects a client that sends garbage and nobody else", async () => {
  await using session = await localBroker();
  using flux = await session.connect();
  const conn = await session.raw();
  await writeAll(conn, new Uint8Array(64).fill(0x5a));
  assertEquals(await conn.read(new Uint8Array(16)), null);
  conn.close();
  assertEquals((await flux.rpc<{ seq: number }>("broker.ping", { seq: 3 })).seq, 3);
});
