import type { Module } from "../../../broker/handle/mod.ts";
import { type JsonObject, Role } from "../../../broker/message/mod.ts";
import { assert, assertEquals, assertRejects } from "../../assert.ts";
import { type LocalBroker, localBroker } from "../../local_broker.ts";
import { simSession } from "../../sim/session.ts";
import { moduleWorld, plain } from "./module_world.ts";

const FIXTURES = new URL("../../fixtures/modules", import.meta.url).pathname;
const COUNTER = `${FIXTURES}/counter.js`;

/** A real broker, since files are read in real time. */
async function withBroker(body: (broker: LocalBroker) => Promise<void>): Promise<void> {
  await using broker = await localBroker([]);
  await body(broker);
}

/** A client inside the broker. */
function client({ broker }: LocalBroker) {
  const { handle } = broker;
  return <T = JsonObject>(topic: string, payload?: object) => handle.rpc<T>(topic, payload);
}

Deno.test("module.load loads a module from a file with its arguments, and module.remove ends it", () =>
  withBroker(async (local) => {
    const rpc = client(local);
    assertEquals(await rpc("module.load", { path: COUNTER, args: ["40"], exec: false }), {});
    assertEquals(await rpc("counter.add", { by: 2 }), { count: 42 });
    assertEquals(await rpc("tally.get"), { count: 42 });
    await assertRejects(rpc("counter.add", { by: "x" }), { errno: "EINVAL", text: '"by" must be an integer' });
    const { mods } = await rpc<{ mods: JsonObject[] }>("module.list");
    assertEquals(mods, [{
      name: "counter",
      path: COUNTER,
      idle: 0,
      status: 1,
      services: ["counter", "tally"],
      sendqueue: 0,
      recvqueue: 0,
    }]);
    assertEquals(await rpc("module.remove", { name: "counter", cancel: false }), {});
    assertEquals(await rpc("module.list"), { mods: [] });
  }));

Deno.test("module.load takes another name, which the module and its standard methods use", () =>
  withBroker(async (local) => {
    const rpc = client(local);
    for (const name of ["typed", "other"]) {
      await rpc("module.load", { path: `${FIXTURES}/typed.ts`, args: [], name });
      assertEquals(await rpc(`${name}.hello`), { from: name });
      assertEquals(await rpc(`${name}.bye`), { from: "typed" });
      assertEquals((await rpc(`${name}.ping`, { a: 1 })).a, 1);
    }
    assertEquals((await rpc<{ mods: JsonObject[] }>("module.list")).mods.map(({ name }) => name), ["typed", "other"]);
  }));

Deno.test("module.load refuses with the errors of wire.md", () =>
  withBroker(async (local) => {
    const rpc = client(local);
    await assertRejects(rpc("module.load", { path: "nosuchmodule", args: [], exec: false }), {
      errno: "ENOENT",
      text: /^module not found in search path$/,
    });
    await rpc("module.load", { path: COUNTER, args: [] });
    await assertRejects(rpc("module.load", { path: COUNTER, args: [] }), { errno: "EEXIST", text: /^File exists$/ });
    await assertRejects(rpc("module.load", { args: [] }), { errno: "EPROTO", text: '"path" must be a string' });
    await assertRejects(rpc("module.load", { path: COUNTER, args: [1] }), { errno: "EPROTO", text: '"args"' });
    await assertRejects(rpc("module.remove", { name: "nosuchmodule" }), { errno: "ENOENT", text: /^No such file/ });
    await assertRejects(rpc("module.remove", { name: "counter", cancel: 1 }), { errno: "EPROTO", text: '"cancel"' });
  }));

Deno.test("module.remove while a client follows a stream of the module ends the stream with ENOSYS", () =>
  withBroker(async (local) => {
    const rpc = client(local);
    await rpc("module.load", { path: COUNTER, args: [] });
    const items = local.broker.handle.stream("counter.follow");
    assertEquals((await items.next()).value, { count: 0 });
    const rest = assertRejects(items.next(), { errno: "ENOSYS", text: "service is gone" });
    const stopped = Promise.withResolvers<JsonObject>();
    using _event = await local.broker.handle.listen("counter.stopped", ({ payload }) => stopped.resolve(payload));
    await rpc("module.remove", { name: "counter" });
    assertEquals(await stopped.promise, { count: 0 });
    await rest;
  }));

