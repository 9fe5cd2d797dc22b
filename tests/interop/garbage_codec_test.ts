import { decode, FluxError, StreamReader } from "../../broker/message/mod.ts";
import { assert, assertEquals } from "../assert.ts";
import { type Fate, garbage, kinds } from "./garbage.ts";

const SEED = Number(Deno.env.get("FLUX_TEST_SEED") ?? 7);

/** What reading these bytes as a socket's stream comes to. */
function fateOf(bytes: Uint8Array): Fate {
  const reader = new StreamReader();
  let unread = bytes.length;
  try {
    for (let at = 0; at < bytes.length;) {
      const space = reader.space();
      const piece = bytes.subarray(at, at + space.length);
      space.set(piece);
      reader.filled(piece.length);
      at += piece.length;
      for (let message = reader.next(); message; message = reader.next()) {
        unread -= 8 + message.length;
        decode(message);
      }
    }
  } catch (error) {
    if (error instanceof FluxError && error.code === "EPROTO") return "drop";
    throw error;
  }
  return unread > 0 ? "wait" : "keep";
}

Deno.test(`garbage() of seed ${SEED} is refused, awaited or decoded as each specimen says`, () => {
  const fates = { drop: 0, wait: 0, keep: 0 };
  for (const { name, bytes, fate } of garbage(SEED, 20)) {
    assertEquals(fateOf(bytes), fate, name);
    fates[fate]++;
  }
  assertEquals(fates.drop + fates.wait + fates.keep, 20 * kinds.length);
  for (const [fate, count] of Object.entries(fates)) assert(count >= 60, `${count} specimens of fate ${fate}`);
});

Deno.test("garbage() is the same for the same seed, and another for another", () => {
  const all = (seed: number) => [...garbage(seed, 2)].map(({ bytes }) => bytes.toHex()).join(" ");
  assertEquals(all(1), all(1));
  assert(all(1) !== all(2));
});
