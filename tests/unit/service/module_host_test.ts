import { type Handle, user } from "../../../broker/handle/mod.ts";
import { FluxError } from "../../../broker/message/mod.ts";
import { assert, assertEquals, assertRejects } from "../../assert.ts";
import { moduleWorld, plain, sourceOf } from "./module_world.ts";

Deno.test("ModuleHost.load() resolves when the module runs, and lists it as running", async () => {
  const { session, rpc } = await moduleWorld();
  const started = Promise.withResolvers<void>();
  const loading = session.brokers[0]!.modules.load(sourceOf({ name: "slow", start: () => started.promise }));
  await session.run(10);
  assertEquals(await status(rpc), [["slow", 0]]);
  started.resolve();
  await session.settle(loading);
  assertEquals(await status(rpc), [["slow", 1]]);
});

Deno.test("ModuleHost.load() refuses a name that is taken, while it starts and while it runs", async () => {
  const { session, load } = await moduleWorld();
  const { modules } = session.brokers[0]!;
  const first = modules.load(sourceOf(plain("twice")));
  await assertRejects(load(plain("twice")), { errno: "EEXIST" });
  await session.settle(first);
  await assertRejects(load(plain("twice")), { errno: "EEXIST" });
});

Deno.test("ModuleHost.load() refuses a module one of whose services is taken, and leaves nothing of it", async () => {
  const { load, rpc } = await moduleWorld();
  await load(plain("one", ["shared"]));
  await assertRejects(load(plain("two", ["shared"])), { errno: "EEXIST" });
  await assertRejects(load(plain("attr")), { errno: "EEXIST" });
  await assertRejects(rpc("two.ping", {}), { errno: "ENOSYS" });
  assertEquals(await status(rpc), [["one", 1]]);
});

Deno.test("ModuleHost.load() wants the modules first that a module needs", async () => {
  const { load } = await moduleWorld();
  await assertRejects(load(plain("live"), ["kvs"]), {
    errno: "ENOENT",
    text: "live: needs module kvs, which is not loaded",
  });
  await load(plain("kvs"));
  await load(plain("live"), ["kvs"]);
});

Deno.test("ModuleHost.load() passes on what a module refuses, and names a mistake in its start", async () => {
  const { load, errors, rpc } = await moduleWorld();
  const refuses = { name: "refuses", start: () => Promise.reject(new FluxError("EPERM", "not today")) };
  await assertRejects(load(refuses), { errno: "EPERM", text: /^not today$/ });
  const mistaken = {
    name: "mistaken",
    start() {
      throw new TypeError("undefined is not a function");
    },
  };
  await assertRejects(load(mistaken), { errno: "EIO", text: "mistaken: start failed: undefined is not a function" });
  assert(errors().some((line) => line.startsWith("mistaken: start: TypeError: undefined is not a function\n")));
  assertEquals(await status(rpc), []);
});

Deno.test("ModuleHost.load() gives up a start that does not end in time", async () => {
  const { session, load, rpc } = await moduleWorld();
  const before = session.clock.now();
  await assertRejects(load({ name: "stuck", start: () => new Promise<void>(() => {}) }), {
    errno: "ETIMEDOUT",
    text: "stuck: did not start within 60 s",
  });
  assertEquals(Math.round(session.clock.now() - before), 60_000);
  assertEquals(await status(rpc), []);
});

Deno.test("ModuleHost.load() is given up when who asked for it goes away, and a late start is stopped", async () => {
  const { session, rpc } = await moduleWorld();
  const started = Promise.withResolvers<void>();
  let stopped = false;
  const slow = {
    name: "slow",
    async start() {
      await started.promise;
      return { stop: () => void (stopped = true) };
    },
  };
  const abort = new AbortController();
  const loading = session.brokers[0]!.modules.load(sourceOf(slow), { signal: abort.signal });
  loading.catch(() => {});
  await session.run(1);
  abort.abort();
  await assertRejects(session.settle(loading), { errno: "ECANCELED", text: "slow: the load was given up" });
  assertEquals(await status(rpc), []);
  started.resolve();
  await session.until(() => stopped);
});

Deno.test("ModuleHost.remove() ends a start that is under way", async () => {
  const { session, remove } = await moduleWorld();
  const loading = session.brokers[0]!.modules.load(
    sourceOf({ name: "stuck", start: () => new Promise<void>(() => {}) }),
  );
  loading.catch(() => {});
  await session.run(1);
  await remove("stuck");
  await assertRejects(loading, { errno: "ECANCELED", text: "stuck: removed while it started" });
});

