import { assert, assertEquals } from "../../assert.ts";
import { manualNames, manualPage } from "../../../commands/manual.ts";

Deno.test("manualNames() lists every page, sorted", async () => {
  const names = await manualNames();
  assert(names.includes("version"));
  assertEquals(names, [...names].sort());
});

Deno.test("manualPage() is the text of the page, undefined for a name that has none", async () => {
  assert((await manualPage("version"))!.includes("version"));
  assertEquals(await manualPage("no-such-command"), undefined);
  assertEquals(await manualPage("constructor"), undefined);
});
