import { Recorder } from "../../../commands/zio/recorder.ts";
import type { Writer } from "../../../modules/kz/client.ts";
import { assertEquals } from "../../assert.ts";
import { virtualClock } from "../../sim/virtual_clock.ts";

const utf8 = new TextEncoder(), text = new TextDecoder();

function recording(options: { linger?: number; left?: number } = {}) {
  const clock = virtualClock();
  const blocks: string[] = [];
  const writer = {
    get count() {
      return blocks.length;
    },
    put(data: Uint8Array) {
      blocks.push(text.decode(data));
      return Promise.resolve();
    },
  } as unknown as Writer;
  const recorder = new Recorder({
    writer,
    clock,
    blocksize: 8,
    linger: options.linger,
    allowance: { left: options.left ?? 1000 },
    roomMade() {},
    failed(error) {
      throw error;
    },
  });
  const take = (piece: string | undefined) => recorder.take(piece === undefined ? undefined : utf8.encode(piece));
  return { clock, blocks, recorder, take };
}

Deno.test("a Recorder keeps a line until it is whole, and the last one until the end", () => {
  const { blocks, recorder, take } = recording();
  for (const piece of ["a\nb", "c\nd"]) take(piece);
  assertEquals([blocks, text.decode(recorder.position.rest)], [["a\n", "bc\n"], "d"]);
  take(undefined);
  assertEquals(blocks, ["a\n", "bc\n", "d"]);
});

Deno.test("a Recorder of a terminal records what was begun after a moment", async () => {
  const { clock, blocks, take } = recording({ linger: 100 });
  take("$ ");
  await clock.run(60);
  take("l");
  await clock.run(60);
  assertEquals(blocks, ["$ l"]);
  take("s\n");
  await clock.run(1000);
  assertEquals(blocks, ["$ l", "s\n"]);
});

Deno.test("a Recorder counts what is beyond its limit, and records nothing behind that", () => {
  const { blocks, recorder, take } = recording({ left: 5 });
  for (const piece of ["abc\n", "de\n", "f\n"]) take(piece);
  assertEquals([blocks, recorder.position.lost, recorder.position.blocks], [["abc\n"], 5, 1]);
});
