import { type ChildReport, Health, statusNumber } from "../../../broker/service/health.ts";
import { assertEquals } from "../../assert.ts";

let now = 0;
const health = (...home: number[]) => {
  now = 0;
  return new Health(home, () => now);
};
const report = (rank: number, change: ChildReport["change"], status = 0, reason = ""): ChildReport => ({
  rank,
  change,
  status,
  reason,
});
const FULL = statusNumber("full"), PARTIAL = statusNumber("partial"), DEGRADED = statusNumber("degraded");

Deno.test("Health of a leaf is full", () => assertEquals(health().status, "full"));

Deno.test("Health is partial until every child reported that it is full", () => {
  const at = health(1, 2);
  assertEquals(at.status, "partial");
  at.report(report(1, "joined"));
  at.report(report(1, "status", FULL));
  assertEquals(at.status, "partial");
  at.report(report(2, "joined", PARTIAL));
  assertEquals(at.status, "partial");
  at.report(report(2, "status", FULL));
  assertEquals(at.status, "full");
});

Deno.test("Health is degraded by a lost child, which is named with the reason until it is back", () => {
  const at = health(1);
  at.report(report(1, "joined", FULL));
  at.report(report(1, "lost", FULL, "connection reset"));
  assertEquals(at.status, "degraded");
  assertEquals(at.describe(0, (n) => n).children, [{
    rank: 1,
    status: "lost",
    duration: 0,
    error: "connection reset",
  }]);
  at.report(report(1, "joined", FULL));
  assertEquals(at.describe(0, (n) => n).children, [{ rank: 1, status: "full", duration: 0 }]);
});

Deno.test("Health is degraded by a child that is degraded itself", () => {
  const at = health(1, 2);
  at.report(report(1, "joined", FULL));
  at.report(report(2, "joined", DEGRADED));
  assertEquals(at.status, "degraded");
});

Deno.test("Health forgets a child that moved, and remembers one that left as offline", () => {
  const at = health(1, 2);
  at.report(report(1, "joined", FULL));
  at.report(report(2, "joined", FULL));
  at.report(report(2, "moved", FULL));
  assertEquals([at.status, at.children.map(({ rank }) => rank)], ["full", [1]]);
  at.report(report(1, "left", FULL));
  assertEquals([at.status, at.children[0]?.status], ["partial", "offline"]);
});

Deno.test("Health.describe() gives durations since each status began", () => {
  const at = health(1);
  now = 1000;
  at.report(report(1, "joined", FULL));
  now = 3500;
  at.report(report(1, "ranks", FULL));
  assertEquals(at.describe(4, (n) => n), {
    rank: 4,
    status: "full",
    duration: 2.5,
    children: [{ rank: 1, status: "full", duration: 2.5 }],
  });
});

Deno.test("Health.watch() tells of changes only, until disposed", () => {
  const at = health(1);
  const seen: string[] = [];
  const watch = at.watch(({ rank, status }) => seen.push(`${rank} ${status} ${at.status}`));
  at.report(report(1, "joined", FULL));
  at.report(report(1, "status", FULL));
  at.report(report(1, "lost", FULL));
  watch[Symbol.dispose]();
  at.report(report(1, "joined", FULL));
  assertEquals(seen, ["1 full full", "1 lost degraded"]);
});
