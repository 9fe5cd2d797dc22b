import { fileOutput } from "../../../broker/service/log_output.ts";
import { assert, assertEquals } from "../../assert.ts";

Deno.test("fileOutput() appends to a file, one that is there already included", () => {
  const path = Deno.makeTempFileSync();
  try {
    fileOutput(path)("one\n");
    const write = fileOutput(path);
    write("two\n");
    write("three é\n");
    assertEquals(Deno.readTextFileSync(path), "one\ntwo\nthree é\n");
  } finally {
    Deno.removeSync(path);
  }
});

Deno.test("fileOutput() of a file that cannot be written any more says so once, and loses nothing", () => {
  const said: string[] = [];
  const write = fileOutput("/dev/full", (text) => void said.push(text));
  write("one\n");
  write("two\n");
  assertEquals(said.slice(1), ["one\n", "two\n"]);
  assert(/^cannot write \/dev\/full: .*; the log goes on here\n$/.test(said[0]!), said[0]!);
});
