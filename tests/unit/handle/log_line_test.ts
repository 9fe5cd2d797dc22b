import fc from "fast-check";
import {
  formatLogLine,
  formatTime,
  isAppName,
  parseLevel,
  parseLogLine,
  readableLogLine,
  severityOf,
} from "../../../broker/handle/mod.ts";
import { decodeText } from "../../../broker/message/mod.ts";
import { assert, assertEquals, assertThrows } from "../../assert.ts";
import { messagesOf, readCapture } from "../../captures.ts";
import { check } from "../../property.ts";

const LINE = "<48>1 2016-01-22T21:33:54.004321Z 3 broker 24163 - - insmod kvs";

Deno.test("parseLogLine() takes a line of flux 0.88 apart", () => {
  assertEquals(parseLogLine(LINE), {
    severity: 6,
    time: "2016-01-22T21:33:54.004321Z",
    host: "3",
    app: "broker",
    pid: "24163",
    text: "insmod kvs",
  });
});

Deno.test("formatLogLine() of each parsed line of the dmesg capture gives the line back", () => {
  const lines = messagesOf(readCapture("dmesg")).filter(({ direction, message }) =>
    direction === "<-" && message?.payload
  )
    .map(({ message }) => decodeText(message!.payload));
  assert(lines.length > 40);
  for (const line of lines) assertEquals(formatLogLine(parseLogLine(line)), line);
});

Deno.test("formatLogLine() and parseLogLine() keep any text without a newline", () => {
  check(
    fc.property(fc.string({ unit: "grapheme" }).filter((text) => !text.includes("\n")), fc.nat(7), (text, severity) => {
      const line = { severity, time: formatTime(1e12), host: "0", app: "x", pid: "1", text };
      assertEquals(parseLogLine(formatLogLine(line)), line);
    }),
  );
});

Deno.test("parseLogLine() refuses with EPROTO what is no line", () => {
  const bad = ["", "hello", "hello a b c d e f g", "<>1 t h a p - - x", "<56>1 t h a p -", "<x>1 t h a p - - m", "<56"];
  for (const line of bad) assertThrows(() => parseLogLine(line), { errno: "EPROTO" });
});

Deno.test("parseLogLine() of a line without text has an empty one", () => {
  assertEquals(parseLogLine("<56>1 t h a p - -").text, "");
  assertEquals(parseLogLine("<56>1 t h a p - - ").text, "");
});

Deno.test("readableLogLine() is the line of the 0.1.0 tools", () => {
  assertEquals(readableLogLine(parseLogLine(LINE)), "[1453498434.004321] broker.info[3]: insmod kvs");
});

Deno.test("readableLogLine() has a time of zero for one that cannot be read, and pads a short fraction", () => {
  const line = parseLogLine(LINE);
  assertEquals(readableLogLine({ ...line, time: "-" }).slice(0, 10), "[0.000000]");
  assertEquals(readableLogLine({ ...line, time: "2016-01-22T21:33:54Z" }).slice(0, 19), "[1453498434.000000]");
  assertEquals(readableLogLine({ ...line, time: "2016-01-22T21:33:54.5Z" }).slice(0, 19), "[1453498434.500000]");
});

Deno.test("formatTime() has microseconds, and is right across a change of the second", () => {
  assertEquals(formatTime(1453498434004.321), "2016-01-22T21:33:54.004321Z");
  assertEquals(formatTime(1453498435000), "2016-01-22T21:33:55.000000Z");
  assertEquals(formatTime(1453498434999.999), "2016-01-22T21:33:54.999999Z");
});

Deno.test("parseLevel() knows names and numbers, and nothing else", () => {
  assertEquals(["emerg", "err", "debug", "0", "7", "8", "ERR", "", "-1"].map(parseLevel), [0, 3, 7, 0, 7, ...Array(4)]);
  assertEquals(severityOf("crit"), 2);
});

Deno.test("isAppName() refuses blanks, control characters and the empty name", () => {
  assertEquals(["a", "kvs-watch", "a b", "", "a\n", "é", "x".repeat(49)].map(isAppName), [
    true,
    true,
    ...Array(5).fill(false),
  ]);
});
