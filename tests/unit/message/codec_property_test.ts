import fc from "fast-check";
import { decode, encode, Flag, FluxError, Message, MessageType } from "../../../broker/message/mod.ts";
import { assert, assertEquals } from "../../assert.ts";
import { check } from "../../property.ts";

const word = fc.oneof(fc.nat(3), fc.integer({ min: 0, max: 0xffffffff }), fc.constant(0xffffffff));
/** Any bytes are a route id, one character each; a session's own are 36 of ASCII. */
const routeId = fc.oneof(
  fc.uuid(),
  fc.uint8Array({ minLength: 1, maxLength: 254 }).map((bytes) => String.fromCharCode(...bytes)),
);
const topic = fc.oneof(
  fc.constant(""),
  fc.constant("broker.ping"),
  fc.string({ unit: "binary", maxLength: 300 }).filter((text) => text.isWellFormed()),
);
const payload = fc.oneof(
  fc.constant(undefined),
  fc.uint8Array({ maxLength: 400 }),
  fc.string({ unit: "binary", maxLength: 400 }).map((text) => new TextEncoder().encode(text + "\0")),
  fc.tuple(fc.integer({ min: 253, max: 257 }), fc.nat(255)).map(([size, byte]) => new Uint8Array(size).fill(byte)),
  fc.tuple(fc.integer({ min: 65_534, max: 70_000 }), fc.nat(255)).map(([n, byte]) => new Uint8Array(n).fill(byte)),
);
const flags = fc.subarray([Flag.noresponse, Flag.upstream, Flag.private, Flag.streaming, Flag.user1])
  .map((bits) => bits.reduce<number>((sum, bit) => sum | bit, 0))
  .filter((bits) => !(bits & Flag.noresponse && bits & Flag.streaming));

const message: fc.Arbitrary<Message> = fc.record({
  type: fc.constantFrom(...Object.values(MessageType)),
  flags,
  userid: word,
  rolemask: word,
  aux1: word,
  aux2: word,
  routes: fc.array(routeId, { maxLength: 5 }),
  topic,
  payload,
}).map((init) => new Message(init));

/** Decodes, or tells that the bytes were refused as they must be. Anything else that is thrown fails the test. */
function decodeOrRefuse(bytes: Uint8Array): Message | "refused" {
  try {
    return decode(bytes);
  } catch (error) {
    if (error instanceof FluxError && error.code === "EPROTO") return "refused";
    throw error;
  }
}

/** Bytes with others behind them that a decoder which reads on would take in. */
function amid(bytes: Uint8Array): Uint8Array {
  const room = new Uint8Array(bytes.length + 600).fill(1);
  room.set(bytes, 300);
  return room.subarray(300, 300 + bytes.length);
}

Deno.test("decode() of encode() of any message is that message", () => {
  check(fc.property(message, (original) => {
    assertEquals(decode(amid(encode(original))), original);
  }));
});

Deno.test("encode() of decode() of what encode() wrote gives the same bytes", () => {
  check(fc.property(message, (original) => {
    const bytes = encode(original);
    assertEquals(encode(decode(bytes)), bytes);
  }));
});

Deno.test("decode() of any byte string gives a message or throws EPROTO", () => {
  check(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => void decodeOrRefuse(amid(bytes))), 3000);
});

Deno.test("decode() of any bytes before a valid PROTO frame gives a message or throws EPROTO", () => {
  let accepted = 0;
  check(
    fc.property(fc.uint8Array({ maxLength: 60 }), fc.nat(255), fc.constantFrom(1, 2, 4, 8), (body, bits, type) => {
      const proto = [20, 0x8e, 1, type, bits, ...new Uint8Array(16)];
      const result = decodeOrRefuse(amid(new Uint8Array([...body, ...proto])));
      if (result !== "refused") accepted++;
    }),
    3000,
  );
  assert(accepted > 10, `only ${accepted} of 3000 were messages`);
});

Deno.test("decode() of a valid message with bytes changed, cut or put in gives a message or throws EPROTO", () => {
  let refused = 0;
  const change = fc.tuple(fc.nat(), fc.nat(255), fc.constantFrom("set", "cut", "insert"));
  check(
    fc.property(message, fc.array(change, { minLength: 1, maxLength: 4 }), (original, changes) => {
      const bytes = [...encode(original).subarray(0, 2000)];
      for (const [where, byte, how] of changes) {
        if (how === "cut") bytes.splice(where % bytes.length, 1 + byte % 8);
        else bytes.splice(where % (bytes.length + 1), how === "set" ? 1 : 0, byte);
      }
      const result = decodeOrRefuse(amid(new Uint8Array(bytes)));
      if (result === "refused") refused++;
      else assertEquals(decode(encode(result)), result);
    }),
    2000,
  );
  assert(refused > 100, `only ${refused} of 2000 were refused`);
});

Deno.test("decode() of every beginning of a valid message throws EPROTO", () => {
  const bytes = encode(
    new Message({ type: MessageType.request, topic: "a.b", routes: ["x".repeat(36)], payload: new Uint8Array(300) }),
  );
  for (let length = 0; length < bytes.length; length++) {
    assertEquals(decodeOrRefuse(amid(bytes.subarray(0, length))), "refused", `${length} bytes`);
  }
});
