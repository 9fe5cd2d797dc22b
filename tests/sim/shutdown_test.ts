import type { JsonObject } from "../../broker/message/mod.ts";
import { assert, assertEquals, assertRejects } from "../assert.ts";
import { simSession } from "./session.ts";

Deno.test("shutdown.start ends every rank in order", async () => {
  const session = await simSession({ size: 7 });
  await session.settle(session.handle(6).rpc("shutdown.start", { loglevel: 6 }, { rank: 0 }));
  const codes = await session.settle(Promise.all(session.brokers.map(({ exited }) => exited)));
  assertEquals(codes, Array(7).fill(0));
  assertEquals(session.log.filter(({ level }) => level === "err"), []);
});

Deno.test("shutdown.start with streaming answers with the log of the end", async () => {
  const session = await simSession({ size: 3 });
  const lines: string[] = [];
  const reading = (async () => {
    for await (const { log } of session.handle(0).stream("shutdown.start", { loglevel: 6 })) lines.push(log as string);
  })();
  await session.settle(reading);
  assert(
    lines.some((line) => line.endsWith("broker.info[0]: shutdown: requested by shutdown.start")),
    lines.join("\n"),
  );
  await session.settle(Promise.all(session.brokers.map(({ exited }) => exited)));
});

Deno.test("shutdown.start is for the owner, at rank 0", async () => {
  const session = await simSession({ size: 2 });
  await session.settle(assertRejects(session.handle(1).rpc("shutdown.start", {}), { errno: "EPROTO" }));
  const guest = session.handle(0, { userid: 7, rolemask: 2 });
  await session.settle(assertRejects(guest.rpc<JsonObject>("shutdown.start", {}), { errno: "EPERM" }));
  assertEquals(session.brokers[0]!.machine.state, "run");
});

Deno.test("a broker ends although its parent takes no note of its goodbye", async () => {
  const session = await simSession({ size: 3, network: { timeoutMs: 1e9 } });
  session.network.cut(session.host(0), session.host(2));
  const before = session.clock.now();
  await session.settle(session.brokers[2]!.shutdown(0, "the test says so"));
  assertEquals(await session.settle(session.brokers[2]!.exited), 0);
  assert(session.clock.now() - before < 5000, `took ${session.clock.now() - before} ms`);
});