Deno.test("module.load is given up when its sender disconnects", async () => {
  const session = await simSession({ size: 1 });
  const asked = session.handle(0);
  const loading = asked.rpc("module.load", { path: `${FIXTURES}/stuck.js`, args: [] });
  loading.catch(() => {});
  const { modules } = session.brokers[0]!;
  // The file is read in real time; the broker's own time stands still.
  while (!modules.names.includes("stuck")) await new Promise((resolve) => setTimeout(resolve, 1));
  asked.close();
  await session.until(() => modules.names.length === 0);
});

Deno.test("module.info tells of a module that is loaded, or could be", () =>
  withBroker(async (local) => {
    const rpc = client(local);
    const { digest, size, ...rest } = await rpc("module.info", { path: COUNTER });
    assertEquals([String(digest).length, size], [40, (await Deno.stat(COUNTER)).size]);
    assertEquals(rest, { name: "counter", path: COUNTER, services: ["counter", "tally"], needs: [], loaded: false });
    await rpc("module.load", { path: COUNTER, args: [] });
    assertEquals((await rpc("module.info", { path: "counter" })).loaded, true);
    assertEquals((await rpc("module.info", { path: "api" })).path, "builtin");
    await assertRejects(rpc("module.info", { path: "nosuchmodule" }), { errno: "ENOENT" });
  }));

Deno.test("module.debug holds messages back from a module, and lets them through in order", async () => {
  const { session, load, rpc } = await moduleWorld();
  const seen: number[] = [];
  await load({
    name: "listener",
    async start({ handle }) {
      await handle.serve({ "listener.tell": ({ payload }) => void seen.push(Number(payload.n)) });
    },
  });
  await rpc("module.debug", { name: "listener", defer: true });
  const told = session.handle(0);
  const answers = [1, 2, 3].map((n) => told.rpc("listener.tell", { n }));
  await session.run(10);
  assertEquals(seen, []);
  assertEquals((await rpc<{ mods: JsonObject[] }>("module.list")).mods[0]!.recvqueue, 3);
  await rpc("module.debug", { name: "listener", defer: false });
  await session.settle(Promise.all(answers));
  assertEquals(seen, [1, 2, 3]);
  await assertRejects(rpc("module.debug", { name: "absent" }), { errno: "ENOENT" });
});

Deno.test("module.status is taken note of, as 0.88 does", async () => {
  const { rpc } = await moduleWorld();
  assertEquals(await rpc("module.status", { status: 1 }), {});
  await assertRejects(rpc("module.status", {}), { errno: "EPROTO", text: '"status" must be an integer' });
});

Deno.test("every module answers the standard methods", async () => {
  const { session, load, rpc } = await moduleWorld();
  await load(plain("plain", ["alias"]));
  for (const service of ["plain", "alias", "broker"]) {
    assertEquals((await rpc(`${service}.ping`, { x: 1 })).x, 1);
    const { tx, rx } = await rpc<{ tx: JsonObject; rx: JsonObject }>(`${service}.stats-get`);
    assertEquals([Object.keys(tx), Object.keys(rx)], Array(2).fill(["request", "response", "event", "control"]));
    const flat = Object.keys(await rpc(`${service}.stats.get`)).sort();
    const kinds = ["event", "keepalive", "request", "response"];
    assertEquals(flat, kinds.flatMap((kind) => [`#${kind} (rx)`, `#${kind} (tx)`]));
    assertEquals(await rpc(`${service}.debug`, { op: "set", flags: 6 }), { flags: 6 });
    assertEquals(await rpc(`${service}.debug`, { op: "clrbit", flags: 2 }), { flags: 4 });
    assertEquals(await rpc(`${service}.debug`, { op: "setbit", flags: 1 }), { flags: 5 });
    assertEquals(await rpc(`${service}.debug`, { op: "clr", flags: 0 }), { flags: 0 });
    await assertRejects(rpc(`${service}.debug`, { op: "flip", flags: 0 }), { errno: "EPROTO", text: '"op"' });
    assertEquals(await rpc(`${service}.config-reload`, { any: "thing" }), {});
    const usage = await rpc(`${service}.rusage`);
    assertEquals(Object.keys(usage).join(" "), RUSAGE);
    assert(Number(usage.utime) > 0 && Number(usage.maxrss) > 1000, JSON.stringify(usage));
    await rpc(`${service}.rusage`, { who: "children" });
    await assertRejects(rpc(`${service}.rusage`, { who: "me" }), { errno: "EPROTO", text: '"who"' });
  }
  const bytes = await session.settle(session.handle(0).rpcRaw("plain.rusage"));
  const text = new TextDecoder().decode(bytes);
  assert(/"utime":\d+\.\d.*"stime":\d+\.\d/.test(text), `${text} must be read as real numbers`);
});

