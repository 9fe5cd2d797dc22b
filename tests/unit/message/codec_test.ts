import {
  CLIENT_ROUTES_LIMIT,
  decode,
  encode,
  errorText,
  Flag,
  Message,
  MessageType,
  NODEID_ANY,
} from "../../../broker/message/mod.ts";
import { assertEquals, assertThrows } from "../../assert.ts";

/** The golden bytes of wire.md §1.14; spaces are for the reader. */
const BROKER = "f93921dd-6401-44bb-8c25-4da1d2cd4f82";
const PING = '{"seq": 0, "time.tv_sec": 1310, "time.tv_nsec": 22648518, "pad": "", ' +
  '"route": "6558a140!7812d75b!f93921dd", "userid": 0, "rolemask": 5, "rank": 0}';
const WATCH = "00 10 6b76732d77617463682e6c6f6f6b7570";
const { request, response, event, control } = MessageType;
const LOCAL_OWNER = { userid: 0, rolemask: 5 };

interface Golden {
  name: string;
  hex: string;
  message: Partial<Message> & { type: MessageType };
  payload?: string;
}

const goldens: Golden[] = [
  {
    name: "D1, a request",
    hex: `00 0b 62726f6b65722e70696e67
      3e 7b22736571223a302c2274696d652e74765f736563223a313331302c2274696d652e
         74765f6e736563223a32323634383531382c22706164223a22227d 00
      14 8e01 01 0b ffffffff 00000000 ffffffff 00000001`,
    message: { type: request, topic: "broker.ping", aux1: NODEID_ANY, aux2: 1 },
    payload: '{"seq":0,"time.tv_sec":1310,"time.tv_nsec":22648518,"pad":""}\0',
  },
  {
    name: "D2, its response",
    hex: `00 0b 62726f6b65722e70696e67 93 ${hex(PING)} 00 14 8e01 02 0b 00000000 00000005 00000000 00000001`,
    message: { type: response, topic: "broker.ping", ...LOCAL_OWNER, aux2: 1 },
    payload: PING + "\0",
  },
  {
    name: "D3, an error without text",
    hex: "00 0a 6b76732e6c6f6f6b7570 14 8e01 02 09 00000000 00000005 00000002 00000001",
    message: { type: response, topic: "kvs.lookup", ...LOCAL_OWNER, aux1: 2, aux2: 1 },
  },
  {
    name: "D4, an error with text",
    hex: `00 0b 6e6f737563682e70696e67 2e 4e6f2073657276696365206d61746368696e67206e6f737563682e70696e67
      2069732072656769737465726564 00 14 8e01 02 0b 00000000 00000005 00000026 00000001`,
    message: { type: response, topic: "nosuch.ping", ...LOCAL_OWNER, aux1: 38, aux2: 1 },
    payload: "No service matching nosuch.ping is registered\0",
  },
  {
    name: "D5, a streaming request",
    hex: `${WATCH} 2e 7b226b6579223a22612e62222c226e616d657370616365223a227072696d617279222c22666c616773223a347d00
      14 8e01 01 4b ffffffff 00000000 ffffffff 00000001`,
    message: { type: request, flags: Flag.streaming, topic: "kvs-watch.lookup", aux1: NODEID_ANY, aux2: 1 },
    payload: '{"key":"a.b","namespace":"primary","flags":4}\0',
  },
  {
    name: "D5, an item of its stream",
    hex: `${WATCH} 2d 7b2276616c223a7b2264617461223a224e44493d222c2274797065223a2276616c222c22766572223a317d7d00
      14 8e01 02 4b 00000000 00000005 00000000 00000001`,
    message: { type: response, flags: Flag.streaming, topic: "kvs-watch.lookup", ...LOCAL_OWNER, aux2: 1 },
    payload: '{"val":{"data":"NDI=","type":"val","ver":1}}\0',
  },
  {
    name: "D5, the end of its stream",
    hex: `${WATCH} 14 8e01 02 49 00000000 00000005 0000003d 00000001`,
    message: { type: response, flags: Flag.streaming, topic: "kvs-watch.lookup", ...LOCAL_OWNER, aux1: 61, aux2: 1 },
  },
  {
    name: "D6, a cancel",
    hex: `00 10 6b76732d77617463682e63616e63656c 0f 7b226d61746368746167223a317d00
      14 8e01 01 0f ffffffff 00000000 ffffffff 00000000`,
    message: { type: request, flags: Flag.noresponse, topic: "kvs-watch.cancel", aux1: NODEID_ANY },
    payload: '{"matchtag":1}\0',
  },
  {
    name: "D7, an event from a client",
    hex: "00 08 746573742e626172 08 7b2279223a327d00 14 8e01 04 0b ffffffff 00000000 00000000 00000000",
    message: { type: event, topic: "test.bar" },
    payload: '{"y":2}\0',
  },
  {
    name: "D7, an event to a client",
    hex: `24 ${hex(BROKER)} 00 06 742e73796e63 08 7b2278223a317d00 14 8e01 04 0b 00000000 00000005 00000234 00000000`,
    message: { type: event, topic: "t.sync", ...LOCAL_OWNER, aux1: 564, routes: [BROKER] },
    payload: '{"x":1}\0',
  },
  {
    name: "D9, a control message",
    hex: "00 14 8e01 08 08 ffffffff 00000000 00000001 00000001",
    message: { type: control, aux1: 1, aux2: 1 },
  },
];

