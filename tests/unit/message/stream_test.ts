import fc from "fast-check";
import { decode, encodeStream, Message, MessageType, StreamReader } from "../../../broker/message/mod.ts";
import { assert, assertEquals, assertThrows } from "../../assert.ts";
import { captureNames, messagesOf, readCapture } from "../../captures.ts";
import { check } from "../../property.ts";

/** Feeds `chunk` to the reader as a socket would, in as many pieces as `space` asks for, and adds what comes out. */
function feed(reader: StreamReader, chunk: Uint8Array, out: Uint8Array[] = []): Uint8Array[] {
  for (let at = 0; at < chunk.length;) {
    const space = reader.space();
    const piece = chunk.subarray(at, at + space.length);
    space.set(piece);
    reader.filled(piece.length);
    at += piece.length;
    for (let message = reader.next(); message; message = reader.next()) out.push(message);
  }
  return out;
}

function concat(parts: Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

function header(length: number, magic = "1200eeff"): Uint8Array {
  return Uint8Array.fromHex(magic + length.toString(16).padStart(8, "0"));
}

const message = fc.record({
  type: fc.constantFrom(...Object.values(MessageType)),
  topic: fc.string(),
  aux1: fc.nat(),
  payload: fc.oneof(
    fc.constant(undefined),
    fc.uint8Array({ maxLength: 300 }),
    fc.integer({ min: 1000, max: 200_000 }).map((size) => new Uint8Array(size).fill(size)),
  ),
}).map((init) => new Message(init));

Deno.test("encodeStream() of D1 puts magic and length in front", () => {
  const d1 = messagesOf(readCapture("ping"))[0];
  assert(d1?.message && d1.bytes);
  assertEquals(encodeStream(d1.message), concat([header(0x61), d1.bytes]));
});

Deno.test("StreamReader.next() gives the same messages however the stream is cut", () => {
  const cuts = fc.array(fc.oneof(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 300_000 })), {
    minLength: 1,
    maxLength: 30,
  });
  check(
    fc.property(
      fc.array(message, { maxLength: 6 }),
      cuts,
      fc.constantFrom(8, 16, 1000, 65_536),
      (sent, sizes, first) => {
        const stream = concat(sent.map(encodeStream));
        const reader = new StreamReader(undefined, first);
        const received: Uint8Array[] = [];
        for (let at = 0, i = 0; at < stream.length; i++) {
          const size = sizes[i % sizes.length]!;
          feed(reader, stream.subarray(at, at + size), received);
          at += size;
        }
        assertEquals(received.map(decode), sent);
      },
    ),
    150,
  );
});

Deno.test("StreamReader.next() cuts the captured conversations, byte by byte, into their messages", () => {
  const all = captureNames().flatMap((name) => messagesOf(readCapture(name))).flatMap((m) => m.bytes ? [m.bytes] : []);
  const reader = new StreamReader(undefined, 64);
  const received: Uint8Array[] = [];
  for (const bytes of all) {
    const framed = concat([header(bytes.length), bytes]);
    for (let i = 0; i < framed.length; i++) feed(reader, framed.subarray(i, i + 1), received);
  }
  assertEquals(received.length, 652);
  assertEquals(received, all);
});

Deno.test("StreamReader.next() returns messages that later input does not change", () => {
  const reader = new StreamReader();
  const sent = Array.from({ length: 200 }, (_, i) => new Message({ type: MessageType.event, topic: `t.${i}` }));
  const received = sent.flatMap((message) => feed(reader, encodeStream(message)));
  assertEquals(received.map(decode), sent);
});

Deno.test("StreamReader.next() gives an empty message for the length 0, which decode() refuses", () => {
  const [empty] = feed(new StreamReader(), header(0));
  assertEquals(empty?.length, 0);
  assertThrows(() => decode(new Uint8Array(0)), { errno: "EPROTO" });
});

Deno.test("StreamReader.next() refuses a bad magic as soon as the header is complete", () => {
  for (const magic of ["ffee0012", "1200eefe", "00000000", "47455420"]) {
    const reader = new StreamReader();
    assertEquals(feed(reader, header(1, magic).subarray(0, 7)), []);
    assertThrows(() => feed(reader, new Uint8Array([1])), { errno: "EPROTO", text: "bad magic" });
    assertThrows(() => reader.next(), { errno: "EPROTO" });
    assertThrows(() => reader.space(), { errno: "EPROTO" });
  }
});

Deno.test("StreamReader.next() refuses a length over the limit before anything of it is read", () => {
  const limit = 1 << 20;
  for (const length of [limit + 1, 0x7fffffff, 0xffffffff]) {
    const reader = new StreamReader(limit);
    reader.space().set(header(length));
    reader.filled(8);
    assertThrows(() => reader.next(), { errno: "EPROTO", text: `${length} bytes is over the limit` });
    assertThrows(() => reader.space(), { errno: "EPROTO" });
  }
  const reader = new StreamReader(limit);
  assertEquals(feed(reader, header(limit)), []);
});

Deno.test("StreamReader.space() grows with the bytes that arrive, not with the length a header claims", () => {
  const reader = new StreamReader(1 << 30, 1 << 12);
  feed(reader, header(1 << 30));
  let arrived = 8;
  while (arrived < 1 << 20) {
    const space = reader.space();
    assert(space.byteLength > 0, "no space");
    assert(space.buffer.byteLength <= 2 * arrived + (1 << 13), `${space.buffer.byteLength} bytes held for ${arrived}`);
    reader.filled(space.length);
    arrived += space.length;
    assertEquals(reader.next(), null);
  }
});

Deno.test("StreamReader.space() is never empty, even when whole messages are left in it", () => {
  const one = encodeStream(new Message({ type: MessageType.event, topic: "abc" }));
  const reader = new StreamReader(one.length, 64);
  for (let i = 0; i < 1000; i++) {
    const space = reader.space();
    assert(space.length > 0);
    space[0] = one[i % one.length]!;
    reader.filled(1);
  }
  let count = 0;
  while (reader.next()) count++;
  assertEquals(count, Math.floor(1000 / one.length));
});

Deno.test("StreamReader.space() gives a grown buffer back once its message was taken", () => {
  const reader = new StreamReader(undefined, 1 << 12);
  const large = new Message({ type: MessageType.event, topic: "a", payload: new Uint8Array(1 << 20) });
  assertEquals(feed(reader, encodeStream(large)).length, 1);
  assertEquals(reader.space().buffer.byteLength, 1 << 12);
});