Deno.test("ModuleHost.remove() waits for stop, then drops services, subscriptions, timers and open requests", async () => {
  const { session, load, rpc } = await moduleWorld();
  const steps: string[] = [];
  await load({
    name: "busy",
    services: ["alias"],
    async start({ handle, ports }) {
      await handle.listen("some.event", () => steps.push("event"));
      const tick = () => {
        steps.push("tick");
        ports.clock.after(100, tick);
      };
      ports.clock.after(100, tick);
      await handle.serve({
        "busy.wait": () => new Promise<void>(() => {}),
        "alias.stream": async function* ({ signal }) {
          yield { item: 1 };
          await new Promise((resolve) => signal.addEventListener("abort", resolve));
        },
      });
      return {
        async stop() {
          await new Promise<void>((resolve) => ports.clock.after(10, resolve));
          steps.push("stopped");
        },
      };
    },
  });
  const client = session.handle(0);
  const waiting = client.rpc("busy.wait");
  waiting.catch(() => {});
  const items = client.stream("alias.stream");
  assertEquals(await session.settle(items.next()), { done: false, value: { item: 1 } });
  const rest = items.next();
  rest.catch(() => {});
  await session.settle(rpc("module.remove", { name: "busy" }));
  assertEquals(steps, ["stopped"]);
  await assertRejects(session.settle(waiting), { errno: "ENOSYS", text: "service is gone" });
  await assertRejects(session.settle(rest), { errno: "ENOSYS", text: "service is gone" });
  client.publish("some.event");
  await session.run(500);
  assertEquals(steps, ["stopped"]);
  await assertRejects(rpc("alias.ping", {}), { errno: "ENOSYS", text: "No service matching alias.ping is registered" });
  await assertRejects(rpc("module.remove", { name: "busy" }), { errno: "ENOENT" });
});

Deno.test("ModuleHost.remove() does not wait for ever, and goes on when stop fails", async () => {
  const { session, load, remove, errors } = await moduleWorld();
  await load({ name: "stubborn", start: () => ({ stop: () => new Promise<void>(() => {}) }) });
  const before = session.clock.now();
  await remove("stubborn");
  assertEquals(Math.round(session.clock.now() - before), 10_000);
  assertEquals(errors(), ["stubborn: did not stop within 10 s"]);
  await load({ name: "failing", start: () => ({ stop: () => Promise.reject(new TypeError("no stop")) }) });
  await remove("failing");
  assert(errors()[1]!.startsWith("failing: stop: TypeError: no stop"));
});

Deno.test("ModuleHost.remove() can cut a module off, and removes it once for two who ask", async () => {
  const { session, load } = await moduleWorld();
  const { modules } = session.brokers[0]!;
  await load({ name: "stubborn", start: () => ({ stop: () => new Promise<void>(() => {}) }) });
  const before = session.clock.now();
  await session.settle(modules.remove("stubborn", true));
  assert(session.clock.now() - before < 1);
  let stops = 0;
  await load({ name: "once", start: () => ({ stop: () => void stops++ }) });
  await session.settle(Promise.all([modules.remove("once"), modules.remove("once")]));
  assertEquals(stops, 1);
});

Deno.test("ModuleHost.removeAll() ends the last loaded first", async () => {
  const { session, load } = await moduleWorld();
  const order: string[] = [];
  for (const name of ["a", "b", "c"]) await load({ name, start: () => ({ stop: () => void order.push(name) }) });
  await session.settle(session.brokers[0]!.modules.removeAll());
  assertEquals(order, ["c", "b", "a"]);
});

Deno.test("ModuleHost.removeAll() answers open requests with what it is given", async () => {
  const { session, load } = await moduleWorld();
  const told: string[] = [];
  await load({
    name: "busy",
    async start({ handle }) {
      await handle.serve({ "busy.wait": () => new Promise<void>(() => {}) });
      return { stop: (gone) => void told.push(gone.message) };
    },
  });
  const waiting = session.handle(0).rpc("busy.wait");
  const lost = assertRejects(waiting, { errno: "ECONNRESET", text: "lost connection: for a test" });
  await session.run(10);
  await session.settle(
    session.brokers[0]!.modules.removeAll(new FluxError("ECONNRESET", "lost connection: for a test")),
  );
  await session.settle(lost);
  assertEquals(told, ["lost connection: for a test"]);
});

/** What a module may do wrong after it has started, and how it is made to do it. */
const MISTAKES: Record<string, (handle: Handle) => void> = {
  "mistaken.handler": (handle) => void handle.rpc("mistaken.handler").catch(() => {}),
  "mistaken.promise": (handle) => void handle.rpc("mistaken.promise").catch(() => {}),
  "event mistaken.event": (handle) => handle.publish("mistaken.event"),
  timer: (handle) => void handle.rpc("mistaken.timer").catch(() => {}),
};

