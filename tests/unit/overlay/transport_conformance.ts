/**
 * What every Transport must do, as cases that run against each implementation in a world that offers a few hosts. Over 400
 * lines, since it is one table: who writes a transport reads it from top to bottom.
 */

import { FluxError } from "../../../broker/message/mod.ts";
import {
  type KeyPair,
  type Link,
  type Listener,
  type ListenOptions,
  mismatch,
  REFUSED,
  type Transport,
} from "../../../broker/ports/mod.ts";
import { assert, assertEquals, assertThrows } from "../../assert.ts";

/** Where the cases run. */
export interface World extends AsyncDisposable {
  /** The transport of a host; the same for the same name. */
  transport(host: string): Transport;
  /** An endpoint for `listen` that nobody else uses. */
  endpoint(): string;
  /** Keys for both sides, if this world uses them. */
  keypair(): KeyPair | null;
  /** Ends a host without any farewell. */
  kill(host: string): Promise<void>;
  /** Waits until `condition` holds; fails when it does not. */
  until(condition: () => boolean): Promise<void>;
  /** Runs until `promise` settles. */
  settle<T>(promise: Promise<T>): Promise<T>;
  /** Lets a little time pass in which something that must not happen could. */
  pause(): Promise<void>;
}

export interface Case {
  name: string;
  /** Only for worlds with keys; `proved`: on both sides. */
  needsKeys?: boolean | "proved";
  run(world: World): Promise<void>;
}

type Bytes = Uint8Array<ArrayBuffer>;

const encoder = new TextEncoder(), decoder = new TextDecoder();
const text = (bytes: Uint8Array): string => decoder.decode(bytes);
const bytes = (content: string): Bytes => encoder.encode(content);

/** A listener and what it heard, as `peer:text`, `peer down` and `refused: reason`. */
class Ear {
  readonly heard: string[] = [];
  readonly keys: KeyPair | null;
  readonly admitted = new Set<string>();
  readonly listener: Listener;
  /** Why peers went down. */
  readonly reasons: string[] = [];
  /** Sizes of the bodies that came, when asked to keep only these. */
  onMessage = (peer: string, body: Uint8Array): void => void this.heard.push(`${peer}:${text(body)}`);

  constructor(world: World, host = "server", options: ListenOptions = {}, endpoint = world.endpoint()) {
    this.keys = world.keypair();
    const security = this.keys ? { keys: this.keys, admits: (key: string) => this.admitted.has(key) } : {};
    this.listener = world.transport(host).listen(endpoint, { ...security, ...options }, {
      message: (peer, body) => this.onMessage(peer, body),
      down: (peer, reason) => {
        this.heard.push(`${peer} down`);
        this.reasons.push(reason);
      },
      refused: (_address, reason) => this.heard.push(`refused: ${reason}`),
    });
  }
}

/** A link and what it heard. */
class Caller {
  readonly heard: string[] = [];
  readonly link: Link;
  readonly reasons: string[] = [];
  onMessage = (body: Uint8Array): void => void this.heard.push(text(body));

  constructor(world: World, endpoint: string, ear: Ear | null, name: string, more: {
    host?: string;
    backlogLimit?: number;
    /** Dials with these keys instead of ones that are admitted; null: without. */
    keys?: KeyPair | null;
    serverKey?: string;
    /** Tries once. */
    patience?: number;
  } = {}) {
    const own = more.keys === undefined ? world.keypair() : more.keys;
    if (own && more.keys === undefined) ear?.admitted.add(own.publicKey);
    const security = own ? { keys: own, serverKey: more.serverKey ?? ear!.keys!.publicKey } : {};
    const { backlogLimit, patience } = more;
    const limit = { ...(backlogLimit !== undefined && { backlogLimit }), ...(patience !== undefined && { patience }) };
    this.link = world.transport(more.host ?? "client").dial(endpoint, { name, ...security, ...limit }, {
      up: () => this.heard.push("up"),
      message: (body) => this.onMessage(body),
      down: (reason) => {
        this.heard.push("down");
        this.reasons.push(reason);
      },
    });
  }

  say(content: string): void {
    this.link.send(bytes(content));
  }
}

