import { Redraw } from "../../../commands/zio/redraw.ts";
import { assert, assertEquals } from "../../assert.ts";
import { virtualClock } from "../../sim/virtual_clock.ts";

const FULL = { columns: 80, rows: 24 };

/** A terminal whose program notes each change of size, as `rows`. */
function terminal(size = FULL) {
  const clock = virtualClock();
  const seen: number[] = [];
  const redraw = new Redraw({ clock, size, resize: ({ rows }) => seen.push(rows) });
  let done = false;
  const attach = (size = FULL) => {
    redraw.begin(size);
    done = false;
    void redraw.done.then(() => done = true);
  };
  return { clock, seen, redraw, attach, done: () => done };
}

Deno.test("a program that has drawn is made to draw again, and what is typed waits for it", async () => {
  const { clock, seen, redraw, attach, done } = terminal();
  redraw.wrote();
  attach();
  for (const piece of ["first", "second"]) {
    await clock.run(25);
    assertEquals([seen, done()], [[23], false], piece);
    redraw.wrote();
  }
  await clock.run(31);
  assertEquals([seen, done()], [[23, 24], false]);
  redraw.wrote();
  await clock.run(31);
  assert(done());
  assertEquals(clock.pending, 0);
});

Deno.test("a program that never stops writing draws again too, and holds nobody up for long", async () => {
  const { clock, seen, redraw, attach, done } = terminal();
  redraw.wrote();
  attach();
  for (let ms = 0; ms < 220; ms += 10) {
    await clock.run(10);
    redraw.wrote();
  }
  await clock.run(0);
  assertEquals([seen, done()], [[23, 24], true]);
});

Deno.test("a program that does not answer a change of size holds nobody up for long", async () => {
  const { clock, seen, redraw, attach, done } = terminal({ columns: 80, rows: 1 });
  redraw.wrote();
  attach({ columns: 80, rows: 1 });
  await clock.run(150);
  assertEquals([seen, done()], [[2, 1], false]);
  await clock.run(100);
  assert(done());
});

Deno.test("a program that has not drawn yet is left alone, and one whose terminal has another size now draws once", async () => {
  const { clock, seen, redraw, attach, done } = terminal();
  attach();
  await clock.run(1);
  assertEquals([seen, done()], [[24], true]);
  redraw.wrote();
  attach({ columns: 80, rows: 40 });
  await clock.run(1);
  assertEquals([seen, done()], [[24, 40], false]);
  redraw.wrote();
  await clock.run(31);
  assert(done());
});

Deno.test("a terminal that changes while a program draws keeps its last size, and two that attach draw one after the other", async () => {
  const { clock, seen, redraw, attach, done } = terminal();
  redraw.wrote();
  attach();
  attach({ columns: 80, rows: 30 });
  await clock.run(1);
  redraw.resize({ columns: 80, rows: 50 });
  await clock.run(400);
  assertEquals([seen.at(-1), done()], [50, true]);
});
