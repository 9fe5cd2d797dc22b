/** A broker is the rank whose key it has, whatever it says. */

import { assertEquals } from "../assert.ts";
import { linkRequest } from "../../broker/overlay/link_message.ts";
import { PROTOCOL } from "../../broker/overlay/hello.ts";
import { decode, encode, errorText, type Message } from "../../broker/message/mod.ts";
import { keyOf, type SimSession, simSession } from "./session.ts";

/** What becomes of a process on `evil` that has the keys of rank `holder` and dials rank `at` with `requests`. */
async function dial(session: SimSession, holder: number, requests: Message[], at = 0, isPlain = false) {
  const { card } = session.brokers[at]!;
  const answers: Message[] = [], ends: string[] = [];
  const options = { name: session.random.uuid(), keys: keyOf(holder, isPlain), serverKey: card.publicKey! };
  const link = session.network.transport("evil").dial(card.tbon, options, {
    message: (bytes) => answers.push(decode(bytes)),
    down: (reason) => ends.push(reason),
  });
  for (const request of requests) link.send(encode(request));
  await session.run(500);
  return { answers, ends };
}

function hello(rank: number): Message {
  const greeting = { rank, uuid: `evil-${rank}`, hostname: "evil", version: "0.1.0", ranks: `${rank}` };
  return linkRequest("overlay.hello", { ...greeting, protocol: [...PROTOCOL] });
}

for (const [keys, how] of [[true, ""], ["plain", ", as a password,"]] as const) {
  Deno.test(`a broker cannot claim the rank of another: its key${how} says who it is`, async () => {
    const session = await simSession({ size: 7, keys });
    const { answers, ends } = await dial(session, 2, [hello(1)], 0, keys === "plain");
    const text = "evil says it is rank 1, but has the key of rank 2";
    assertEquals(answers.map(({ errnum, payload }) => [errnum, errorText(payload)]), [[1, text]]);
    assertEquals(ends.length, 1);
    assertEquals(session.log.filter(({ level }) => level === "err").map((line) => line.text), [
      `hello refused: ${text}`,
    ]);
    assertEquals(session.brokers[0]!.tree.children.map(({ rank, hostname }) => [rank, hostname]), [[1, "node1"], [
      2,
      "node2",
    ]]);
    const { rank } = await session.settle(session.handle(0).rpc("cmb.ping", {}, { rank: 1 }));
    assertEquals(rank, 1);
  });
}

Deno.test("nothing that comes before a hello is passed on", async () => {
  const session = await simSession({ size: 3, keys: true });
  const { ends } = await dial(session, 2, [linkRequest("shutdown.start", { loglevel: 6 }), hello(2)]);
  assertEquals(ends.length, 1);
  assertEquals(session.brokers[0]!.machine.state, "run");
  assertEquals(session.brokers[0]!.tree.children.map(({ hostname }) => hostname), ["node1", "node2"]);
});

Deno.test("a key of the session gets no further than to those above it, and whoever is refused is named once", async () => {
  const session = await simSession({ size: 7, keys: true });
  const before = session.log.length;
  const { answers } = await dial(session, 5, [hello(5)], 1);
  assertEquals(answers, []);
  const lines = session.log.slice(before).map(({ rank, level, text }) => [rank, level, text]);
  assertEquals(lines, [[1, "warning", `refused evil: key ${keyOf(5).publicKey} is not admitted`]]);
});
