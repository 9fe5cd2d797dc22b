import {
  encodeJson,
  errnum,
  errorText,
  Flag,
  Idset,
  Message,
  MessageType,
  NODEID_ANY,
  responseTo,
  Role,
} from "../../../broker/message/mod.ts";
import { type Peer, Router } from "../../../broker/router/mod.ts";
import { assert, assertEquals } from "../../assert.ts";

const OWNER = { userid: 100, rolemask: Role.owner | Role.local };
const GUEST = { userid: 200, rolemask: Role.user | Role.local };

/** Rank 1 of 7 with endpoints and peers that keep what they are given. */
class Bench {
  readonly published: Message[] = [];
  readonly router = new Router({ rank: 1, size: 7, userid: 100, publish: (event) => this.published.push(event) });
  readonly given = new Map<string, Message[]>();

  endpoint(id: string, credentials = OWNER): this {
    const box: Message[] = [];
    this.given.set(id, box);
    this.router.attach({ id, ...credentials, deliver: (message) => box.push(message) });
    return this;
  }

  peer(id: string, kind: Peer["kind"], ranks = "", alive = true): this {
    const box: Message[] = [];
    this.given.set(id, box);
    this.router.join({ id, kind, send: (message) => alive && box.push(message) > 0 }, Idset.parse(ranks));
    return this;
  }

  /** What `id` was given since the last call. */
  got(id: string): Message[] {
    return this.given.get(id)!.splice(0);
  }

  serve(id: string, service: string): this {
    this.router.services.add(service, id);
    return this;
  }
}

function request(
  topic: string,
  more: { nodeid?: number; flags?: number; tag?: number; routes?: string[]; payload?: object } = {},
) {
  const { nodeid = NODEID_ANY, flags = 0, tag = 1, routes = [], payload } = more;
  return new Message({
    type: MessageType.request,
    flags,
    aux1: nodeid,
    aux2: tag,
    routes,
    topic,
    payload: payload && encodeJson(payload),
  });
}

Deno.test("Router carries a request from one endpoint to another and the answer back", () => {
  const bench = new Bench().endpoint("client").endpoint("module").serve("module", "x");
  bench.router.fromEndpoint("client", request("x.y"));
  const [received] = bench.got("module");
  assertEquals([received!.routes, received!.userid, received!.rolemask], [["client"], 100, 5]);
  bench.router.fromEndpoint("module", responseTo(received!, OWNER));
  const [answer] = bench.got("client");
  assertEquals([answer!.type, answer!.routes, answer!.matchtag], [MessageType.response, [], 1]);
});

Deno.test("Router stamps a guest's messages, and an owner's where they say nothing", () => {
  const bench = new Bench().endpoint("owner").endpoint("guest", GUEST).endpoint("module").serve("module", "x");
  const forged = { userid: 0, rolemask: Role.owner };
  for (const id of ["owner", "guest"]) {
    bench.router.fromEndpoint(id, request("x.y"));
    bench.router.fromEndpoint(id, Object.assign(request("x.y"), forged));
  }
  assertEquals(bench.got("module").map(({ userid, rolemask }) => [userid, rolemask]), [[100, 5], [0, 1], [200, 6], [
    200,
    6,
  ]]);
});

Deno.test("Router takes the LOCAL role from what comes from a peer", () => {
  const bench = new Bench().endpoint("module").serve("module", "x").peer("c3", "child", "3");
  bench.router.fromPeer("c3", Object.assign(request("x.y", { routes: ["client"] }), { userid: 7, rolemask: 5 }));
  const [received] = bench.got("module");
  assertEquals([received!.rolemask, received!.routes], [Role.owner, ["client", "c3"]]);
});

Deno.test("Router passes requests between peers, and the answers back the same way", () => {
  const bench = new Bench().peer("p", "parent").peer("c3", "child", "3").peer("c4", "child", "4");
  bench.router.fromPeer("c3", request("x.y", { nodeid: 4, routes: ["client"] }));
  const [down] = bench.got("c4");
  assertEquals(down!.routes, ["client", "c3"]);
  assertEquals(bench.router.pending("c4"), 1);
  bench.router.fromPeer("c4", responseTo(down!, OWNER));
  assertEquals(bench.got("c3").map(({ type, routes }) => [type, routes]), [[MessageType.response, ["client"]]]);
  assertEquals(bench.router.pending("c4"), 0);
});

