import { assert, assertEquals } from "../../assert.ts";
import { selfArgv, selfPath } from "../../../commands/self.ts";

Deno.test("selfArgv() from source is Deno with main.ts, whatever FLUX_SELF another program left behind", () => {
  Deno.env.set("FLUX_SELF", "/elsewhere/flux");
  try {
    const argv = selfArgv();
    assertEquals(argv[0], Deno.execPath());
    assertEquals(argv[1], "run");
    assert(argv.at(-1)!.endsWith("/main.ts"));
    assert(selfPath().endsWith("/dist/flux"));
  } finally {
    Deno.env.delete("FLUX_SELF");
  }
});
