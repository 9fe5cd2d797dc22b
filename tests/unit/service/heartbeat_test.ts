import { Event } from "../../../broker/handle/mod.ts";
import { encodeJson, Message, MessageType, Role } from "../../../broker/message/mod.ts";
import { Heartbeat } from "../../../broker/service/heartbeat.ts";
import { assertEquals } from "../../assert.ts";
import { virtualClock } from "../../sim/mod.ts";
import { served } from "./served.ts";

function heartbeat(rank: number) {
  const clock = virtualClock(), published: unknown[] = [];
  const publish = (topic: string, payload: object) => void published.push([clock.now(), topic, payload]);
  return { clock, published, heartbeat: new Heartbeat({ rank, clock, period: 2000, publish }) };
}

function beat(payload: object, rolemask: number = Role.owner): Event {
  return new Event(
    new Message({ type: MessageType.event, rolemask, topic: "heartbeat.pulse", payload: encodeJson(payload) }),
  );
}

Deno.test("Heartbeat beats once a period at rank 0 until it is stopped", async () => {
  const { clock, published, heartbeat: pulse } = heartbeat(0);
  pulse.start();
  pulse.start();
  await clock.run(4500);
  pulse.stop();
  await clock.run(10_000);
  assertEquals(published, [[2000, "heartbeat.pulse", { epoch: 0 }], [4000, "heartbeat.pulse", { epoch: 1 }]]);
});

Deno.test("Heartbeat does not beat at other ranks", async () => {
  const { clock, published, heartbeat: pulse } = heartbeat(1);
  pulse.start();
  await clock.run(10_000);
  assertEquals(published, []);
});

Deno.test("Heartbeat.heard() passes epochs on, and none twice or malformed", () => {
  const { heartbeat: pulse } = heartbeat(1), epochs: number[] = [];
  using _follow = pulse.follow((epoch) => epochs.push(epoch));
  assertEquals(pulse.epoch, -1);
  for (const payload of [{ epoch: 0 }, { epoch: 1 }, { epoch: 1 }, { epoch: 0 }, {}, { epoch: "7" }, { epoch: 5 }]) {
    pulse.heard(beat(payload));
  }
  pulse.heard(beat({ epoch: 6 }, Role.user));
  assertEquals([epochs, pulse.epoch], [[0, 1, 5], 5]);
});

Deno.test("heartbeat.stats-get answers seconds as real numbers, and how many beats were heard", async () => {
  const { heartbeat: pulse } = heartbeat(1), { server } = await served(pulse.methods);
  pulse.heard(beat({ epoch: 3 }));
  assertEquals(await server.rpc("heartbeat.stats-get"), { period: 2, timeout: 0, count: 1, warn_thresh: 0 });
  const bytes = await server.rpcRaw("heartbeat.stats-get");
  assertEquals(new TextDecoder().decode(bytes).includes('"period":2.0'), true);
  await server.rpc("heartbeat.stats-clear");
  assertEquals((await server.rpc("heartbeat.stats-get")).count, 0);
});
