import fc from "fast-check";
import {
  decodeTaskNews,
  decodeTaskNote,
  encodeTaskNews,
  encodeTaskNote,
  type TaskNews,
  type TaskNote,
} from "../../../broker/handle/mod.ts";
import { encodeText } from "../../../broker/message/mod.ts";
import { assertEquals, assertThrows } from "../../assert.ts";
import { check } from "../../property.ts";

const stream = fc.constantFrom("stdin", "stdout", "AUX");
const bytes = fc.uint8Array({ maxLength: 20 });
const count = fc.nat();
const PLAIN = { noNullPrototype: true };

const news: fc.Arbitrary<TaskNews> = fc.oneof(
  fc.record({ type: fc.constant("add-credit" as const), stream, bytes: count }, PLAIN),
  fc.record({ type: fc.constant("output" as const), stream, bytes: fc.option(bytes, { nil: undefined }) }, PLAIN),
  fc.record({ type: fc.constant("finished" as const), status: count }, PLAIN),
);

const note: fc.Arbitrary<TaskNote> = fc.oneof(
  fc.record({ type: fc.constant("write" as const), stream, bytes: fc.option(bytes, { nil: undefined }) }, PLAIN),
  fc.record({ type: fc.constant("credit" as const), stream, bytes: count }, PLAIN),
  fc.record({ type: fc.constant("signal" as const), number: count }, PLAIN),
);

Deno.test("decodeTaskNews() gives back the news of encodeTaskNews(), in order", () => {
  check(fc.property(fc.array(news), (list) => assertEquals(decodeTaskNews(encodeTaskNews(list)), list)));
});

Deno.test("encodeTaskNews() leaves out what only one rank has", () => {
  const [one, other] = [7, 8].map((pid) => encodeTaskNews([{ type: "started", pid }]));
  assertEquals(one, other);
  assertEquals(decodeTaskNews(one), [{ type: "started" }]);
});

Deno.test("decodeTaskNote() gives back the note of encodeTaskNote()", () => {
  check(fc.property(note, (one) => assertEquals(decodeTaskNote(encodeTaskNote(one)), one)));
});

Deno.test("decodeTaskNews() and decodeTaskNote() refuse what is none with EPROTO", () => {
  const news = ["", "{", '{"news":1}', '{"news":[{"type":"output","stream":"stdout","length":9}]}'];
  for (const text of news) assertThrows(() => decodeTaskNews(encodeText(text)), { errno: "EPROTO" });
  const notes = ["{}", '{"type":"signal"}', '{"type":"credit","stream":"stdout","bytes":-1}', '{"type":"write"}'];
  for (const text of notes) assertThrows(() => decodeTaskNote(encodeText(text)), { errno: "EPROTO" });
});
