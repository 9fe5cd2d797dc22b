/** How a broker finds its place. */

import { assertEquals, assertThrows } from "../../assert.ts";
import { bootMethod } from "../../../broker/boot/mod.ts";

const method = (asked: "single" | "pmi", env: Record<string, string>) => bootMethod(asked, (name) => env[name]);

Deno.test("bootMethod() is single when nothing is offered", () => {
  assertEquals(method("pmi", {}), { kind: "single", rank: 0, size: 1 });
});

Deno.test("bootMethod() is single when that was asked for", () => {
  assertEquals(method("single", { PMI_FD: "3", PMI_RANK: "1", PMI_SIZE: "2" }), { kind: "single", rank: 0, size: 1 });
});

Deno.test("bootMethod() takes PMI_FD of another launcher", () => {
  const env = { PMI_FD: "3", PMI_RANK: "1", PMI_SIZE: "2" };
  assertEquals(method("pmi", env), { kind: "fd", rank: 1, size: 2, fd: 3 });
});

Deno.test("bootMethod() prefers the socket of flux start", () => {
  const env = { FLUX_START_SOCKET: "/run/start", FLUX_START_PID: "7", PMI_FD: "3", PMI_RANK: "1", PMI_SIZE: "2" };
  assertEquals(method("pmi", env), {
    kind: "start",
    rank: 1,
    size: 2,
    socket: { path: "/run/start", pid: 7 },
    session: undefined,
    anew: false,
  });
});

Deno.test("bootMethod() takes the standard streams for flux start's when there is a session on several hosts", () => {
  const env = { FLUX_START_SESSION: "s", PMI_RANK: "1", PMI_SIZE: "2" };
  assertEquals(method("pmi", env), { kind: "start", rank: 1, size: 2, socket: undefined, session: "s", anew: false });
});

for (
  const [env, text] of [
    [{ PMI_FD: "3", PMI_SIZE: "2" }, "PMI_RANK is not set"],
    [{ PMI_FD: "3", PMI_RANK: "x", PMI_SIZE: "2" }, "PMI_RANK=x is not a number"],
    [{ PMI_FD: "3", PMI_RANK: "2", PMI_SIZE: "2" }, "PMI_RANK=2 is no rank of PMI_SIZE=2"],
    [{ PMI_FD: "3", PMI_RANK: "0", PMI_SIZE: "0" }, "PMI_RANK=0 is no rank of PMI_SIZE=0"],
    [{ FLUX_START_SOCKET: "/s", PMI_RANK: "0", PMI_SIZE: "1" }, "FLUX_START_PID is not set"],
    [{ PMI_FD: "-1", PMI_RANK: "0", PMI_SIZE: "1" }, "PMI_FD=-1 is not a number"],
  ] as [Record<string, string>, string][]
) {
  Deno.test(`bootMethod() refuses: ${text}`, () => {
    assertThrows(() => method("pmi", env), { errno: "EINVAL", text });
  });
}
