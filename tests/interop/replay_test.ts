import { assertEquals } from "../assert.ts";
import { readCapture } from "../captures.ts";
import { startSession } from "../session/session.ts";
import { describe, replay } from "./replay.ts";
import { plans } from "./replay_table.ts";

Deno.test("a session of 3 answers the captured programs as flux 0.88 did", async (t) => {
  await using session = await startSession({ size: 3 });
  const socket = (rank: number) => session.uri(rank).replace(/^local:\/\//, "");
  for (const [name, plan] of Object.entries(plans)) {
    if (plan.kind !== "now") continue;
    const capture = readCapture(name);
    await t.step(`${name}: ${capture.command}`, async () => {
      const found = await replay(capture, socket, plan.allowances);
      assertEquals(found.map(describe), []);
    });
  }
});