/** A listener with one caller that has said hello. */
async function pair(
  world: World,
  limits: { ear?: number; caller?: number } = {},
): Promise<{ ear: Ear; caller: Caller }> {
  const ear = new Ear(world, "server", limits.ear === undefined ? {} : { backlogLimit: limits.ear });
  const caller = new Caller(
    world,
    ear.listener.endpoint,
    ear,
    "a",
    limits.caller === undefined ? {} : { backlogLimit: limits.caller },
  );
  caller.say("hello");
  await world.until(() => ear.heard.length === 1);
  await world.until(() => caller.heard.length === 1);
  assertEquals([ear.heard, caller.heard], [["a:hello"], ["up"]]);
  ear.heard.length = caller.heard.length = 0;
  return { ear, caller };
}

const MIB = 1 << 20;

export const cases: Case[] = [
  {
    name: "delivers messages whole and in order, both ways",
    async run(world) {
      const { ear, caller } = await pair(world);
      for (const word of ["one", "two", "", "three"]) caller.say(word);
      for (const word of ["eins", "", "zwei"]) assert(ear.listener.send("a", bytes(word)));
      await world.until(() => ear.heard.length === 4 && caller.heard.length === 3);
      assertEquals(ear.heard, ["a:one", "a:two", "a:", "a:three"]);
      assertEquals(caller.heard, ["eins", "", "zwei"]);
    },
  },
  {
    name: "delivers 10,000 small messages both ways in order",
    async run(world) {
      const { ear, caller } = await pair(world);
      let [atEar, atCaller] = [0, 0];
      ear.onMessage = (_peer, body) => assertEquals(text(body), `to ear ${atEar++}`);
      caller.onMessage = (body) => assertEquals(text(body), `to caller ${atCaller++}`);
      for (let i = 0; i < 10_000; i++) {
        caller.say(`to ear ${i}`);
        ear.listener.send("a", bytes(`to caller ${i}`));
      }
      await world.until(() => atEar === 10_000 && atCaller === 10_000);
    },
  },
  {
    name: "delivers a message of 8 MiB and small ones around it in order",
    async run(world) {
      const { ear, caller } = await pair(world);
      const large = new Uint8Array(8 * MIB).map((_, i) => i * 31 + (i >> 8));
      const expected = large.slice();
      const got: Uint8Array[] = [];
      ear.onMessage = (_peer, body) => void got.push(body);
      caller.say("before");
      caller.link.send(large);
      caller.say("behind");
      await world.until(() => got.length === 3);
      assertEquals([text(got[0]!), text(got[2]!)], ["before", "behind"]);
      assert(
        got[1]!.length === expected.length && got[1]!.every((byte, i) => byte === expected[i]),
        "the body is changed",
      );
    },
  },
  {
    name: "gives each receiver bytes of its own",
    async run(world) {
      const { ear, caller } = await pair(world);
      const got: Uint8Array[] = [];
      ear.onMessage = (_peer, body) => void got.push(body);
      caller.say("first");
      caller.say("second");
      await world.until(() => got.length === 2);
      got[0]!.fill(0);
      assertEquals(text(got[1]!), "second");
      assertEquals(got[1]!.buffer.byteLength, 6);
    },
  },
  {
    name: "reports nothing from inside a call",
    async run(world) {
      const ear = new Ear(world);
      const caller = new Caller(world, ear.listener.endpoint, ear, "a", { backlogLimit: 10 });
      for (let i = 0; i < 5; i++) caller.say("more than ten bytes");
      assertEquals([ear.heard, caller.heard], [[], []]);
      await world.until(() => caller.heard.length > 0);
    },
  },
  {
    name: "connects a dial that came before its listener, and then sends what waited",
    async run(world) {
      const ear = new Ear(world), { endpoint } = ear.listener;
      ear.listener.close();
      const caller = new Caller(world, endpoint, ear, "early");
      caller.say("waited");
      await world.pause();
      assertEquals(caller.heard, []);
      const late = new Ear(world, "server", security(ear), endpoint);
      await world.until(() => late.heard.length === 1);
      assertEquals([late.heard, caller.heard], [["early:waited"], ["up"]]);
    },
  },
  {
    name: "tells the listener once that a link was closed, behind its last message",
    async run(world) {
      const { ear, caller } = await pair(world);
      caller.say("last");
      caller.link.close();
      caller.say("too late");
      await world.until(() => ear.heard.length === 2);
      await world.pause();
      assertEquals(ear.heard, ["a:last", "a down"]);
      assertEquals(ear.reasons, ["closed by the peer"]);
      assertEquals(caller.heard, []);
    },
  },
  {
    name: "tells the link once that the listener was closed, behind its last message",
    async run(world) {
      const { ear, caller } = await pair(world);
      ear.listener.send("a", bytes("last"));
      ear.listener.close();
      assertEquals(ear.listener.send("a", bytes("too late")), false);
      await world.until(() => caller.heard.length === 2);
      await world.pause();
      assertEquals([caller.heard, ear.heard], [["last", "down"], []]);
      assertEquals(caller.reasons, ["closed by the listener"]);
    },
  },
  {
    name: "tells the listener once that a peer's process is gone",
    async run(world) {
      const { ear } = await pair(world);
      await world.kill("client");
      await world.until(() => ear.heard.length === 1);
      await world.pause();
      assertEquals(ear.heard, ["a down"]);
      assertEquals(ear.listener.send("a", bytes("?")), false);
    },
  },
  {
    name: "tells the link once that the listener's process is gone",
    async run(world) {
      const { caller } = await pair(world);
      await world.kill("server");
      await world.until(() => caller.heard.length === 1);
      await world.pause();
      caller.say("?");
      assertEquals(caller.heard, ["down"]);
    },
  },
  {
    name: "says nothing of a peer that never sent anything",
    async run(world) {
      const ear = new Ear(world);
      const caller = new Caller(world, ear.listener.endpoint, ear, "silent");
      await world.until(() => caller.heard.length === 1);
      caller.link.close();
      await world.pause();
      assertEquals(ear.heard, []);
    },
  },
  {
    name: "drops one peer, behind what was sent to it, and hears no more of it",
    async run(world) {
      const { ear, caller } = await pair(world);
      const other = new Caller(world, ear.listener.endpoint, ear, "b");
      other.say("hello");
      await world.until(() => ear.heard.length === 1);
      ear.listener.send("a", bytes("farewell"));
      ear.listener.drop("a");
      ear.listener.drop("a");
      assertEquals(ear.listener.send("a", bytes("too late")), false);
      caller.say("unheard");
      await world.until(() => caller.heard.length === 2);
      other.say("still here");
      await world.until(() => ear.heard.length === 2);
      await world.pause();
      assertEquals(caller.heard, ["farewell", "down"]);
      assertEquals(ear.heard, ["b:hello", "b:still here"]);
    },
  },
  {
    name: "sends only to peers that have sent something",
    async run(world) {
      const ear = new Ear(world);
      assertEquals(ear.listener.send("nobody", bytes("?")), false);
      ear.listener.drop("nobody");
      const caller = new Caller(world, ear.listener.endpoint, ear, "a");
      await world.until(() => caller.heard.length === 1);
      assertEquals(ear.listener.send("a", bytes("?")), false);
    },
  },
  {
    name: "tells names apart that begin alike",
    async run(world) {
      const ear = new Ear(world);
      const names = ["a", "aa", "aaa", "ab", "é", "x".repeat(255)];
      const callers = names.map((name) => new Caller(world, ear.listener.endpoint, ear, name));
      callers.forEach((caller) => caller.say("?"));
      await world.until(() => ear.heard.length === names.length);
      assertEquals(ear.heard.toSorted(), names.map((name) => `${name}:?`).toSorted());
      for (const name of names) assert(ear.listener.send(name, bytes(`to ${name}`)));
      await world.until(() => callers.every((caller) => caller.heard.length === 2));
      assertEquals(callers.map((caller) => caller.heard[1]!), names.map((name) => `to ${name}`));
    },
  },
  {
    name: "takes a peer that went down again under a new name",
    async run(world) {
      const { ear, caller } = await pair(world);
      ear.listener.drop("a");
      await world.until(() => caller.heard.length === 1);
      const again = new Caller(world, ear.listener.endpoint, ear, "a2");
      again.say("back");
      await world.until(() => ear.heard.length === 1);
      assert(ear.listener.send("a2", bytes("welcome")));
      await world.until(() => again.heard.length === 2);
      assertEquals([ear.heard, again.heard], [["a2:back"], ["up", "welcome"]]);
    },
  },
  {
    name: "disconnects a peer whose backlog passes the listener's limit, and says so",
    async run(world) {
      const { ear, caller } = await pair(world, { ear: MIB });
      for (let i = 0; i < 64; i++) ear.listener.send("a", new Uint8Array(MIB / 4));
      assertEquals(ear.listener.send("a", bytes("?")), false);
      caller.onMessage = () => {};
      await world.until(() => ear.heard.length === 1 && caller.heard.length === 1);
      assertEquals([ear.heard, caller.heard], [["a down"], ["down"]]);
      assert(ear.reasons[0]!.includes(`backlog over ${MIB} bytes`), ear.reasons[0]);
    },
  },
  {
    name: "disconnects a link whose backlog passes its limit, and says so",
    async run(world) {
      const { ear, caller } = await pair(world, { caller: MIB });
      ear.onMessage = () => {};
      for (let i = 0; i < 64; i++) caller.link.send(new Uint8Array(MIB / 4));
      await world.until(() => ear.heard.length === 1 && caller.heard.length === 1);
      assertEquals([ear.heard, caller.heard], [["a down"], ["down"]]);
      assert(caller.reasons[0]!.includes(`backlog over ${MIB} bytes`), caller.reasons[0]);
    },
  },
  {
    name: "delivers at its close what every link and listener has sent",
    async run(world) {
      const { ear, caller } = await pair(world);
      let sum = 0;
      ear.onMessage = (_peer, body) => sum += body.length;
      for (let i = 0; i < 20; i++) caller.link.send(new Uint8Array(MIB / 2));
      await world.settle(world.transport("client").close(10_000));
      await world.until(() => ear.heard.length === 1);
      assertEquals([sum, ear.heard, caller.heard], [10 * MIB, ["a down"], []]);
      caller.onMessage = () => assert(false, "a closed link hears nothing");
    },
  },
  {
    name: "closes within its limit when nobody takes what was sent",
    async run(world) {
      const caller = new Caller(world, world.endpoint().replace("*", "1"), null, "lonely", { keys: null });
      caller.say("?");
      await world.settle(world.transport("client").close(50));
      assertEquals(caller.heard, []);
      assertThrows(() => world.transport("client").listen(world.endpoint(), {}, { message() {}, down() {} }), {
        errno: "EINVAL",
      });
    },
  },
  {
    name: "refuses an endpoint that is in use",
    run(world) {
      const ear = new Ear(world);
      for (const host of ["server", "another"]) {
        assertThrows(() => new Ear(world, host, {}, ear.listener.endpoint), {
          errno: "EADDRINUSE",
          text: ear.listener.endpoint,
        });
      }
      return Promise.resolve();
    },
  },
  {
    name: "listens again where a listener was closed",
    async run(world) {
      const { ear, caller } = await pair(world);
      ear.listener.close();
      await world.until(() => caller.heard.length === 1);
      const again = await until(world, () => tryToListen(world, ear.listener.endpoint));
      const next = new Caller(world, ear.listener.endpoint, again, "b");
      next.say("hello");
      await world.until(() => again.heard.length === 1);
      assertEquals(again.heard, ["b:hello"]);
    },
  },
  {
    name: "reports down, connection refused, for a dial that is tried once where nobody listens any more",
    async run(world) {
      const ear = new Ear(world), { endpoint } = ear.listener;
      ear.listener.close();
      await world.pause();
      const caller = new Caller(world, endpoint, ear, "once", { patience: 2000 });
      caller.say("anybody?");
      await world.until(() => caller.reasons.length === 1);
      await world.pause();
      assertEquals([caller.heard, caller.reasons], [["down"], [REFUSED]]);
    },
  },
  {
    name: "connects a dial that is tried once like any other",
    async run(world) {
      const ear = new Ear(world);
      const caller = new Caller(world, ear.listener.endpoint, ear, "once", { patience: 2000 });
      caller.say("hello");
      await world.until(() => ear.heard.length === 1);
      assertEquals(ear.heard, ["once:hello"]);
    },
  },
  {
    name: "refuses a peer whose key is not admitted, tells the listener once, and lets it in when it is",
    needsKeys: true,
    async run(world) {
      const ear = new Ear(world), keys = world.keypair()!;
      const caller = new Caller(world, ear.listener.endpoint, ear, "stranger", { keys });
      caller.say("let me in");
      await world.until(() => ear.heard.length === 1);
      await world.pause();
      assertEquals([ear.heard, caller.heard], [[`refused: key ${keys.publicKey} is not admitted`], []]);
      ear.admitted.add(keys.publicKey);
      await world.until(() => ear.heard.length === 2);
      assertEquals(ear.heard[1], "stranger:let me in");
    },
  },
  {
    name: "tells which key a peer has proved to own, as long as it is there",
    needsKeys: true,
    async run(world) {
      const ear = new Ear(world), keys = [world.keypair()!, world.keypair()!];
      const callers = keys.map((own, i) => {
        ear.admitted.add(own.publicKey);
        const caller = new Caller(world, ear.listener.endpoint, ear, `caller-${i}`, { keys: own });
        caller.say("hello");
        return caller;
      });
      await world.until(() => ear.heard.length === 2);
      assertEquals([0, 1].map((i) => ear.listener.keyOf(`caller-${i}`)), keys.map(({ publicKey }) => publicKey));
      callers[0]!.link.close();
      await world.until(() => ear.heard.length === 3);
      await world.until(() => ear.listener.keyOf("caller-0") === undefined);
      assertEquals(ear.listener.keyOf("nobody"), undefined);
    },
  },
  {
    name: "refuses a peer without a key, and tells the listener once",
    needsKeys: true,
    async run(world) {
      const ear = new Ear(world);
      const caller = new Caller(world, ear.listener.endpoint, ear, "stranger", { keys: null });
      caller.say("let me in");
      await world.until(() => ear.heard.length === 1);
      await world.pause();
      assertEquals([ear.heard, caller.heard], [[`refused: ${mismatch(ear.keys!)}`], []]);
    },
  },
  {
    name: "refuses a peer that has a wrong key of the listener",
    needsKeys: "proved",
    async run(world) {
      const ear = new Ear(world), keys = world.keypair()!;
      ear.admitted.add(keys.publicKey);
      const serverKey = world.keypair()!.publicKey;
      const caller = new Caller(world, ear.listener.endpoint, ear, "stranger", { keys, serverKey });
      caller.say("let me in");
      await world.until(() => ear.heard.length === 1);
      await world.pause();
      assertEquals([ear.heard, caller.heard], [["refused: the peer has a wrong key of this listener"], []]);
    },
  },
  {
    name: "admits nobody to a listener with keys that does not say whom",
    needsKeys: true,
    async run(world) {
      const keys = world.keypair()!, heard: string[] = [];
      const listener = world.transport("server").listen(world.endpoint(), { keys }, {
        message: () => heard.push("message"),
        down: () => heard.push("down"),
        refused: () => heard.push("refused"),
      });
      const own = world.keypair()!;
      world.transport("client").dial(listener.endpoint, { name: "a", keys: own, serverKey: keys.publicKey }, {
        up: () => heard.push("up"),
        message: () => {},
        down: () => {},
      });
      await world.until(() => heard.length > 0);
      await world.pause();
      assertEquals(heard, ["refused"]);
    },
  },
];

/** The first result of `attempt` that is not null. */
async function until<T>(world: World, attempt: () => T | null): Promise<T> {
  let result: T | null = null;
  await world.until(() => (result ??= attempt()) !== null);
  return result!;
}

/** Options that make a listener the same as `ear` for those who dial it. */
function security(ear: Ear): ListenOptions {
  return ear.keys ? { keys: ear.keys, admits: (key) => ear.admitted.has(key) } : {};
}

/** A listener at `endpoint`; null while the endpoint is in use. libzmq frees a TCP port a moment after the close. */
function tryToListen(world: World, endpoint: string): Ear | null {
  try {
    return new Ear(world, "server", {}, endpoint);
  } catch (error) {
    if (error instanceof FluxError && error.code === "EADDRINUSE") return null;
    throw error;
  }
}
