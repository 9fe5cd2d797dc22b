import { Tee } from "../../../../modules/kz/client.ts";
import { assert, assertEquals } from "../../../assert.ts";

class Sink {
  room: number;
  got = "";
  constructor(room = Infinity) {
    this.room = room;
  }
  get hasRoom() {
    return this.room > 0;
  }
  take(bytes: Uint8Array | undefined) {
    this.room -= bytes?.length ?? 0;
    this.got += bytes ? new TextDecoder().decode(bytes) : "|";
  }
}

const bytes = (text: string) => new TextEncoder().encode(text);

Deno.test("Tee gives everything to everybody, from when they came on", () => {
  const tee = new Tee(), [early, late] = [new Sink(), new Sink()];
  tee.add(early);
  tee.give(bytes("a"));
  tee.add(late);
  tee.give(bytes("b"));
  tee.give(undefined);
  assertEquals([early.got, late.got, tee.ended], ["ab|", "b|", true]);
  const after = new Sink();
  tee.add(after);
  assertEquals(after.got, "|");
});

Deno.test("Tee has room when the slowest has, or has gone", async () => {
  const tee = new Tee(), [fast, slow] = [new Sink(), new Sink(1)];
  for (const sink of [fast, slow]) tee.add(sink);
  tee.give(bytes("ab"));
  assert(!tee.hasRoom);
  let made = false;
  const first = tee.room().then(() => made = true);
  tee.roomMade();
  await Promise.resolve();
  assert(!made);
  slow.room = 1;
  tee.roomMade();
  await first;
  tee.give(bytes("c"));
  const second = tee.room();
  tee.remove(slow);
  await second;
  assertEquals([fast.got, slow.got], ["abc", "abc"]);
});
