import { ownRank, readBootstrap } from "../../../broker/boot/bootstrap_config.ts";
import type { Json } from "../../../broker/message/mod.ts";
import { assertEquals, assertNotEquals, assertThrows } from "../../assert.ts";

Deno.test("readBootstrap() gives each host of a list a rank, three ports, and a name to dial", () => {
  const { brokers, certificate } = readBootstrap({
    curve_cert: "/etc/flux/cert",
    default_port: 9000,
    default_bind: "tcp://eth0:%p",
    default_connect: "tcp://%h.ib:%p",
    hosts: [{ host: "node[1-2]" }, { host: "login", bind: "tcp://[::1]:7000", connect: "tcp://10.0.0.9:7000" }],
  });
  assertEquals(certificate, "/etc/flux/cert");
  assertEquals(brokers.map(({ host }) => host), ["node1", "node2", "login"]);
  assertEquals(brokers[1], {
    host: "node2",
    listen: { tbon: "tcp://eth0:9000", events: "tcp://eth0:9001", ring: "tcp://eth0:9002" },
    reached: { tbon: "tcp://node2.ib:9000", events: "tcp://node2.ib:9001", ring: "tcp://node2.ib:9002" },
  });
  assertEquals(brokers[2]!.listen.events, "tcp://[::1]:7001");
  assertEquals(brokers[2]!.reached.ring, "tcp://10.0.0.9:7002");
});

Deno.test("readBootstrap() needs nothing but hosts", () => {
  const { brokers, session } = readBootstrap({ hosts: [{ host: "a" }, { host: "b" }] });
  assertEquals([brokers[0]!.listen.tbon, brokers[1]!.reached.tbon], ["tcp://*:8050", "tcp://b:8050"]);
  assertEquals(
    session,
    readBootstrap({ default_port: 8050, hosts: [{ host: "[a-b]".slice(1, 2) }, { host: "b" }] }).session,
  );
  assertNotEquals(session, readBootstrap({ hosts: [{ host: "a" }, { host: "c" }] }).session);
});

Deno.test("readBootstrap() takes sockets, for brokers of one host", () => {
  const uri = "ipc:///run/flux/%h";
  const { brokers } = readBootstrap({ default_bind: uri, default_connect: uri, hosts: [{ host: "a" }] });
  assertEquals(brokers[0]!.listen, {
    tbon: "ipc:///run/flux/a",
    events: "ipc:///run/flux/a-event",
    ring: "ipc:///run/flux/a-ring",
  });
});

Deno.test("readBootstrap() puts the address of a host of IPv6 in brackets", () => {
  const { brokers } = readBootstrap({ hosts: [{ host: "fd77::1" }] });
  assertEquals([brokers[0]!.host, brokers[0]!.reached.tbon], ["fd77::1", "tcp://[fd77::1]:8050"]);
});

Deno.test("ownRank() finds a host by its name, short or long", () => {
  const config = readBootstrap({ hosts: [{ host: "a" }, { host: "b.example.com" }] });
  assertEquals([ownRank(config, "a.example.com"), ownRank(config, "b"), ownRank(config, "b.example.com")], [0, 1, 1]);
});

for (
  const [table, text] of [
    [3, "must be a table"],
    [[{}], "must be a table"],
    [{}, '"hosts" must be an array of tables'],
    [{ hosts: [] }, '"hosts" must be an array of tables'],
    [{ hosts: ["a"] }, "hosts[0] is no table"],
    [{ hosts: [{ host: "a" }, {}] }, 'hosts[1]: "host" is missing'],
    [{ hosts: [{ host: "a", port: 1 }] }, 'hosts[0]: unknown key "port"'],
    [{ host: "a" }, 'unknown key "host"'],
    [{ default_port: "x", hosts: [{ host: "a" }] }, 'default_port: "x" is no port'],
    [{ hosts: [{ host: "a", connect: "a:1" }] }, 'hosts[0].connect: "a:1" is neither tcp://HOST:PORT nor ipc:///PATH'],
    [{ hosts: [{ host: "a", bind: 7 }] }, "hosts[0].bind must be a string"],
    [
      { hosts: [{ host: "a", connect: "tcp://h:1" }, { host: "b", connect: "tcp://h:3" }] },
      "ranks 0 and 1 would both be at tcp://h:3",
    ],
  ] as [Json, string][]
) {
  Deno.test(`readBootstrap() refuses: ${text}`, () => {
    assertThrows(() => readBootstrap(table), { errno: "EINVAL", text: `[bootstrap]: ${text}` });
  });
}

Deno.test("ownRank() asks for the rank of a host with several, and names one that is not there", () => {
  const hosts = [{ host: "a", connect: "tcp://a:1" }, { host: "a", connect: "tcp://a:11" }];
  const config = readBootstrap({ hosts });
  assertThrows(() => ownRank(config, "a"), { errno: "EINVAL", text: "host a has the ranks 0, 1: --rank says" });
  assertThrows(() => ownRank(config, "c"), { errno: "EINVAL", text: "host c is not among the hosts" });
});