for (const golden of goldens) {
  const bytes = Uint8Array.fromHex(golden.hex.replaceAll(/\s/g, ""));
  const payload = golden.payload === undefined ? undefined : new TextEncoder().encode(golden.payload);
  const message = new Message({ ...golden.message, payload });

  Deno.test(`encode() of ${golden.name}, gives its golden bytes`, () => assertEquals(encode(message), bytes));
  Deno.test(`decode() of ${golden.name}, gives its fields`, () => assertEquals(decode(bytes), message));
}

Deno.test("decode() of D8, a raw payload, keeps its bytes", () => {
  const bytes = Uint8Array.fromHex(
    "000c636f6e74656e742e6c6f616414f1d2d2f924e986ac86fdf7b36c94bcdf32beec15148e01010bffffffff00000000ffffffff00000001",
  );
  const message = decode(bytes);
  assertEquals(message.payload?.toHex(), "f1d2d2f924e986ac86fdf7b36c94bcdf32beec15");
  assertEquals(encode(message), bytes);
});

Deno.test("encode() of D8, a payload of 2582 bytes, writes a long length", () => {
  const payload = new Uint8Array(2582).fill(0x20);
  const list = new Message({ type: response, topic: "module.list", ...LOCAL_OWNER, aux2: 1, payload });
  const bytes = encode(list);
  assertEquals(bytes.subarray(0, 18).toHex(), "000b" + hex("module.list") + "ff00000a16");
  assertEquals(decode(bytes), list);
});

Deno.test("errorText() of D4 is its text without the NUL", () => {
  const payload = new TextEncoder().encode("No service matching nosuch.ping is registered\0");
  assertEquals(errorText(payload), "No service matching nosuch.ping is registered");
});

Deno.test("encode() leaves the headroom it was asked for, zeroed", () => {
  const message = new Message({ type: event, topic: "a" });
  assertEquals(encode(message, 8), new Uint8Array([0, 0, 0, 0, 0, 0, 0, 0, ...encode(message)]));
});

Deno.test("encode() writes nothing over bytes it returned before", () => {
  const messages = Array.from({ length: 500 }, (_, i) => new Message({ type: event, topic: `t.${i}`, aux1: i }));
  const bytes = messages.map((message) => encode(message));
  assertEquals(bytes.map(decode), messages);
});

