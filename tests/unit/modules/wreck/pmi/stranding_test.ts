import { encodeJson } from "../../../../../broker/message/mod.ts";
import { endedRanks, stranding } from "../../../../../modules/wreck/pmi/stranding.ts";
import { assertEquals } from "../../../../assert.ts";

const layout = { ranks: [1, 2, 5], cores: [2, 1, 2] };
const hosts = ["a", "b", "c", "d", "e", "f"];

/** Ranks that wait, and status words by rank of those that have ended. Rank 0 watches the end of every job. */
function look(waiting: readonly number[], ended: Readonly<Record<number, readonly number[]>>) {
  const barrier = { batches: waiting.map((rank) => ({ rank, bodies: [encodeJson({ puts: [] })] })) };
  const reports = Object.entries(ended).map(([rank, statuses]) => ({
    rank: Number(rank),
    bodies: [encodeJson({ rank: Number(rank), pids: statuses.map(() => 7), statuses })],
  }));
  const leavers = endedRanks(layout, { batches: [{ rank: 0, bodies: [] }, ...reports] });
  return stranding(layout, { barrier, leavers, host: (rank) => hosts[rank] });
}

Deno.test("stranding() is none while everybody that is missed in the barrier has tasks", () => {
  assertEquals(look([1], {}), undefined);
  assertEquals(look([1, 5], { 1: [0, 0] }), undefined);
});

Deno.test("stranding() names the tasks that are missed, how they ended, and those that wait", () => {
  assertEquals(look([1, 5], { 2: [0] }), {
    code: 1,
    reason: "task 2 (rank 2, c) exited with exit code 0, and tasks 0-1,3-4 wait for it in a PMI barrier",
  });
  assertEquals(look([2], { 1: [9, 9] }), {
    code: 137,
    reason: "tasks 0-1 (rank 1, b) exited with signal 9, and task 2 waits for them in a PMI barrier",
  });
});

Deno.test("stranding() has the highest code of the tasks that are missed", () => {
  assertEquals(look([2], { 1: [0, 3 << 8], 5: [127 << 8, 0] }), {
    code: 127,
    reason: "tasks 0-1,3-4 (ranks 1,5) ended, and task 2 waits for them in a PMI barrier",
  });
});

Deno.test("stranding() knows of single tasks that have left PMI, or ended", () => {
  const barrier = { batches: [{ rank: 5, bodies: [] }] };
  const look = (...statuses: (number | undefined)[]) => {
    const leavers = new Map([[1, { tasks: [1], statuses }]]);
    return stranding(layout, { barrier, leavers, host: () => undefined })?.reason;
  };
  assertEquals(look(undefined), "task 1 (rank 1) left PMI, and tasks 3-4 wait for it in a PMI barrier");
  assertEquals(look(9), "task 1 (rank 1) exited with signal 9, and tasks 3-4 wait for it in a PMI barrier");
});
