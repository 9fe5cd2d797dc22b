import { decodeBlock } from "../../../../../modules/kz/client.ts";
import { StreamRecord } from "../../../../../modules/wreck/io/stream_record.ts";
import { assert, assertEquals } from "../../../../assert.ts";

const utf8 = new TextEncoder(), text = new TextDecoder();

/** What was made blocks of since it was last asked. */
function blocks(record: StreamRecord): string[] {
  return record.takeBlocks().map(({ key, text: block }) => {
    const { data, eof } = decodeBlock(block, key);
    return `${key}=${data ? text.decode(data) : ""}${eof ? "|" : ""}`;
  });
}

Deno.test("a StreamRecord gathers until it is flushed, and keeps a line that has only begun", () => {
  const record = new StreamRecord("s", { left: 1000 });
  for (const piece of ["one\n", "two\n", "thr"]) record.take(utf8.encode(piece));
  assertEquals(blocks(record), []);
  assertEquals(text.decode(record.rest), "one\ntwo\nthr");
  record.flush();
  assertEquals([blocks(record), text.decode(record.rest)], [["s.000000=one\ntwo\n"], "thr"]);
  record.take(utf8.encode("ee\nfour"));
  record.end();
  record.end();
  assertEquals(blocks(record), ["s.000001=three\n", "s.000002=four", "s.000003=|"]);
});

Deno.test("a StreamRecord makes blocks of at most 64 KiB by itself", () => {
  const record = new StreamRecord("s", { left: Infinity });
  const line = `${"x".repeat(999)}\n`;
  for (let i = 0; i < 200; i++) record.take(utf8.encode(line));
  const made = record.takeBlocks().map(({ key, text }) => decodeBlock(text, key).data!);
  assert(made.length >= 3);
  for (const data of made) assert(data.length <= 65536 && data.length % 1000 === 0);
});

Deno.test("the streams of a task share a limit, beyond which lines are counted and not kept", () => {
  const allowance = { left: 10 };
  const [out, err] = [new StreamRecord("o", allowance), new StreamRecord("e", allowance)];
  out.take(utf8.encode("four\n"));
  err.take(utf8.encode("abc\ndefg\n"));
  err.take(utf8.encode("x\n"));
  assertEquals([out.lost, err.lost, allowance.left], [0, 7, 1]);
  out.take(utf8.encode("\n"));
  out.take(utf8.encode("\n"));
  assertEquals(out.lost, 1);
  err.note("cut\n");
  for (const record of [out, err]) record.end();
  assertEquals(blocks(out), ["o.000000=four\n\n", "o.000001=|"]);
  assertEquals(blocks(err), ["e.000000=abc\n", "e.000001=cut\n", "e.000002=|"]);
});
