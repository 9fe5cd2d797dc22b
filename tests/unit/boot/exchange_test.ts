/** The wire-up of ranks against a PMI server in memory. */

import { assert, assertEquals, assertRejects } from "../../assert.ts";
import { type CardSeal, exchange, type Neighbours } from "../../../broker/boot/mod.ts";
import { makeKeyPair } from "../../../broker/boot/certificate.ts";
import { UserKey } from "../../../broker/boot/user_key.ts";
import { systemRandom } from "../../../broker/ports/mod.ts";
import type { Card } from "../../../broker/message/mod.ts";
import { Topology } from "../../../broker/overlay/mod.ts";
import { Queue } from "../../../broker/handle/mod.ts";
import { PmiClient, PmiServer } from "../../../broker/pmi/mod.ts";

/** Connections of all ranks to one server; `heard` keeps what each rank asked. */
function connections(size: number): { client: (rank: number) => PmiClient; heard: string[][] } {
  const server = new PmiServer({ size, kvsname: "-" });
  const queues = Array.from({ length: size }, () => new Queue<string>());
  const heard: string[][] = queues.map(() => []);
  const client = (rank: number) =>
    new PmiClient({
      async read() {
        const { value, done } = await queues[rank]!.next();
        return done ? null : value;
      },
      write(line) {
        heard[rank]!.push(line);
        for (const action of server.receive(rank, line)) {
          if (action.kind === "reply") queues[action.rank]!.push(action.line);
          else if (action.kind === "close") queues[action.rank]!.end();
        }
      },
    });
  return { client, heard };
}

const key = (rank: number) => `${rank}`.padEnd(40, "k");
const card = (rank: number): Card => ({
  rank,
  hostname: `node${rank}`,
  tbon: `ipc:///run/tbon-${rank}`,
  events: `ipc:///run/event-${rank}`,
  ring: `ipc:///run/ring-${rank}`,
  publicKey: key(rank),
});

/** What one rank does; by default ranks are on hosts of their own. */
async function meet(pmi: PmiClient, own: Card, size: number, shape: Topology, seal?: CardSeal, isSpread = true) {
  await pmi.init();
  let admitted: Neighbours["keys"] | undefined;
  const admit = (keys: Neighbours["keys"]) => void (admitted = keys);
  const neighbours = await exchange(pmi, own, { size, shape, seal, isSpread, admit });
  assertEquals(admitted, neighbours.keys);
  return neighbours;
}

async function wireUp(size: number, arity: number): Promise<{ found: Neighbours[]; heard: string[][] }> {
  const { client, heard } = connections(size);
  const shape = new Topology(size, arity);
  const ranks = Array.from({ length: size }, (_, rank) => rank);
  const found = await Promise.all(ranks.map((rank) => meet(client(rank), card(rank), size, shape)));
  return { found, heard };
}

Deno.test("exchange() gives each rank its parent, its right neighbour and the keys it is to admit", async () => {
  const { found } = await wireUp(7, 2);
  const hosts = [0, 1, 2, 3, 4, 5, 6].map((rank) => `node${rank}`);
  assertEquals(found[0], { parent: null, right: card(6), hosts, keys: new Map([[key(1), 1], [key(2), 2]]) });
  assertEquals(found[1], {
    parent: card(0),
    right: card(0),
    hosts,
    keys: new Map([[key(2), 2], [key(3), 3], [key(4), 4]]),
  });
  assertEquals(found[6], { parent: card(2), right: card(5), hosts, keys: new Map([[key(0), 0]]) });
});

