/** How a broker finds its place. */

import { assertEquals, assertThrows } from "../../assert.ts";
import { bootMethod } from "../../../broker/boot/mod.ts";
import { meetingPorts } from "../../../broker/boot/slurm.ts";

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

const task = {
  SLURM_JOB_ID: "24",
  SLURM_STEP_ID: "3",
  SLURM_PROCID: "2",
  SLURM_STEP_NUM_TASKS: "4",
  SLURM_STEP_NODELIST: "node[5-7]",
};

Deno.test("bootMethod() takes what Slurm says when nobody serves PMI", () => {
  const nodes = ["node5", "node6", "node7"];
  assertEquals(method("pmi", task), { kind: "slurm", rank: 2, size: 4, session: "24.3", nodes });
  assertEquals(method("pmi", { ...task, SLURM_PROCID: "0", SLURM_STEP_NUM_TASKS: "1" }).kind, "single");
  assertEquals(method("single", task).kind, "single");
  assertEquals(method("pmi", { ...task, PMI_FD: "3", PMI_RANK: "2", PMI_SIZE: "4" }).kind, "fd");
});

Deno.test("bootMethod() does not make many sessions of one of many tasks", () => {
  const text = "Slurm has started 4 tasks, but PMI tells each that it is alone";
  const env = { ...task, PMI_FD: "3", PMI_RANK: "0", PMI_SIZE: "1" };
  assertThrows(() => method("pmi", env), { errno: "EINVAL", text });
  assertThrows(() => method("pmi", { ...task, SLURM_PROCID: "9" }), {
    errno: "EINVAL",
    text: "SLURM_PROCID=9 is no rank",
  });
});

Deno.test("meetingPorts() are the same for all ranks, and others for another step", () => {
  const ports = meetingPorts("24.3");
  assertEquals(meetingPorts("24.3"), ports);
  assertEquals(new Set(ports).size, 6);
  assertEquals(ports.every((port) => port >= 20_000 && port < 32_000), true);
  assertEquals(meetingPorts("24.4").some((port) => ports.includes(port)), false);
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
