/** A command line said again. */

import { commandWords } from "../../../commands/start_words.ts";
import { assertEquals } from "../../assert.ts";

Deno.test("commandWords() says what was given, and leaves out what was not", () => {
  const opts = {
    hosts: "a,b",
    "k-ary": 0,
    module: ["x", "y[0]"],
    modopt: [],
    size: undefined,
    verbose: true,
    noexec: false,
  };
  assertEquals(commandWords(opts, ["-v", "--"]), [
    "--hosts=a,b",
    "--k-ary=0",
    "--module=x",
    "--module=y[0]",
    "--verbose",
    "--",
    "-v",
    "--",
  ]);
});