Deno.test("Router answers EHOSTUNREACH for what a lost peer had not answered", () => {
  const bench = new Bench().endpoint("client").peer("c3", "child", "3").peer("c4", "child", "4");
  bench.router.fromEndpoint("client", request("x.y", { nodeid: 3, tag: 8 }));
  bench.router.fromPeer("c4", request("x.y", { nodeid: 3, tag: 9, routes: ["other"] }));
  bench.router.fromEndpoint("client", request("x.y", { nodeid: 3, flags: Flag.noresponse, tag: 0 }));
  bench.router.leave("c3");
  const [mine] = bench.got("client"), [theirs] = bench.got("c4");
  assertEquals([mine!.errnum, mine!.matchtag, errorText(mine!.payload)], [
    errnum("EHOSTUNREACH"),
    8,
    "overlay disconnect",
  ]);
  assertEquals([theirs!.errnum, theirs!.matchtag, theirs!.routes], [errnum("EHOSTUNREACH"), 9, ["other"]]);
  bench.router.leave("c3");
  assertEquals(bench.got("client"), []);
});

Deno.test("Router answers EHOSTUNREACH when a link takes nothing, and when there is no parent", () => {
  const bench = new Bench().endpoint("client").peer("c3", "child", "3", false);
  bench.router.fromEndpoint("client", request("x.y", { nodeid: 3 }));
  bench.router.fromEndpoint("client", request("x.y"));
  bench.router.fromEndpoint("client", request("x.y", { nodeid: 0 }));
  assertEquals(bench.got("client").map(({ errnum }) => errnum), Array(3).fill(errnum("EHOSTUNREACH")));
  assertEquals(bench.router.pending("c3"), 0);
});

Deno.test("Router answers only where an answer is wanted", () => {
  const bench = new Bench().endpoint("client");
  bench.router.fromEndpoint("client", request("x.y", { nodeid: 1, flags: Flag.noresponse }));
  bench.router.fromEndpoint("client", request("x.y", { nodeid: 6, flags: Flag.noresponse }));
  assertEquals(bench.got("client"), []);
});

Deno.test("Router drops answers to nobody", () => {
  const bench = new Bench().endpoint("client");
  const answer = (routes: string[]) => new Message({ type: MessageType.response, routes, topic: "x.y" });
  bench.router.fromEndpoint("client", answer([]));
  bench.router.fromEndpoint("client", answer(["gone"]));
  assertEquals(bench.got("client"), []);
});

Deno.test("Router gives events to subscribers in order, and private ones to their owner and sender", () => {
  const bench = new Bench().endpoint("a").endpoint("guest", GUEST);
  for (const id of ["a", "guest"]) {
    bench.router.fromEndpoint(id, request("event.subscribe", { payload: { topic: "t" } }));
  }
  bench.got("a");
  bench.got("guest");
  const event = (sequence: number, flags: number, userid: number) =>
    new Message({ type: MessageType.event, flags, userid, rolemask: 2, aux1: sequence, topic: "t.x" });
  bench.router.deliverEvent(event(1, 0, 7));
  bench.router.deliverEvent(event(2, Flag.private, 7));
  bench.router.deliverEvent(event(3, Flag.private, 200));
  assertEquals(bench.got("a").map(({ sequence }) => sequence), [1, 2, 3]);
  assertEquals(bench.got("guest").map(({ sequence }) => sequence), [1, 3]);
});

Deno.test("Router delivers an event that an event causes after it, to everybody", () => {
  const bench = new Bench(), order: string[] = [];
  const event = (topic: string) => new Message({ type: MessageType.event, topic });
  for (const id of ["a", "b"]) {
    bench.router.attach({
      id,
      ...OWNER,
      deliver({ type, topic }) {
        if (type !== MessageType.event) return;
        order.push(`${id}:${topic}`);
        if (id === "a" && topic === "t.1") bench.router.deliverEvent(event("t.2"));
      },
    });
    bench.router.fromEndpoint(id, request("event.subscribe", { payload: { topic: "t" } }));
  }
  bench.router.deliverEvent(event("t.1"));
  assertEquals(order, ["a:t.1", "b:t.1", "a:t.2", "b:t.2"]);
});

Deno.test("Router publishes what endpoints and children publish", () => {
  const bench = new Bench().endpoint("a").peer("c3", "child", "3");
  bench.router.fromEndpoint("a", new Message({ type: MessageType.event, topic: "t.a" }));
  bench.router.fromPeer("c3", new Message({ type: MessageType.event, topic: "t.b", rolemask: 5 }));
  assertEquals(bench.published.map(({ topic, rolemask }) => [topic, rolemask]), [["t.a", 5], ["t.b", 1]]);
});

Deno.test("Router delivers an event under its older name to who knows only that", () => {
  const bench = new Bench().endpoint("old").endpoint("new").endpoint("all");
  bench.router.alias((event) => event.topic === "new.x" ? new Message({ ...event, topic: "old" }) : undefined);
  for (const id of ["old", "new", "all"]) {
    bench.router.fromEndpoint(id, request("event.subscribe", { payload: { topic: id === "all" ? "" : id } }));
    bench.got(id);
  }
  bench.router.deliverEvent(new Message({ type: MessageType.event, topic: "new.x" }));
  assertEquals(["old", "new", "all"].map((id) => bench.got(id).map(({ topic }) => topic)), [["old"], ["new.x"], [
    "new.x",
  ]]);
});

