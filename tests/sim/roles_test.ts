/**
 * What a guest (role USER, another user id) may do: a table of everything that is open to it (wire.md §3, the column "role"), against
 * everything that the brokers of a session really serve. Whatever is not in the table is the owner's.
 */

import { assert, assertEquals, assertRejects } from "../assert.ts";
import { Handle, type Method, type Methods } from "../../broker/handle/mod.ts";
import { FluxError, Message, MessageType, Role } from "../../broker/message/mod.ts";
import { endpointChannel } from "../../broker/router/mod.ts";
import { builtinModules } from "../../modules/mod.ts";
import { type SimSession, simSession } from "./session.ts";

/** Open to every module and to what is pinged like one. */
const EVERY_SERVICE = ["ping", "rusage", "stats-get", "stats.get"];

/** Beyond these. Where wire.md says nothing, they tell what is no secret (modctl, live, cmb), or are the guest's own doing. */
const OPEN_TO_GUESTS = [
  ...["attr.get", "attr.list", "cmb.attrget", "cmb.attrlist"],
  ...["barrier.enter", "kvs.fence", "mrpc.call", "mrpc.tell", "mecho"],
  ...["broker.conf-builtin", "config.get", "state-machine.get", "state-machine.wait"],
  "event.publish",
  ...["groups.get", "overlay.health", "overlay.topology", "module.list", "module.info", "modctl.list", "live.status"],
  ...["cmb.lsmod", "cmb.lspeer"],
  // In namespaces that the guest owns.
  ...["kvs.lookup", "kvs.lookup-plus", "kvs.commit", "kvs.getroot", "kvs.wait-version", "kvs-watch.lookup"],
  ...["kvs.setroot-pause", "kvs.setroot-unpause"],
];

/** For the owner although every other service tells it (wire.md §3.4). */
const CLOSED = ["log.stats-get"];

const GUEST = { userid: 2000, rolemask: Role.user | Role.local };

/** A session with all modules that need no socket, and the methods that its ranks serve, by topic. */
async function openSession(): Promise<{ session: SimSession; served: Map<string, Method> }> {
  const served = new Map<string, Method>();
  const serve = Handle.prototype.serve;
  Handle.prototype.serve = function (methods: Methods) {
    for (const [topic, method] of Object.entries(methods)) served.set(topic, method);
    return serve.call(this, methods);
  };
  try {
    const modules = Object.keys(builtinModules).filter((name) => name !== "api" && name !== "content-sqlite");
    return { session: await simSession({ size: 3, modules }), served };
  } finally {
    Handle.prototype.serve = serve;
  }
}

function isOpen(topic: string): boolean {
  const [, method] = /^[^.]+\.(.+)$/.exec(topic) ?? [];
  if (CLOSED.includes(topic)) return false;
  return OPEN_TO_GUESTS.includes(topic) || (method !== undefined && EVERY_SERVICE.includes(method));
}

Deno.test("guests may call what the table says, and nothing else, on any rank", async () => {
  const { session, served } = await openSession();
  assert(served.size > 150, `only ${served.size} methods were found`);
  for (const rank of [0, 1]) {
    const guest = session.handle(rank, GUEST);
    const refused = await Promise.all(
      [...served.keys()].sort().map(async (topic) => {
        // Nothing of what is asked for makes sense, so that what is open does nothing either.
        const asked = guest.rpc(topic, { nonsense: 1 }, { timeout: 5000 });
        const error = await session.settle(asked.then(() => undefined, (error: unknown) => error));
        const isRefused = error instanceof FluxError &&
          (/requires owner credentials/.test(error.message) ||
            rank > 0 && /^Unknown service method/.test(error.message));
        return isRefused === isOpen(topic) ? [`${topic}: ${error ?? "answered"}`] : [];
      }),
    );
    assertEquals(refused.flat(), [], `rank ${rank}`);
  }
  assertEquals(session.brokers.map(({ machine }) => machine.state), ["run", "run", "run"]);
});

Deno.test("the table names nothing that nobody serves", async () => {
  const { served } = await openSession();
  assertEquals(OPEN_TO_GUESTS.filter((topic) => !served.has(topic)), []);
});

Deno.test("whoever has no role at all gets what is open to all", async () => {
  const { session } = await openSession();
  const nobody = session.handle(1, { userid: 2000, rolemask: Role.none });
  assertEquals(await session.settle(nobody.rpc("attr.get", { name: "size" })), { value: "3", flags: 1 });
  await assertRejects(() => session.settle(nobody.rpc("groups.get", { name: "broker.online" }, { rank: 0 })), {
    errno: "EPERM",
    text: "Request rejected due to insufficient privilege",
  });
});

Deno.test("a guest's messages say who it is, whatever it writes into them", async () => {
  const session = await simSession({ size: 3 });
  const { router } = session.brokers[1]!;
  const answers: Message[] = [];
  router.attach({ id: "guest", ...GUEST, deliver: (message) => void answers.push(message) });
  const forged = { userid: 1000, rolemask: Role.owner | Role.local, routes: [session.brokers[0]!.uuid] };
  const ask = { type: MessageType.request, aux2: 1, topic: "cmb.ping", payload: new TextEncoder().encode("{}\0") };
  for (const rank of [1, 0]) {
    router.fromEndpoint("guest", new Message({ ...ask, ...forged, aux1: rank }));
    await session.run(500);
    const { userid, rolemask, route } = JSON.parse(new TextDecoder().decode(answers.pop()!.payload).slice(0, -1));
    // Another rank knows nothing of who is local here.
    assertEquals([userid, rolemask], [2000, rank === 1 ? Role.user | Role.local : Role.user]);
    assertEquals(route.split("!")[0], "guest");
  }
});

