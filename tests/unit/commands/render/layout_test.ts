import fc from "fast-check";
import { entry, optionLines, optionTerm, usageLines, wrap } from "../../../../commands/render/layout.ts";
import { assert, assertEquals } from "../../../assert.ts";
import { check } from "../../../property.ts";

Deno.test("wrap() never breaks a word, loses none, and stays within the width", () => {
  check(fc.property(fc.array(fc.stringMatching(/^[a-z.]{1,15}$/)), fc.integer({ min: 1, max: 60 }), (words, width) => {
    const lines = wrap(words.join(" "), width);
    assertEquals(lines.join(" "), words.join(" "));
    for (const line of lines) assert(line.length <= width || !line.includes(" "), line);
  }));
});

Deno.test("entry() pads the term to the column and continues there", () => {
  assertEquals(entry("  -a, --all", "one two three", 15, 35), "  -a, --all    one two three\n");
  assertEquals(
    entry("  -a, --all", "one two three four five", 15, 35),
    `  -a, --all    one two three four\n${" ".repeat(15)}five\n`,
  );
});

Deno.test("entry() gives a term too long for the column a line of its own", () => {
  assertEquals(entry("  --long-name", "text", 10, 80), "  --long-name\n          text\n");
});

Deno.test("optionTerm() shows short and long name and the name of the value", () => {
  assertEquals(optionTerm("count", { short: "c", type: "integer", arg: "N", help: "" }), "-c, --count=N");
  assertEquals(optionTerm("file", { type: "string", help: "" }), "    --file=ARG");
  assertEquals(optionTerm("all", { short: "a", type: "flag", help: "" }), "-a, --all");
});

Deno.test("optionLines() puts help first, then sorts by name, descriptions in column 25", () => {
  const text = optionLines({
    size: {
      short: "s",
      type: "integer",
      arg: "N",
      help: "Set the number of brokers of the session to be, which is one broker unless given",
    },
    help: { short: "h", type: "flag", help: "Display this message" },
    bare: { type: "flag", help: "Without a letter" },
  }, 80);
  assertEquals(
    text,
    [
      "  -h, --help             Display this message",
      "      --bare             Without a letter",
      "  -s, --size=N           Set the number of brokers of the session to be, which",
      "                         is one broker unless given",
      "",
    ].join("\n"),
  );
});

Deno.test("usageLines() says `or` for further forms", () => {
  assertEquals(usageLines(["flux a X", "flux a Y"]), "Usage: flux a X\n   or: flux a Y\n");
});
