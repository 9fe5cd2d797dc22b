/** Endpoints of several places, and places that are named. */

import { zmqTransport } from "../../../../broker/overlay/zmq/mod.ts";
import { placesHere, placesOf, tcpParts } from "../../../../broker/overlay/zmq/endpoint.ts";
import { isNumeric, resolveHost } from "../../../../broker/overlay/zmq/resolve.ts";
import { REFUSED } from "../../../../broker/ports/mod.ts";
import { assert, assertEquals, assertRejects, assertThrows } from "../../../assert.ts";

const nothing = { message: () => {}, down: () => {} };

Deno.test("placesOf() takes an endpoint apart, also one with a comma in a path", () => {
  assertEquals(placesOf("ipc:///a,b/c,tcp://10.0.0.1:*,tcp://[fd00::1]:7"), [
    "ipc:///a,b/c",
    "tcp://10.0.0.1:*",
    "tcp://[fd00::1]:7",
  ]);
});

for (
  const endpoint of ["", "udp://h:1", "tcp://h", "tcp://h:x", "tcp://a:b:1", "ipc://relative", "tcp://h:1,ipc://x"]
) {
  Deno.test(`placesOf("${endpoint}") is EINVAL`, () => {
    assertThrows(() => placesOf(endpoint), { errno: "EINVAL" });
  });
}

Deno.test("tcpParts() gives host and port, without the brackets of IPv6", () => {
  assertEquals(tcpParts("tcp://node1:80"), { host: "node1", port: "80" });
  assertEquals(tcpParts("tcp://[fd00::1]:*"), { host: "fd00::1", port: "*" });
  assertEquals(tcpParts("ipc:///x"), undefined);
});

Deno.test("placesHere() leaves out sockets that are not there, unless nothing else is left", () => {
  const tcp = "tcp://10.0.0.1:1", ipc = "ipc:///no/such/socket";
  assertEquals(placesHere([ipc, tcp]), [tcp]);
  assertEquals(placesHere([ipc]), [ipc]);
});

Deno.test("resolveHost() finds addresses as the system does, and says why it cannot", async () => {
  assert((await resolveHost("localhost")).some((one) => one === "127.0.0.1" || one === "0:0:0:0:0:0:0:1"));
  assertEquals(await resolveHost("127.0.0.2"), ["127.0.0.2"]);
  await assertRejects(resolveHost("no-such-host.invalid"), { errno: "EHOSTUNREACH", text: "no-such-host.invalid: " });
  assertEquals(["1.2.3.4", "fd00::1", "node1", "1.2.3.4.example"].map(isNumeric), [true, true, false, false]);
});

Deno.test("a listener is reached at each of its places, and by name", async () => {
  const directory = Deno.makeTempDirSync({ prefix: "places-" });
  const transport = zmqTransport();
  const listener = transport.listen(`ipc://${directory}/a,tcp://127.0.0.1:*,tcp://[::1]:*`, {}, {
    message: (peer, bytes) => void listener.send(peer, new Uint8Array(bytes)),
    down() {},
  });
  const places = placesOf(listener.endpoint);
  assertEquals(places.length, 3);
  const [ipc, v4, v6] = places as [string, string, string];
  const named = v4.replace("127.0.0.1", "localhost");
  const dead = "tcp://127.0.0.1:1";
  for (const endpoint of [ipc, v4, v6, named, `${dead},${v6}`, `ipc://${directory}/none,${named}`, listener.endpoint]) {
    for (const patience of [undefined, 5000]) {
      const answer = await new Promise<string>((resolve) => {
        const name = crypto.randomUUID();
        const link = transport.dial(endpoint, { name, ...(patience !== undefined && { patience }) }, {
          message: (bytes) => resolve(new TextDecoder().decode(bytes)),
          down: (reason) => resolve(`down: ${reason}`),
        });
        link.send(new TextEncoder().encode("hello"));
      });
      assertEquals([endpoint, answer], [endpoint, "hello"]);
    }
  }
  await transport.close(100);
  assertEquals([...Deno.readDirSync(directory)], []);
  Deno.removeSync(directory);
});

Deno.test("a dial that is tried once tells why none of the places answers", async () => {
  const transport = zmqTransport();
  const down = (endpoint: string) =>
    new Promise<string>((resolve) =>
      transport.dial(endpoint, { name: crypto.randomUUID(), patience: 5000 }, { message() {}, down: resolve })
    );
  assertEquals(await down("ipc:///no/such/socket,tcp://127.0.0.1:1"), REFUSED);
  assert((await down("tcp://no-such-host.invalid:1,tcp://127.0.0.1:1")).startsWith("no-such-host.invalid: "));
  await transport.close(0);
});

Deno.test("a dial goes on when a name is not known, and says so once", async () => {
  const transport = zmqTransport();
  const told: string[] = [];
  const link = transport.dial("tcp://no-such-host.invalid:1", { name: "a" }, {
    ...nothing,
    refused: (reason) => void told.push(reason),
  });
  while (told.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  link.close();
  assertEquals([told.length, told[0]!.startsWith("no-such-host.invalid: ")], [1, true]);
  await transport.close(0);
});

Deno.test("a listener that cannot have one of its places keeps none", async () => {
  const directory = Deno.makeTempDirSync({ prefix: "places-" });
  const transport = zmqTransport();
  const taken = transport.listen("tcp://127.0.0.1:*", {}, nothing);
  const endpoint = `ipc://${directory}/a,${taken.endpoint}`;
  assertThrows(() => transport.listen(endpoint, {}, nothing), { errno: "EADDRINUSE", text: taken.endpoint });
  assertEquals([...Deno.readDirSync(directory)], []);
  await transport.close(0);
  Deno.removeSync(directory);
});