for (const [which, odd] of [["none", { publicKey: undefined }], ["plain", { isPlain: true }]] as const) {
  Deno.test(`exchange() says so when another rank was started with --security ${which}`, async () => {
    const [client, server] = [makeKeyPair(systemRandom), makeKeyPair(systemRandom)];
    const user = new UserKey(client.secretKey, server.publicKey);
    for (const seal of [undefined, user]) {
      const { client } = connections(3);
      const shape = new Topology(3, 2);
      const met = (rank: number) => meet(client(rank), { ...card(rank), ...(rank === 1 && odd) }, 3, shape, seal);
      const text = `--security is ${which} at rank 1 (node1), curve at rank 0 (node0): it must be the same everywhere`;
      await Promise.all([
        assertRejects(() => met(0), { errno: "EINVAL", text }),
        assertRejects(() => met(1), { errno: "EINVAL", text: `, ${which} at rank 1 (node1)` }),
        assertRejects(() => met(2), { errno: "EINVAL", text: `--security is ${which} at rank 1 (node1)` }),
      ]);
    }
  });
}

Deno.test("exchange() reads the cards of neighbours only", async () => {
  const { heard } = await wireUp(64, 2);
  // Rank 0 tells all what their hosts are called.
  for (const lines of heard.slice(1)) assert(lines.filter((line) => line.startsWith("cmd=get ")).length <= 6);
});

Deno.test("exchange() of a single rank finds nobody", async () => {
  const { found } = await wireUp(1, 2);
  assertEquals(found, [{ parent: null, right: null, keys: new Map<string, number>(), hosts: ["node0"] }]);
});

Deno.test("exchange() lets nobody through before all have read what they need", async () => {
  const { client, heard } = connections(2);
  const shape = new Topology(2, 2);
  let isThrough = false;
  const first = meet(client(0), card(0), 2, shape).then(() => isThrough = true);
  const slow = client(1);
  await slow.init();
  await slow.put("1", JSON.stringify({ host: "n", pubkey: key(1), uri: ["a", "b", "c"] }));
  await slow.barrier();
  while (heard[0]!.filter((line) => line === "cmd=barrier_in").length < 2) await Promise.resolve();
  assertEquals(isThrough, false);
  await slow.barrier();
  await first;
});

Deno.test("exchange() says whom to admit before anybody can dial", async () => {
  const { client, heard } = connections(2);
  const shape = new Topology(2, 2);
  const order: string[] = [];
  const one = async (rank: number) => {
    const pmi = client(rank);
    await pmi.init();
    const barriers = () => heard[rank]!.filter((line) => line === "cmd=barrier_in").length;
    const admit = () => void order.push(`rank ${rank} after ${barriers()} barriers`);
    await exchange(pmi, card(rank), { size: 2, shape, isSpread: true, admit });
  };
  await Promise.all([one(0), one(1)]);
  assertEquals(order.sort(), ["rank 0 after 1 barriers", "rank 1 after 1 barriers"]);
});

Deno.test("exchange() cuts a card into lines that Slurm takes, too", async () => {
  const { client, heard } = connections(2);
  const shape = new Topology(2, 2);
  const long = { ...card(1), tbon: `ipc://${"x".repeat(5000)}` };
  const [found] = await Promise.all([meet(client(0), card(0), 2, shape), meet(client(1), long, 2, shape)]);
  assertEquals(found.right, long);
  for (const line of heard.flat()) assert(line.length < 1024, line);
});

Deno.test("exchange() on one host asks for nobody's host", async () => {
  const { client, heard } = connections(5);
  const shape = new Topology(5, 2);
  const all = [0, 1, 2, 3, 4].map((rank) => meet(client(rank), card(rank), 5, shape, undefined, false));
  assertEquals((await Promise.all(all))[3]!.hosts, Array(5).fill("node3"));
  assert(!heard.flat().some((line) => line.includes("hosts")));
});

for (
  const [text, complaint] of [
    ["nonsense", "business card of rank 1: not JSON"],
    ["{}", "business card of rank 1: host is missing"],
    ['{"host":"n","uri":[]}', "business card of rank 1: uri is no list"],
    ['{"host":"n","pubkey":"short","uri":["a","b","c"]}', "business card of rank 1: pubkey is no Z85 key"],
  ] as const
) {
  Deno.test(`exchange() names the rank whose card is ${text}`, async () => {
    const { client } = connections(2);
    const other = client(1);
    const result = meet(client(0), card(0), 2, new Topology(2, 2));
    const rejected = assertRejects(result, { errno: "EPROTO", text: complaint });
    await other.init();
    await other.put("1", text);
    await other.barrier();
    await rejected;
  });
}

