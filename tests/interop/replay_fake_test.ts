import { Flag, type Message } from "../../broker/message/mod.ts";
import { assert, assertEquals } from "../assert.ts";
import { captureNames, messagesOf, parseCapture, readCapture } from "../captures.ts";
import { type Allowances, describe, replay } from "./replay.ts";
import { type Distortion, FakeBroker } from "./replay_fake.ts";
import { shapeOf } from "./replay_shape.ts";

/** Milliseconds to wait for what a distorted broker does not say. */
const SHORT = 200;

/** Replays `name` against a broker that knows it, but for `distort`; returns the differences in words. */
async function replayFake(name: string, distort?: Distortion, allowances: Allowances = {}): Promise<string[]> {
  const folder = await Deno.makeTempDir({ prefix: "fake-" });
  try {
    await using fake = new FakeBroker(`${folder}/socket`, readCapture(name), distort);
    const found = await replay(readCapture(name), () => fake.path, allowances, SHORT);
    if (!allowances.rename) assertEquals(fake.surprises, []);
    return found.map(describe);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Changes the responses and events of one topic. */
function on(topic: string, change: (message: Message) => void): Distortion {
  return (message) => {
    if (message.topic === topic) change(message);
    return [message];
  };
}

function rewrite(message: Message, from: string, to: string): void {
  const text = new TextDecoder().decode(message.payload);
  assert(text.includes(from), text);
  message.payload = new TextEncoder().encode(text.replace(from, to));
}

Deno.test("replay() finds no difference in any capture that is answered as it was captured", async () => {
  const whole = captureNames().filter((name) => messagesOf(readCapture(name)).every(({ bytes }) => bytes));
  assertEquals(whole.length, 128);
  let messages = 0;
  for (const name of whole) {
    assertEquals(await replayFake(name), [], name);
    messages += messagesOf(readCapture(name)).length;
  }
  assertEquals(messages, 580);
});

const distortions: [what: string, capture: string, distort: Distortion, found: string[]][] = [
  [
    "an integer that has become a string",
    "ping1",
    on("broker.ping", (message) => rewrite(message, '"rank": 1', '"rank": "1"')),
    ["ping1.txt:14 c2 <- RSP broker.ping: payload.rank: expected integer, got string"],
  ],
  [
    "an integer that has become a real",
    "ping",
    on("broker.ping", (message) => rewrite(message, '"rank": 0', '"rank": 0.0')),
    ["ping.txt:8 c1 <- RSP broker.ping: payload.rank: expected integer, got real"],
  ],
  [
    "a real that has become an integer",
    "ovl-status",
    on("overlay.health", (message) => rewrite(message, "109.345550754", "109")),
    ["ovl-status.txt:14 c74 <- RSP overlay.health: payload.children[].duration: expected real, got integer"],
  ],
  [
    "a key too many",
    "ping",
    on("broker.ping", (message) => rewrite(message, '"rank"', '"more": null, "rank"')),
    ["ping.txt:8 c1 <- RSP broker.ping: payload.more: expected no such key, got null"],
  ],
  [
    "a key that is missing",
    "getattr",
    on("attr.get", (message) => rewrite(message, ',"flags":1', "")),
    ["getattr.txt:8 c4 <- RSP attr.get: payload.flags: expected integer, got no such key"],
  ],
  [
    "one letter of a key",
    "getattr",
    on("attr.get", (message) => rewrite(message, "flags", "flagz")),
    [
      "getattr.txt:8 c4 <- RSP attr.get: payload.flags: expected integer, got no such key",
      "getattr.txt:8 c4 <- RSP attr.get: payload.flagz: expected no such key, got integer",
    ],
  ],
  [
    "an array that is empty",
    "attrlist",
    on("attr.list", (message) => message.payload = new TextEncoder().encode('{"names":[]}\0')),
    ["attrlist.txt:8 c185 <- RSP attr.list: payload.names: expected elements, got empty array"],
  ],
  [
    "an element of another type",
    "attrlist",
    on("attr.list", (message) => message.payload = new TextEncoder().encode('{"names":["a",true]}\0')),
    ["attrlist.txt:8 c185 <- RSP attr.list: payload.names[]: expected string, got boolean"],
  ],
  [
    "another errnum",
    "setattr",
    on("attr.set", (message) => message.aux1 = 22),
    ["setattr.txt:8 c6 <- RSP attr.set: errnum: expected 2, got 22"],
  ],
  [
    "another error text",
    "setattr",
    on("attr.set", (message) => rewrite(message, "unknown", "no such")),
    ['setattr.txt:8 c6 <- RSP attr.set: payload: expected "unknown attribute", got "no such attribute"'],
  ],
  [
    "an answer without payload",
    "getattr",
    on("attr.get", (message) => message.payload = undefined),
    ['getattr.txt:8 c4 <- RSP attr.get: payload: expected object {"value":"string","flags":"integer"}, got none'],
  ],
  [
    "a payload without NUL",
    "config",
    on("config.get", (message) => message.payload = message.payload!.subarray(0, -1)),
    ["config.txt:8 c96 <- RSP config.get: payload: expected object {}, got bytes"],
  ],
  [
    "a stream that forgets its flag",
    "kvs-stream",
    on("kvs-watch.lookup", (message) => message.flags &= message.errnum ? ~Flag.streaming : ~0),
    ["kvs-stream.txt:11 c121 <- RSP kvs-watch.lookup: flags: expected streaming, got "],
  ],
  [
    "another topic",
    "getattr",
    on("attr.get", (message) => message.topic = "attr.got"),
    ["getattr.txt:8 c4 <- RSP attr.get: topic: expected attr.get, got attr.got"],
  ],
  [
    "roles that make clients drop the message",
    "getattr",
    on("attr.get", (message) => message.rolemask = 0),
    ["getattr.txt:8 c4 <- RSP attr.get: rolemask: expected not 0, got 0"],
  ],
  [
    "a route that was left on",
    "getattr",
    on("attr.get", (message) => message.routes = ["abc"]),
    ["getattr.txt:8 c4 <- RSP attr.get: routes: expected , got abc"],
  ],
  [
    "another matchtag",
    "getattr",
    on("attr.get", (message) => message.aux2++),
    ["getattr.txt:8 c4 <- RSP attr.get: message: expected one, got nothing within the time limit"],
  ],
  [
    "no answer",
    "getattr",
    (message) => message.topic === "attr.get" ? [] : [message],
    ["getattr.txt:8 c4 <- RSP attr.get: message: expected one, got nothing within the time limit"],
  ],
  [
    "two answers",
    "getattr",
    (message) => [message, message],
    ["getattr.txt:8 c4 <- RSP attr.get: message: expected no more, got response with errnum 0 attr.get tag 1"],
  ],
  [
    "an event without sequence",
    "ev-sub",
    on("test.foo", (message) => message.aux1 = 0),
    ["ev-sub.txt:11 c46 <- EVT test.foo: sequence: expected not 0, got 0"],
  ],
  [
    "an event with another payload than was published",
    "ev-publoop",
    on("test.loop", (message) => rewrite(message, "1", "2")),
    [
      "ev-publoop.txt:14 c51 <- EVT test.loop: payload: " +
      'expected "{\\"a\\":1}", got "{\\"a\\":2}"',
    ],
  ],
  [
    "a line of the log in another format",
    "dmesg",
    (message, spoken) => {
      if (spoken.line === 8) rewrite(message, "Z 0", " 0");
      return [message];
    },
    ["dmesg.txt:8 c52 <- RSP log.dmesg: payload: expected log line, got text"],
  ],
];
for (const [what, capture, distort, expected] of distortions) {
  Deno.test(`replay() of ${capture} reports ${what}`, async () => {
    const found = await replayFake(capture, distort);
    assertEquals(found.map((line, i) => line.slice(0, expected[i]?.length)), expected);
  });
}

Deno.test("replay() with `many` takes any number of items, and still compares each", async () => {
  const dmesg = (change: (index: number, message: Message) => Message[]): Distortion => {
    let index = 0;
    return (message) => change(index++, message);
  };
  const many = { many: ["log.dmesg"] };
  assertEquals(await replayFake("dmesg", dmesg((i, m) => i === 0 || m.errnum ? [m] : []), many), []);
  assertEquals(await replayFake("dmesg", dmesg((i, m) => i === 5 ? [m, m, m] : [m]), many), []);
  const bad = dmesg((i, m) => {
    if (i === 7) m.flags = 0;
    return [m];
  });
  assertEquals(await replayFake("dmesg", bad, many), [
    "dmesg.txt:8 c52 <- RSP log.dmesg: flags: expected streaming, got ",
  ]);
  const none = await replayFake("dmesg", dmesg((_, m) => m.errnum ? [m] : []), many);
  assertEquals(none[0], "dmesg.txt:8 c52 <- RSP log.dmesg: errnum: expected 0, got 61");
});

Deno.test("replay() with `surplus` accepts what came beyond the capture, of that topic only", async () => {
  const twice: Distortion = (message) => [message, message];
  assertEquals(await replayFake("getattr", twice, { surplus: ["attr.get"] }), []);
  assertEquals((await replayFake("getattr", twice, { surplus: ["attr.set"] })).length, 1);
});

Deno.test("replay() with `ignore`, `payloadOptional` and `refusals` leaves only that out", async () => {
  const noFlags = on("attr.get", (message) => rewrite(message, ',"flags":1', ""));
  assertEquals(await replayFake("getattr", noFlags, { ignore: ["flags"] }), []);
  assertEquals((await replayFake("getattr", noFlags, { ignore: ["value"] })).length, 1);
  const bare = on("heartbeat.pulse", (message) => message.payload = new TextEncoder().encode('{"epoch":1}\0'));
  assertEquals((await replayFake("ev-hb", bare)).length, 1);
  assertEquals(await replayFake("ev-hb", bare, { payloadOptional: ["heartbeat.pulse"] }), []);
  const refused = on("attr.get", (message) => {
    message.aux1 = 2;
    message.payload = undefined;
  });
  assertEquals(await replayFake("getattr", refused, { refusals: { "attr.get": 2 } }), []);
  assert((await replayFake("getattr", refused, { refusals: { "attr.get": 1 } })).length > 0);
});

Deno.test("replay() with `rename` says and expects the other name", async () => {
  const renamed: Distortion = (message) => {
    message.topic = message.topic.replace("heartbeat", "mecho");
    return [message];
  };
  assertEquals(await replayFake("mod-debugset", renamed, { rename: { heartbeat: "mecho" } }), []);
  assertEquals((await replayFake("mod-debugset", (m) => [m], { rename: { heartbeat: "mecho" } })).length, 1);
});

Deno.test("replay() refuses a capture that withholds what it would have to send", async () => {
  let message = "";
  try {
    await replayFake("exec");
  } catch (error) {
    message = String(error);
  }
  assert(message.includes("exec.txt:17: the capture withholds these bytes"), message);
});

Deno.test("replay() reports a broker that closes the connection", async () => {
  const capture = parseCapture("getattr", Deno.readTextFileSync(new URL("../captures/getattr.txt", import.meta.url)));
  const folder = await Deno.makeTempDir({ prefix: "fake-" });
  try {
    const listener = Deno.listen({ transport: "unix", path: `${folder}/socket` });
    const serving = (async () => {
      for await (const conn of listener) {
        await conn.write(new Uint8Array(1));
        await conn.read(new Uint8Array(100));
        conn.close();
      }
    })();
    const found = await replay(capture, () => `${folder}/socket`, {}, SHORT);
    listener.close();
    await serving;
    assertEquals(found.map(describe), [
      "getattr.txt:8 c4 <- RSP attr.get: message: expected one, got the connection was closed",
    ]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("shapeOf() tells integers from reals, and keeps keys and order of elements", () => {
  assertEquals(shapeOf('{"a":[1,1.0,1e3,-0],"b":{"c":null,"d":true,"e":"1.5"}}'), {
    a: ["integer", "real", "real", "integer"],
    b: { c: "null", d: "boolean", e: "string" },
  });
});
