import { type ModuleRow, moduleRow, moduleTitle } from "../../../../commands/render/module_list.ts";
import { assertEquals } from "../../../assert.ts";

const row: ModuleRow = {
  name: "a-module-with-quite-a-long-name",
  size: 12345,
  digest: "0123456789abcdef0123456789abcdef01234567",
  idle: 7,
  status: 1,
  path: "/lib/a.js",
  services: ["a", "b"],
  ranks: "[0-3]",
};

Deno.test("moduleRow() prints the columns of the 0.1.0 tools", () => {
  assertEquals(moduleTitle(false), "Module                 Size  Digest Idle Nodeset");
  assertEquals(moduleRow(row, false), "a-module-with-quite-  12345 1234567    7 [0-3]");
  assertEquals(
    moduleRow({ ...row, name: "kvs", idle: 100, digest: "abcdef0" }, false),
    "kvs                   12345 ABCDEF0 idle [0-3]",
  );
  assertEquals(moduleRow({ ...row, idle: 99 }, true), "a-module-with-quite-  12345 1234567   99 R [0-3] /lib/a.js a,b");
});