Deno.test("PmiClient.get() of a key that is not there fails with the server's reason", async () => {
  const pmi = connections(1).client(0);
  await pmi.init();
  await assertRejects(pmi.get("nothing"), { errno: "EPROTO", text: "PMI get of key nothing: failure" });
});

Deno.test("PmiClient says nothing before it has been answered: Slurm's server drops what follows a request", async () => {
  const answers = ["response_to_init", "maxes", "my_kvsname kvsname=a", "get_result value=1", "get_result value=2"];
  let asked = 0, answered = 0;
  const pmi = new PmiClient({
    read: () => Promise.resolve(`cmd=${answers[answered++]}`),
    write: () => assertEquals(asked++, answered),
  });
  await pmi.init();
  assertEquals(await Promise.all([pmi.get("a"), pmi.get("b")]), ["1", "2"]);
});

Deno.test("PmiClient.init() fails when the server is gone", async () => {
  const pmi = new PmiClient({ read: () => Promise.resolve(null), write: () => {} });
  await assertRejects(pmi.init(), { errno: "ECONNRESET", text: "PMI init: the server has closed the connection" });
});

Deno.test("PmiClient.init() fails when the server speaks another version", async () => {
  const pmi = new PmiClient({ read: () => Promise.resolve("cmd=response_to_init rc=-1"), write: () => {} });
  await assertRejects(pmi.init(), { errno: "EPROTO", text: "PMI init: error -1" });
});

Deno.test("PmiClient.barrier() fails on an answer to something else", async () => {
  const pmi = new PmiClient({ read: () => Promise.resolve("cmd=maxes rc=0"), write: () => {} });
  await assertRejects(pmi.barrier(), { errno: "EPROTO", text: 'PMI barrier_in: unexpected answer "cmd=maxes rc=0"' });
});

const userKey = () => new UserKey(makeKeyPair(systemRandom).secretKey, makeKeyPair(systemRandom).publicKey);

Deno.test("exchange() with a seal takes the cards of ranks with the same key", async () => {
  const { client } = connections(3);
  const shape = new Topology(3, 2), seal = userKey();
  const found = await Promise.all([0, 1, 2].map((rank) => meet(client(rank), card(rank), 3, shape, seal)));
  const hosts = ["node0", "node1", "node2"];
  assertEquals(found[2], { parent: card(0), right: card(1), keys: new Map([[key(0), 0]]), hosts });
});

Deno.test("exchange() with a seal refuses a rank that has another key, and one that has none", async () => {
  for (const [other, why] of [[userKey(), "the seal is wrong"], [undefined, "not sealed"]] as const) {
    const { client } = connections(2);
    const shape = new Topology(2, 2);
    void meet(client(1), card(1), 2, shape, other).catch(() => {});
    await assertRejects(() => meet(client(0), card(0), 2, shape, userKey()), {
      errno: "EACCES",
      text: `business card of rank 1 (node1): ${why}`,
    });
  }
});

Deno.test("PmiClient sends a foreign server one request at a time", async () => {
  const sent: string[] = [];
  const answers = new Queue<string>();
  const read = async () => (await answers.next()).value ?? null;
  const pmi = new PmiClient({ read, write: (line) => void sent.push(line) }, "foreign");
  const ready = pmi.init();
  for (const answer of ["cmd=response_to_init rc=0", "cmd=maxes", "cmd=my_kvsname kvsname=k"]) {
    const before = sent.length;
    while (sent.length === before) await Promise.resolve();
    await Promise.resolve();
    assertEquals(sent.length, before + 1);
    answers.push(answer);
  }
  await ready;
});