Deno.test("Router serves subscriptions and service names itself, with credentials of its own", () => {
  const bench = new Bench().endpoint("a");
  const ask = (topic: string, payload: object) => {
    bench.router.fromEndpoint("a", request(topic, { payload }));
    const [answer] = bench.got("a");
    assertEquals([answer!.userid, answer!.rolemask], [0xffffffff, Role.owner]);
    return answer!.errnum;
  };
  assertEquals(ask("event.subscribe", { topic: "t" }), 0);
  assertEquals(ask("event.unsubscribe", { topic: "t" }), 0);
  assertEquals(ask("event.unsubscribe", { topic: "t" }), errnum("ENOENT"));
  assertEquals(ask("event.subscribe", {}), errnum("EPROTO"));
  assertEquals(ask("service.add", { service: "foo" }), 0);
  assertEquals(ask("service.add", { service: "foo" }), errnum("EEXIST"));
  assertEquals(ask("service.add", { service: "a.b" }), errnum("EINVAL"));
  assertEquals(ask("service.remove", { service: "foo" }), 0);
  assertEquals(ask("service.remove", { service: "foo" }), errnum("ENOENT"));
});

Deno.test("Router lets a guest add services under its own number only", () => {
  const bench = new Bench().endpoint("guest", GUEST);
  const add = (service: string) => {
    bench.router.fromEndpoint("guest", request("service.add", { payload: { service } }));
    return bench.got("guest")[0]!.errnum;
  };
  assertEquals([add("200-shell"), add("100-shell"), add("shell")], [0, errnum("EPERM"), errnum("EPERM")]);
});

Deno.test("Router.detach() ends services and subscriptions, and tells who was asked", () => {
  const bench = new Bench().endpoint("a").endpoint("module").serve("module", "x").peer("c3", "child", "3");
  for (const payload of [{ service: "mine" }, { topic: "t" }]) {
    bench.router.fromEndpoint("a", request("service" in payload ? "service.add" : "event.subscribe", { payload }));
  }
  bench.router.fromEndpoint("a", request("x.y"));
  bench.router.fromEndpoint("a", request("x.y", { nodeid: 3 }));
  bench.got("module");
  bench.got("c3");
  bench.got("a");
  bench.router.detach("a");
  for (const id of ["module", "c3"]) {
    assertEquals(bench.got(id).map(({ topic, routes, flags }) => [topic, routes, flags]), [
      ["x.disconnect", ["a"], Flag.noresponse],
    ], id);
  }
  assertEquals(bench.router.services.find("mine"), undefined);
  bench.router.deliverEvent(new Message({ type: MessageType.event, topic: "t" }));
  assertEquals(bench.got("a"), []);
  assertEquals(bench.router.pending("c3"), 0);
});

Deno.test("Router sends ring requests around until they meet their rank, and no further than once around", () => {
  const bench = new Bench().endpoint("a").endpoint("module").serve("module", "x").peer("l", "left").peer("r", "right");
  bench.router.fromEndpointByRing("a", request("x.y", { nodeid: 5 }));
  assertEquals(bench.got("r").map(({ routes }) => routes), [["a"]]);
  bench.router.fromPeer("l", request("x.y", { nodeid: 1, routes: ["b"] }));
  assertEquals(bench.got("module").map(({ routes }) => routes), [["b", "l"]]);
  bench.router.fromPeer("l", request("x.y", { nodeid: 99, routes: Array(7).fill("b") }));
  const [lost] = bench.got("l");
  assertEquals([lost!.type, lost!.errnum], [MessageType.response, errnum("EHOSTUNREACH")]);
});

Deno.test("Router.tap() sees what endpoints and peers send and get, until disposed", () => {
  const bench = new Bench().endpoint("a").endpoint("module").serve("module", "x").peer("c3", "child", "3");
  const seen: string[] = [];
  const tap = bench.router.tap((direction, id, { topic }) => seen.push(`${direction} ${id} ${topic}`));
  bench.router.fromEndpoint("a", request("x.y"));
  bench.router.fromEndpoint("a", request("z.y", { nodeid: 3 }));
  tap[Symbol.dispose]();
  bench.router.fromEndpoint("a", request("x.z"));
  assertEquals(seen, ["tx a x.y", "rx module x.y", "tx a z.y", "tx c3 z.y"]);
});

Deno.test("Router.counters() count each kind of message both ways", () => {
  const bench = new Bench().endpoint("a").endpoint("module").serve("module", "x");
  bench.router.fromEndpoint("a", request("x.y"));
  bench.router.fromEndpoint("module", responseTo(bench.got("module")[0]!, OWNER));
  const { tx, rx } = bench.router.counters("a")!;
  assertEquals([tx.request, rx.response, tx.event], [1, 1, 0]);
  bench.router.counters("a")!.clear();
  assertEquals(bench.router.counters("a")!.tx.request, 0);
  assert(bench.router.counters("nobody") === undefined);
});
