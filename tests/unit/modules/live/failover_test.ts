import { Failover, type Outcome, outcomeOf } from "../../../../modules/live/failover.ts";
import { assertEquals } from "../../../assert.ts";

/** What is done, step by step, while every attempt ends as `outcome` says. */
function steps(ancestors: number[], wasSilent: boolean, outcome: (rank: number) => Outcome, limit = 20): string[] {
  const failover = new Failover(ancestors, wasSilent, () => 0.5);
  const done: string[] = [];
  while (done.length < limit) {
    const step = failover.next(ancestors);
    if (step.kind === "end") return [...done, step.reason];
    done.push(step.kind === "wait" ? "wait" : `dial ${step.rank}`);
    if (step.kind === "dial") failover.failed(outcome(step.rank));
  }
  return done;
}

Deno.test("Failover.next() goes up from the nearest ancestor, and from there again after a while", () => {
  assertEquals(steps([5, 2, 0], false, () => "silent", 8), [
    "dial 5",
    "dial 2",
    "dial 0",
    "wait",
    "dial 5",
    "dial 2",
    "dial 0",
    "wait",
  ]);
});

Deno.test("Failover.next() tries a parent last that was silent", () => {
  assertEquals(steps([5, 2, 0], true, () => "silent", 3), ["dial 2", "dial 0", "dial 5"]);
});

Deno.test("Failover.next() ends when nobody listens at rank 0, twice", () => {
  assertEquals(steps([5, 0], false, () => "refused"), [
    "dial 5",
    "dial 0",
    "wait",
    "dial 5",
    "dial 0",
    "rank 0 is gone: nobody listens there any more",
  ]);
});

Deno.test("Failover.next() goes on while rank 0 is only out of reach", () => {
  assertEquals(steps([0], false, () => "silent", 40).length, 40);
});

Deno.test("Failover.next() ends when the events that were missed are kept by nobody", () => {
  assertEquals(steps([5, 0], false, (rank) => rank === 5 ? "refused" : "evicted"), [
    "dial 5",
    "dial 0",
    "this rank has fallen behind the events that are kept: it is evicted",
  ]);
});

Deno.test("Failover.next() ends without ancestors", () => {
  assertEquals(steps([], false, () => "silent"), ["wait", "no failover candidates"]);
});

Deno.test("outcomeOf() tells what an error number means", () => {
  assertEquals(["ECONNREFUSED", "ETIMEDOUT", "EAGAIN", "EOVERFLOW", "EINVAL"].map(outcomeOf), [
    "refused",
    "silent",
    "adrift",
    "evicted",
    "failed",
  ]);
});
