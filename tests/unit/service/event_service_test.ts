import { encodeJson, type Message, Role } from "../../../broker/message/mod.ts";
import { eventService } from "../../../broker/service/event_service.ts";
import { assertEquals, assertRejects } from "../../assert.ts";
import { served } from "./served.ts";

async function publisher(rank = 0) {
  const events: Message[] = [];
  const session = await served(eventService(rank, (event) => events.push(event)));
  return { events, session, client: session.client() };
}

Deno.test("event.publish answers the number of the event", async () => {
  const { events, client } = await publisher();
  const payload = encodeJson({ a: 1 });
  assertEquals(await client.rpc("event.publish", { topic: "t.a", flags: 0, payload: payload.toBase64() }), { seq: 1 });
  assertEquals(await client.rpc("event.publish", { topic: "t.b", flags: 0 }), { seq: 2 });
  assertEquals(events.map(({ topic, payload }) => [topic, payload]), [["t.a", payload], ["t.b", undefined]]);
});

Deno.test("event.publish keeps the credentials of the publisher, and whether it is private", async () => {
  const { events, session } = await publisher();
  await session.guest().rpc("event.publish", { topic: "t", flags: 0x20 });
  const [event] = events;
  assertEquals([event!.userid, event!.rolemask, event!.flags], [200, Role.user | Role.local, 0x20]);
});

Deno.test("event.publish answers EPROTO for other flags, other text, no topic", async () => {
  const { events, client } = await publisher();
  const bad = [
    { topic: "t" },
    { topic: "t", flags: 4 },
    { topic: "", flags: 0 },
    { flags: 0 },
    { topic: "t", flags: 0, payload: "§" },
    { topic: "t", flags: 0, payload: "YQ" + "=" },
    { topic: "t", flags: 0, payload: 7 },
  ];
  for (const payload of bad) await assertRejects(client.rpc("event.publish", payload), { errno: "EPROTO" });
  assertEquals(events, []);
});

Deno.test("event.publish is refused elsewhere than at rank 0", async () => {
  const { events, client } = await publisher(1);
  const failure = { errno: "EPROTO", text: "this service is only available on rank 0" } as const;
  await assertRejects(client.rpc("event.publish", { topic: "t", flags: 0 }), failure);
  assertEquals(events, []);
});