const RUSAGE = "utime stime maxrss ixrss idrss isrss minflt majflt nswap inblock oublock msgsnd msgrcv nsignals " +
  "nvcsw nivcsw";

Deno.test("stats-clear clears a module's counts, by request and by event, under both names", async () => {
  const { session, load, rpc } = await moduleWorld();
  await load(plain("plain"));
  const received = async () => (await rpc<{ rx: { request: number } }>("plain.stats-get")).rx.request;
  const client = session.handle(0);
  const ways: (() => unknown)[] = [
    () => rpc("plain.stats-clear"),
    () => rpc("plain.stats.clear"),
    () => client.publish("plain.stats-clear"),
    () => client.publish("plain.stats.clear"),
  ];
  for (const clear of ways) {
    for (let i = 0; i < 10; i++) await rpc("plain.ping", {});
    assert(await received() >= 10);
    await clear();
    await session.run(1);
    assert(await received() <= 2);
  }
  client.publish("plain.statsistics");
  for (const topic of ["broker.stats-clear", "broker.stats.clear"]) {
    client.publish(topic);
    await session.run(1);
    assert((await rpc<{ rx: { request: number } }>("broker.stats-get")).rx.request <= 1);
  }
});

Deno.test("a module may override the standard methods", async () => {
  const { session, load, rpc } = await moduleWorld();
  let cleared = 0;
  const own: Module = {
    name: "own",
    async start({ handle }) {
      await handle.serve({ "own.stats-get": () => ({ "#things": 3 }), "own.stats-clear": () => void cleared++ });
    },
  };
  await load(own);
  assertEquals(await rpc("own.stats-get"), { "#things": 3 });
  await rpc("own.stats.clear");
  session.handle(0).publish("own.stats.clear");
  await session.run(1);
  assertEquals(cleared, 2);
});

Deno.test("NAME.shutdown ends a module, as its owner only", async () => {
  const { session, load, rpc } = await moduleWorld();
  await load(plain("plain"));
  const guest = session.handle(0, { userid: 2000, rolemask: Role.user });
  await assertRejects(session.settle(guest.rpc("plain.shutdown")), { errno: "EPERM" });
  await assertRejects(session.settle(guest.rpc("plain.debug", { op: "set", flags: 1 })), { errno: "EPERM" });
  await assertRejects(session.settle(guest.rpc("module.load", { path: "x" })), { errno: "EPERM" });
  assertEquals((await session.settle(guest.rpc<{ mods: [] }>("module.list"))).mods.length, 1);
  await session.settle(guest.rpc("plain.ping", {}));
  await rpc("plain.shutdown");
  await session.until(() => session.brokers[0]!.modules.names.length === 0);
});

Deno.test("cmb.insmod, cmb.lsmod and cmb.rmmod are what the 0.1.0 tools call", () =>
  withBroker(async (local) => {
    const rpc = client(local);
    await rpc("cmb.insmod", { path: COUNTER, args: [] });
    const { mods: [mod] } = await rpc<{ mods: JsonObject[] }>("cmb.lsmod");
    const size = (await Deno.stat(COUNTER)).size;
    assertEquals({ ...mod, digest: String(mod!.digest).length }, {
      name: "counter",
      size,
      digest: 40,
      idle: 0,
      status: 1,
      services: ["counter", "tally"],
      path: COUNTER,
    });
    await assertRejects(rpc("cmb.insmod", { path: COUNTER, args: [] }), { errno: "EEXIST" });
    await rpc("cmb.rmmod", { name: "counter" });
    await assertRejects(rpc("cmb.rmmod", { name: "counter" }), { errno: "ENOENT" });
    const usage = await rpc("cmb.rusage");
    assert(/^\d+\.\d{6}$/.test(String(usage.utime)), String(usage.utime));
  }));