const PROTO = "148e010109ffffffff00000000ffffffff00000001";
const malformed: [why: string, hex: string, text: string][] = [
  ["nothing at all", "", "no PROTO frame"],
  ["PROTO of 19 bytes", "000161138e010109ffffffff00000000ffffffff000000", "no PROTO frame"],
  ["PROTO of 21 bytes", `000161${PROTO.replace(/^14/, "15")}00`, "no PROTO frame"],
  ["a wrong PROTO magic", `000161${PROTO.replace("8e", "8f")}`, "no PROTO frame"],
  ["a wrong version", `000161${PROTO.replace("8e01", "8e02")}`, "no PROTO frame"],
  ["type 0", `000161${PROTO.replace("8e0101", "8e0100")}`, "unknown message type 0"],
  ["type 3", `000161${PROTO.replace("8e0101", "8e0103")}`, "unknown message type 3"],
  ["type 16", `000161${PROTO.replace("8e0101", "8e0110")}`, "unknown message type 16"],
  ["NORESPONSE and STREAMING", `000161${PROTO.replace("8e010109", "8e01014d")}`, "NORESPONSE and STREAMING"],
  ["no delimiter", PROTO, "no route delimiter"],
  ["routes without delimiter", `0161${PROTO}`, "no route delimiter"],
  ["a missing topic", `00${PROTO}`, "topic missing"],
  ["a missing payload", `000161${PROTO.replace("8e010109", "8e01010b")}`, "payload missing"],
  ["a frame too many", `0001610162${PROTO}`, "frames left over"],
  ["a frame that reaches into PROTO", `000361${PROTO}`, "truncated frame"],
  ["a long frame that reaches into PROTO", `00ff7fffffff61${PROTO}`, "truncated frame"],
  ["a frame length cut off by PROTO", `00ff00${PROTO}`, "truncated frame length"],
  ["a topic that is not UTF-8", `0001ff${PROTO}`, "topic is not UTF-8"],
  ["a route id of 255 bytes", `ff000000ff${"61".repeat(255)}000161${PROTO}`, "route id too long"],
];
for (const [why, bytes, text] of malformed) {
  Deno.test(`decode() refuses ${why}`, () => {
    assertThrows(() => decode(Uint8Array.fromHex(bytes)), { errno: "EPROTO", text });
  });
}

Deno.test("decode() refuses 65,537 routes and a topic over 64 KiB", () => {
  const routes = (count: number) => `${"0161".repeat(count)}000161${PROTO}`;
  assertEquals(decode(Uint8Array.fromHex(routes(65_536))).routes.length, 65_536);
  assertThrows(() => decode(Uint8Array.fromHex(routes(65_537))), { errno: "EPROTO", text: "too many routes" });
  const topic = (size: number) => encode(new Message({ type: event, topic: "t".repeat(size) }));
  assertEquals(decode(topic(65_536)).topic.length, 65_536);
  assertThrows(() => decode(topic(65_537)), { errno: "EPROTO", text: "topic too long" });
});

Deno.test("decode() takes fewer routes from a client, so that its hops through a session stay decodable", () => {
  const routes = Array<string>(CLIENT_ROUTES_LIMIT).fill("a");
  const message = decode(encode(new Message({ type: request, topic: "a.b", routes })), CLIENT_ROUTES_LIMIT);
  message.routes.push(...Array<string>(20_000).fill(BROKER));
  assertEquals(decode(encode(message)), message);
  const more = encode(new Message({ type: request, topic: "a.b", routes: [...routes, "a"] }));
  assertThrows(() => decode(more, CLIENT_ROUTES_LIMIT), { errno: "EPROTO", text: "too many routes" });
});

Deno.test("decode() of a payload flag with an empty frame is a message without payload", () => {
  const message = decode(Uint8Array.fromHex(`00016100${PROTO.replace("8e010109", "8e01010b")}`));
  assertEquals(message.payload, undefined);
  assertEquals(message.topic, "a");
});

function hex(text: string): string {
  return new TextEncoder().encode(text).toHex();
}
