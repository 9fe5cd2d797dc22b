/** Ranks that meet at a port of rank 0, over a network in memory. */

import { meet, type Rendezvous, type RendezvousOptions } from "../../../broker/boot/rendezvous.ts";
import { exchange } from "../../../broker/boot/mod.ts";
import { Topology } from "../../../broker/overlay/mod.ts";
import { PmiClient } from "../../../broker/pmi/mod.ts";
import { seededRandom, simNetwork, virtualClock } from "../../sim/mod.ts";
import { assertEquals, assertRejects, assertThrows } from "../../assert.ts";

function world() {
  const clock = virtualClock(), random = seededRandom(1);
  const network = simNetwork({ clock, random });
  const said: string[] = [];
  const come = (rank: number, size: number, more: Partial<RendezvousOptions> = {}): Rendezvous =>
    meet({
      rank,
      size,
      session: "24.0",
      host: "*", // the network in memory knows an endpoint by its text only
      ports: [1],
      hostname: `node${rank}`,
      keys: { publicKey: "public", secretKey: "secret" },
      transport: network.transport(`node${rank}`),
      clock,
      random,
      log: (text) => void said.push(text),
      ...more,
    });
  const settle = <T>(promise: Promise<T>) => clock.settle(promise, 60_000);
  return { clock, come, settle, said };
}

async function boot(meeting: Rendezvous, rank: number, size: number) {
  const pmi = new PmiClient(meeting.lines);
  await pmi.init();
  const card = { rank, hostname: `node${rank}`, tbon: `t${rank}`, events: `e${rank}`, ring: `r${rank}` };
  const found = await exchange(pmi, card, { size, shape: new Topology(size, 2), isSpread: true, admit: () => {} });
  await pmi.finalize();
  meeting.close();
  return found;
}

Deno.test("ranks exchange their cards at rank 0, whoever comes first", async () => {
  const { come, settle, clock } = world();
  const late = [1, 2, 3].map((rank) => boot(come(rank, 4), rank, 4));
  await clock.run(500);
  const root = come(0, 4);
  const found = await settle(Promise.all([boot(root, 0, 4), ...late]));
  assertEquals(found.map(({ parent }) => parent?.rank ?? null), [null, 0, 0, 1]);
  assertEquals(found[3]!.hosts, ["node0", "node1", "node2", "node3"]);
});

Deno.test("rank 0 knows who has not come", async () => {
  const { come, clock } = world();
  const root = come(0, 4);
  come(2, 4);
  await clock.run(500);
  assertEquals(root.missing(), [1, 3]);
});

Deno.test("rank 0 refuses who belongs to another session, is no rank of it, or has come before", async () => {
  const { come, settle, clock, said } = world();
  come(0, 3);
  come(1, 3);
  await clock.run(500);
  const refused = async (rank: number, more: Partial<RendezvousOptions>, text: string) => {
    const pmi = new PmiClient(come(rank, 3, more).lines);
    await assertRejects(settle(pmi.init()), { errno: "EPERM", text });
  };
  await refused(2, { session: "25.0" }, "rank 2 on node2 belongs to session 25.0 of 3, this is 24.0 of 3");
  await refused(1, { hostname: "other" }, "rank 1 on other has come already");
  assertEquals(said.length, 2);
});

Deno.test("a stranger without the key of the session is not heard", async () => {
  const { come, clock, said } = world();
  const root = come(0, 2);
  come(1, 2, { keys: { publicKey: "another", secretKey: "one" } });
  await clock.run(2000);
  assertEquals([root.missing(), said.length > 0], [[1], true]);
});

Deno.test("rank 0 takes the next port when one is in use, and says so when all are", () => {
  const { come } = world();
  come(0, 2, { ports: [7] });
  come(0, 2, { ports: [7, 8] });
  assertThrows(() => come(0, 2, { ports: [7, 8] }), { errno: "EADDRINUSE", text: "7, 8" });
});