for (const [where, provoke] of Object.entries(MISTAKES)) {
  Deno.test(`ModuleHost unloads a module that throws in ${where}, logs it, and the broker lives`, async () => {
    const { session, load, rpc, errors } = await moduleWorld();
    let stopped = false;
    const boom = () => {
      throw new TypeError("boom");
    };
    await load({
      name: "mistaken",
      async start({ handle, ports }) {
        await handle.listen("mistaken.event", boom);
        await handle.serve({
          "mistaken.handler": boom,
          "mistaken.promise": async () => {
            await Promise.resolve();
            boom();
          },
          "mistaken.timer": () => void ports.clock.after(1, boom),
        });
        return { stop: () => void (stopped = true) };
      },
    });
    await load(plain("innocent"));
    provoke(session.handle(0));
    await session.until(() => stopped);
    await session.run(1);
    const [first, second] = errors();
    assert(first!.startsWith(`mistaken: ${where}: TypeError: boom\n`), first!);
    assertEquals(second, `broker: module mistaken is unloaded, since it threw in ${where}`);
    assertEquals(await status(rpc), [["innocent", 1]]);
    assertEquals((await rpc<{ rank: number }>("innocent.ping", {})).rank, 0);
  });
}

Deno.test("ModuleHost keeps a module whose handlers and listeners only refuse bad input", async () => {
  const { session, load, rpc } = await moduleWorld();
  await load({
    name: "strict",
    async start({ handle }) {
      await handle.listen("strict.event", (event) => void event.payload);
      await handle.serve({
        "strict.call": user(() => {
          throw new FluxError("EINVAL", "no");
        }),
      });
    },
  });
  await assertRejects(rpc("strict.call"), { errno: "EINVAL", text: /^no$/ });
  const client = session.handle(0);
  client.publish("strict.event", new TextEncoder().encode("{ not json\0"));
  client.post("strict.cancel", new TextEncoder().encode("not json either\0"));
  await session.run(10);
  assertEquals(await status(rpc), [["strict", 1]]);
});

Deno.test("ModuleHost.blame() unloads the module from whose code an error came, and no other", async () => {
  const { session, load, rpc } = await moduleWorld();
  await load(plain("guilty"));
  await load(plain("innocent"));
  const error = new TypeError("unhandled");
  error.stack = "TypeError: unhandled\n    at step (file:///flux/modules/guilty/service.ts:10:3)";
  const { modules } = session.brokers[0]!;
  assertEquals(modules.blame(error), true);
  await session.run(1);
  assertEquals(await status(rpc), [["innocent", 1]]);
  assertEquals(modules.blame(new Error("from nowhere")), false);
  assertEquals(modules.blame("no error at all"), false);
});

Deno.test("ModuleHost counts the heartbeats since a module last sent something", async () => {
  const { session, load, rpc } = await moduleWorld();
  await load(plain("quiet"));
  await session.run(2000 * 4 + 10);
  const idle = async () => (await rpc<{ mods: { idle: number }[] }>("module.list")).mods[0]!.idle;
  const before = await idle();
  assert(before >= 3, `${before}`);
  await rpc("quiet.ping", {});
  await session.run(2000);
  assertEquals(await idle(), 0);
});

Deno.test("ModuleHost leaves nothing in the router after a hundred loads and removals", async () => {
  const { session, load, remove, rpc } = await moduleWorld();
  const { router } = session.brokers[0]!;
  const busy = () => ({
    name: "busy",
    services: ["alias"],
    async start(
      { handle, ports }: { handle: Handle; ports: { attach(owner: object): unknown; random: { uuid(): string } } },
    ) {
      await handle.listen("some.event", () => {});
      await handle.serve({ "busy.wait": () => new Promise<void>(() => {}) });
      await handle.rpc("attr.get", { name: "rank" });
      ports.attach({ id: ports.random.uuid(), userid: 1000, rolemask: 1 });
    },
  });
  const client = session.handle(0);
  const cycle = async () => {
    await load(busy() as never);
    const waiting = client.rpc("busy.wait");
    waiting.catch(() => {});
    await remove("busy");
    await assertRejects(session.settle(waiting), { errno: "ENOSYS" });
  };
  await cycle();
  const [endpoints, timers] = [router.endpoints.length, session.clock.pending];
  for (let i = 0; i < 100; i++) await cycle();
  assertEquals([router.endpoints.length, session.clock.pending], [endpoints, timers]);
  assertEquals([router.services.find("busy"), router.services.find("alias")], [undefined, undefined]);
  assertEquals(session.brokers[0]!.handle.pending, 0);
  await assertRejects(rpc("busy.ping", {}), { errno: "ENOSYS" });
});

async function status(rpc: <T>(topic: string) => Promise<T>): Promise<[string, number][]> {
  const { mods } = await rpc<{ mods: { name: string; status: number }[] }>("module.list");
  return mods.map((mod) => [mod.name, mod.status]);
}
