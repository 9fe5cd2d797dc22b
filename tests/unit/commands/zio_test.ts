import { Escape } from "../../../commands/zio/escape.ts";
import { withoutQuestions } from "../../../commands/zio/replay.ts";
import { runCommand } from "../../../commands/runner.ts";
import zio from "../../../commands/zio.ts";
import { assert, assertEquals } from "../../assert.ts";
import { FakeSurroundings } from "./fake_surroundings.ts";

const bytes = (text: string) => Uint8Array.from(text, (character) => character.charCodeAt(0));
const textOf = (bytes: Uint8Array) => String.fromCharCode(...bytes);

/** What is passed on of pieces that are typed one after the other, and whether that detached. */
function typed(...pieces: string[]): [string, boolean] {
  const escape = new Escape();
  let passed = "";
  for (const piece of pieces) {
    const taken = escape.take(bytes(piece));
    passed += textOf(taken.passed);
    if (taken.detach) return [passed, true];
  }
  return [passed, false];
}

Deno.test("Escape detaches at ~. at the beginning of a line, however it is typed", () => {
  assertEquals(typed("~."), ["", true]);
  assertEquals(typed("ls\r~.more"), ["ls\r", true]);
  assertEquals(typed("ls\n", "~", "."), ["ls\n", true]);
});

Deno.test("Escape passes everything else on, and ~~ as one ~", () => {
  assertEquals(typed("cd ~."), ["cd ~.", false]);
  assertEquals(typed("~~."), ["~.", false]);
  assertEquals(typed("~", "x~."), ["~x~.", false]);
  assertEquals(typed("~\r", "~."), ["~\r", true]);
});

Deno.test("withoutQuestions() leaves out what a terminal would answer, and nothing else", () => {
  const shown = "\x1b[2J\x1b[1;1H\x1b[31mred\x1b[0m\xe2\x82\xac";
  const asked = "\x1b[6n\x1b[c\x1b[>0c\x1b[?2026$p\x1b]11;?\x07\x1bP+q544e\x1b\\";
  assertEquals(textOf(withoutQuestions(bytes(shown + asked + shown))), shown + shown);
  const plain = bytes(shown);
  assert(withoutQuestions(plain) === plain);
});

Deno.test("zio says what is wrong with its words", async () => {
  const cases = [
    [["--run", "--copy", "a", "b"], "flux-zio: --run and --copy do not go together\n"],
    [["run"], "flux-zio: run: specify a command\n"],
    [["--attach"], "flux-zio: attach: specify one NAME\n"],
    [["copy", "k"], "flux-zio: copy: specify FROM and TO\n"],
    [["-c", "./a", "-"], "flux-zio: copy src and dst cannot both be file\n"],
  ] as const;
  for (const [words, text] of cases) {
    const around = new FakeSurroundings({ FLUX_URI: "local:///nowhere" });
    assertEquals(await runCommand(zio, words, around), 1);
    assert(around.err.startsWith(text), around.err);
  }
});