Deno.test("an owner may speak for another user, in fewer roles", async () => {
  const session = await simSession({ size: 3 });
  const { router } = session.brokers[2]!;
  const answers: Message[] = [];
  router.attach({ id: "a", userid: 1000, rolemask: Role.owner | Role.local, deliver: (one) => void answers.push(one) });
  const drop = { type: MessageType.request, aux1: 0, topic: "log.clear", userid: 7, rolemask: Role.user };
  router.fromEndpoint("a", new Message({ ...drop, aux2: 5 }));
  await session.run(500);
  assertEquals(answers.map(({ errnum, matchtag }) => [errnum, matchtag]), [[1, 5]]);
});

Deno.test("LOCAL is lost on the way to another rank", async () => {
  const session = await simSession({ size: 3 });
  const owner = session.handle(1);
  await session.settle(owner.rpc("groups.join", { name: "mine" }));
  await assertRejects(() => session.settle(owner.rpc("groups.join", { name: "mine" }, { rank: 2 })), {
    errno: "EPROTO",
  });
});

Deno.test("a guest cannot end the streams of others by claiming to be their sender", async () => {
  const session = await simSession({ size: 2 });
  const { router } = session.brokers[0]!;
  const owner = { userid: 1000, rolemask: Role.owner | Role.local };
  const lines: Message[] = [];
  router.attach({ id: "owner", ...owner, deliver: (message) => void lines.push(message) });
  const follow = { topic: "state-machine.monitor", flags: 0x40, aux2: 1, aux1: 0, type: MessageType.request };
  const payload = new TextEncoder().encode('{"final":11}\0');
  router.fromEndpoint("owner", new Message({ ...follow, payload }));
  await session.run(10);
  const before = lines.length;
  router.attach({ id: "guest", ...GUEST, deliver: () => {} });
  for (const topic of ["state-machine.disconnect", "state-machine.monitor-cancel"]) {
    const payload = new TextEncoder().encode('{"matchtag":1}\0');
    const message = { type: MessageType.request, flags: 4, aux1: 0, topic, payload, routes: ["owner"] };
    router.fromEndpoint("guest", new Message(message));
  }
  await session.run(10);
  assertEquals(lines.length, before);
  session.brokers[0]!.machine.enter("cleanup");
  await session.run(10);
  assertEquals(lines.length, before + 1);
});

Deno.test("a guest answers requests that came to it, and no others", async () => {
  const session = await simSession({ size: 2 });
  const { router } = session.brokers[0]!;
  const asked: Message[] = [];
  router.attach({ id: "guest", ...GUEST, deliver: (message) => void asked.push(message) });
  const victim: Message[] = [];
  router.attach({ id: "victim", userid: 1000, rolemask: Role.owner, deliver: (message) => void victim.push(message) });
  const answer = { type: MessageType.response, topic: "attr.get", aux2: 1 };
  router.fromEndpoint("guest", new Message({ ...answer, routes: ["victim"] }));
  assertEquals(victim, []);
  const service = new TextEncoder().encode('{"service":"2000-mine"}\0');
  const add = { type: MessageType.request, aux2: 9, topic: "service.add", payload: service };
  router.fromEndpoint("guest", new Message(add));
  router.fromEndpoint("victim", new Message({ type: MessageType.request, aux2: 1, topic: "2000-mine.do" }));
  const request = asked.find(({ topic }) => topic === "2000-mine.do")!;
  for (let i = 0; i < 2; i++) {
    router.fromEndpoint("guest", new Message({ ...answer, topic: request.topic, routes: [...request.routes] }));
  }
  assertEquals(victim.map(({ topic }) => topic), ["2000-mine.do"]);
});

Deno.test("services do not listen to the events of guests", async () => {
  const { session } = await openSession();
  const heard: string[] = [];
  const owner = session.handle(1);
  await session.settle(owner.listen("note", ({ topic }) => heard.push(topic)));
  await session.settle(owner.listen("note", ({ topic }) => heard.push(`${topic} of anyone`), { from: "anyone" }));
  session.handle(1, GUEST).publish("note.guest");
  await session.run(100);
  session.handle(1).publish("note.owner");
  await session.run(100);
  assertEquals(heard, ["note.guest of anyone", "note.owner", "note.owner of anyone"]);
  const guest = endpointChannel(session.brokers[0]!.router, { id: "guest", ...GUEST });
  const { count } = await session.settle(owner.rpc<{ count: number }>("heartbeat.stats-get"));
  const pulse = new TextEncoder().encode('{"epoch":1000000}\0');
  guest.send(new Message({ type: MessageType.event, topic: "heartbeat.pulse", payload: pulse, rolemask: Role.owner }));
  await session.run(100);
  assertEquals((await session.settle(owner.rpc<{ count: number }>("heartbeat.stats-get"))).count, count);
});

Deno.test("a guest's multicast RPC is a guest's on every rank", async () => {
  const { session } = await openSession();
  const guest = session.handle(2, GUEST);
  const call = async (topic: string) => {
    const errors: number[] = [];
    for await (const { errnum } of guest.mrpc(topic, { a: 1 })) errors.push(errnum);
    return errors;
  };
  assertEquals(await session.settle(call("mecho")), [0, 0, 0]);
  assertEquals(await session.settle(call("log.clear")), [1, 1, 1]);
  assertEquals(await session.settle(call("groups.join")), [1, 1, 1]);
});
