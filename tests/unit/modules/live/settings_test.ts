import { changed, DEFAULTS, readArguments, readSettings } from "../../../../modules/live/settings.ts";
import { assertEquals, assertThrows } from "../../../assert.ts";

Deno.test("readArguments() takes thresholds in heartbeats", () => {
  assertEquals(readArguments(DEFAULTS, ["max-idle=9", "slow-idle=8"]), { slowIdle: 8, maxIdle: 9, maxCutoff: 30 });
});

Deno.test("readArguments() and changed() name what is wrong", () => {
  assertThrows(() => readArguments(DEFAULTS, ["idle=9"]), {
    errno: "EINVAL",
    text: '"idle=9" is none of slow-idle=N, max-idle=N, max-cutoff=N',
  });
  assertThrows(() => changed(DEFAULTS, "maxIdle", "-1"), {
    errno: "EINVAL",
    text: 'live.max-idle: "-1" is no number of heartbeats',
  });
  assertThrows(() => changed(DEFAULTS, "slowIdle", "5"), {
    errno: "EINVAL",
    text: "live.slow-idle=5: must be slow-idle < max-idle < max-cutoff (5 < 5 < 30)",
  });
});

Deno.test("readSettings() reads what a parent sends, and nothing else", () => {
  assertEquals(readSettings({ ...DEFAULTS }), DEFAULTS);
  assertThrows(() => readSettings(null), { errno: "EPROTO" });
});
