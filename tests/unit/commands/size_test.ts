import { readSize } from "../../../commands/size.ts";
import { assertEquals } from "../../assert.ts";

Deno.test("readSize() knows k, M and G, and what is no size", () => {
  assertEquals(["4096", "64k", "100M", "2G"].map(readSize), [4096, 65536, 100 << 20, 2 * 1024 ** 3]);
  assertEquals(["", "0", "-1", "1.5k", "k", "10T"].map(readSize), Array(6).fill(undefined));
});
