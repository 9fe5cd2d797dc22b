/** A client that shares no code with ours, on every kind of rank: the root, an inner one, a leaf. */

import { assertEquals } from "../assert.ts";
import { startSession } from "../session/session.ts";
import { testUnless } from "../skip.ts";

const CLIENT = new URL("rfc3.py", import.meta.url).pathname;
const TALKS = ["ping 50", "event 50", "log hello", "kvs-roundtrip 100", "kvs-edges", "rate kvs.ping 500 {}", "garbage"];

async function missingPython(): Promise<string | undefined> {
  try {
    await new Deno.Command("python3", { args: ["--version"], stdout: "null" }).output();
  } catch {
    return "python3 is not installed";
  }
}

testUnless(
  await missingPython(),
  "an independent client finds what the wire specification says, on every rank",
  async (t) => {
    await using session = await startSession({ size: 8 });
    for (const rank of [0, 1, 7]) {
      for (const talk of TALKS) {
        await t.step(`rank ${rank}: ${talk}`, async () => {
          const { code, stdout, stderr } = await new Deno.Command("python3", {
            args: [CLIENT, ...talk.split(" ")],
            env: { FLUX_URI: session.uri(rank) },
          }).output();
          assertEquals(new TextDecoder().decode(stderr), "");
          assertEquals([code, stdout.length > 0], [0, true]);
        });
      }
    }
  },
);
