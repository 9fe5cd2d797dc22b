import { parsePmi } from "../../../broker/pmi/mod.ts";
import { assertEquals } from "../../assert.ts";

const words = (line: string) => Object.fromEntries(parsePmi(line));

Deno.test("parsePmi() gives a value the rest of the line", () => {
  assertEquals(words("cmd=put key=a value=b c=d"), { cmd: "put", key: "a", value: "b c=d" });
  assertEquals(words("cmd=put value=msg=x value=y"), { cmd: "put", value: "msg=x value=y" });
});

Deno.test("parsePmi() gives a message the rest of the line, but for the value that Hydra puts behind it", () => {
  assertEquals(words("cmd=put_result rc=-1 msg=no such key"), { cmd: "put_result", rc: "-1", msg: "no such key" });
  assertEquals(words("cmd=get_result rc=0 msg=all right value=a b"), {
    cmd: "get_result",
    rc: "0",
    msg: "all right",
    value: "a b",
  });
});
