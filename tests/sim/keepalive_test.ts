import { assertEquals } from "../assert.ts";
import { type SimSession, simSession } from "./session.ts";

const HEARTBEAT = 2000;

/** Keepalives that rank 1 sends during 20 heartbeats, `each` being done in every one. */
async function keepalives(
  session: SimSession,
  each: () => Promise<unknown> = () => Promise.resolve(),
): Promise<number> {
  const { tree } = session.brokers[1]!;
  const send = tree.keepalive.bind(tree);
  let sent = 0;
  tree.keepalive = () => {
    sent++;
    send();
  };
  for (let beat = 0; beat < 20; beat++) {
    await session.settle(each());
    await session.run(HEARTBEAT);
  }
  return sent;
}

Deno.test("a child that has nothing to say speaks up at every second heartbeat", async () => {
  const session = await simSession({ size: 2, heartrate: HEARTBEAT });
  await session.run(10 * HEARTBEAT);
  assertEquals(await keepalives(session), 10);
});

Deno.test("a child that talks anyway sends no keepalive", async () => {
  const session = await simSession({ size: 2, heartrate: HEARTBEAT });
  const flux = session.handle(1);
  assertEquals(await keepalives(session, () => flux.rpc("broker.ping", {}, { rank: 0 })), 0);
});
