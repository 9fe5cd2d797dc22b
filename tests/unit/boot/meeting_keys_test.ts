/** Who gets to the meeting place of a session that no launcher serves: who has its key, as one rank each. */

import { assertEquals, assertRejects } from "../../assert.ts";
import { makeKeyPair } from "../../../broker/boot/certificate.ts";
import { meet, type Rendezvous } from "../../../broker/boot/rendezvous.ts";
import { UserKey } from "../../../broker/boot/user_key.ts";
import { zmqTransport } from "../../../broker/overlay/zmq/mod.ts";
import { PmiClient } from "../../../broker/pmi/mod.ts";
import { type KeyPair, systemClock, systemRandom, type Transport } from "../../../broker/ports/mod.ts";

const session = "24.0", size = 3;
const user = () => new UserKey(makeKeyPair(systemRandom).secretKey, makeKeyPair(systemRandom).publicKey);
const keysOf = (key: UserKey, name = session) => key.linkKeys({ session: name, size, rank: -1 });

/** A port that nobody had a moment ago. */
function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return (listener.addr as Deno.NetAddr).port;
}

/** The meeting place of rank 0, and others who come to it. */
class Place implements AsyncDisposable {
  readonly logged: string[] = [];
  readonly #port = freePort();
  readonly #keys: KeyPair | undefined;
  readonly #transports: Transport[] = [];
  #told: (() => void)[] = [];
  readonly root: Rendezvous;

  constructor(keys: KeyPair | undefined) {
    this.#keys = keys;
    this.root = this.come(0, {}, (text) => {
      this.logged.push(text);
      for (const tell of this.#told.splice(0)) tell();
    });
  }

  come(
    rank: number,
    { keys = this.#keys, name = session }: { keys?: KeyPair | undefined; name?: string } = {},
    log: (text: string) => void = () => {},
  ): Rendezvous {
    const transport = zmqTransport();
    this.#transports.push(transport);
    const where = { host: "127.0.0.1", ports: [this.#port], hostname: `node${rank}` };
    const ports = { transport, clock: systemClock, random: systemRandom };
    return meet({ rank, size, session: name, keys, ...where, ...ports, log });
  }

  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>((resolve) => this.#told.push(resolve));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const transport of this.#transports) await transport.close(0);
  }
}

Deno.test("ranks with the session's key meet, and read what others have put", async () => {
  await using place = new Place(keysOf(user()));
  const clients = [place.root, place.come(1), place.come(2)].map(({ lines }) => new PmiClient(lines));
  const read = await Promise.all(clients.map(async (client, rank) => {
    await client.init();
    await client.put(`${rank}`, `card ${rank}`);
    await client.barrier();
    return await client.get(`${(rank + 1) % size}`);
  }));
  assertEquals(read, ["card 1", "card 2", "card 0"]);
});

Deno.test("who has another user's key, or one of another session, hears nothing, and is named with the address", async () => {
  const key = user();
  for (const keys of [keysOf(user()), keysOf(key, "24.1")]) {
    await using place = new Place(keysOf(key));
    let isHeard = false;
    const { lines } = place.come(1, { keys });
    lines.write("cmd=init pmi_version=1 pmi_subversion=1");
    void lines.read().then((line) => isHeard = line !== null);
    await place.until(() => place.logged.length > 0);
    assertEquals(place.logged, ["refused 127.0.0.1: the peer has a wrong key of this listener"]);
    assertEquals([isHeard, place.root.missing()], [false, [1, 2]]);
  }
});

Deno.test("a rank that is there already, one that is none, and one of another session are refused with the reason", async () => {
  await using place = new Place(keysOf(user()));
  const first = new PmiClient(place.come(1).lines);
  await first.init();
  const refused = async (rank: number, name: string, text: string) => {
    await assertRejects(() => new PmiClient(place.come(rank, { name }).lines).init(), { errno: "EPERM", text });
  };
  await refused(1, session, "rank 1 on node1 has come already");
  await refused(7, session, "rank 7 on node7 is no rank of 3");
  await refused(2, "24.1", "rank 2 on node2 belongs to session 24.1 of 3, this is 24.0 of 3");
  assertEquals(place.root.missing(), [2]);
});
