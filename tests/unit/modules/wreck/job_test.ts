import fc from "fast-check";
import { endsOf, Job, type JobAction, type JobInput } from "../../../../modules/wreck/job.ts";
import { FINAL_STATES } from "../../../../modules/wreck/protocol.ts";
import { assert, assertEquals } from "../../../assert.ts";
import { check } from "../../../property.ts";

const layout = { ranks: [0, 1], cores: [1, 1] };
const job = (walltime = 0) => new Job({ jobid: 1, stops: false, walltime });
const words = (actions: JobAction[]) =>
  actions.map((action) =>
    action.do === "state" ? action.state : action.do === "signal" ? `signal ${action.number}` : action.do
  );
const resultOf = (actions: JobAction[]) => actions.flatMap((action) => action.do === "over" ? [action.result] : [])[0];

Deno.test("a Job starts, runs and completes with the highest status of its tasks", () => {
  const one = job();
  assertEquals(words(one.handle({ is: "run", layout })), ["starting", "start"]);
  assertEquals(words(one.handle({ is: "started", pids: [10, 11] })), ["pids", "running"]);
  const last = one.handle({ is: "ended", pids: [10, 11], statuses: [768, 9] });
  assertEquals(words(last), ["statuses", "complete", "over"]);
  assertEquals(resultOf(last), {
    jobid: 1,
    state: "complete",
    code: 137,
    ends: [{ tasks: "0", status: 768 }, { tasks: "1", status: 9 }],
  });
});

Deno.test("a Job that has ended before its start was told of ran all the same", () => {
  const one = job();
  one.handle({ is: "run", layout });
  const last = one.handle({ is: "ended", pids: [10, 11], statuses: [0, 0] });
  assertEquals(words(last), ["pids", "running", "statuses", "complete", "over"]);
});

Deno.test("a Job that loses a rank kills what is left, and fails with the name of it", () => {
  const one = job();
  one.handle({ is: "run", layout });
  one.handle({ is: "started", pids: [10, 11] });
  const lost: JobInput = { is: "failed", reason: "rank 1 is gone", isNodeFailure: true };
  assertEquals(words(one.handle(lost)), ["log", "clear"]);
  assertEquals(one.handle({ is: "failed", reason: "another" }), []);
  const last = one.handle({ is: "cleared", statuses: [9, undefined] });
  const { state, code, reason, isNodeFailure, ends } = resultOf(last)!;
  assertEquals([state, code, reason, isNodeFailure], ["failed", 68, "rank 1 is gone", true]);
  assertEquals(ends, [{ tasks: "0", status: 9 }]);
});

Deno.test("a Job that a task aborts has the code of the abort", () => {
  const one = job();
  one.handle({ is: "run", layout });
  one.handle({ is: "abort", code: 7, reason: "task 1 aborted" });
  assertEquals(resultOf(one.handle({ is: "cleared", statuses: [9, 9] }))!.code, 7);
});

Deno.test("a Job whose time is up gets SIGALRM, and SIGKILL ten seconds later", () => {
  const one = job(2);
  one.handle({ is: "run", layout });
  const begun = one.handle({ is: "started", pids: [10, 11] });
  assertEquals(begun.at(-1), { do: "wake", ms: 2000 });
  const expired = one.handle({ is: "expired" });
  assertEquals(words(expired), ["log", "signal 14", "wake"]);
  assertEquals(expired[0], { do: "log", text: "Timeout expired! Killing job with signal 14" });
  assertEquals(words(one.handle({ is: "expired" })), ["log", "signal 9"]);
  const last = one.handle({ is: "ended", pids: [10, 11], statuses: [14, 9] });
  assertEquals([resultOf(last)!.state, resultOf(last)!.reason], ["complete", "its time was up"]);
});

Deno.test("a signal takes a Job that waits out of the queue", () => {
  const one = job();
  const last = one.handle({ is: "signal", number: 15 });
  assertEquals(words(last), ["cancelled", "over"]);
  assertEquals(resultOf(last)!.code, 143);
  assertEquals(one.handle({ is: "run", layout }), []);
});

Deno.test("endsOf() groups the tasks that ended alike, and leaves out those that nobody knows", () => {
  assertEquals(endsOf([0, 9, 0, undefined, 9]), [{ tasks: "0,2", status: 0 }, { tasks: "1,4", status: 9 }]);
});

Deno.test("whatever happens to a Job, it says one final state, last, once its ranks have had their say", () => {
  const status = fc.constantFrom(0, 256, 9);
  const statuses = fc.tuple(status, status);
  const input: fc.Arbitrary<JobInput> = fc.oneof(
    fc.constant<JobInput>({ is: "run", layout }),
    fc.constant<JobInput>({ is: "started", pids: [1, 2] }),
    statuses.map((all): JobInput => ({ is: "ended", pids: [1, 2], statuses: all })),
    fc.constant<JobInput>({ is: "failed", reason: "lost" }),
    fc.constant<JobInput>({ is: "abort", code: 3, reason: "abort" }),
    fc.constant<JobInput>({ is: "signal", number: 15 }),
    fc.constant<JobInput>({ is: "expired" }),
  );
  check(fc.property(fc.array(input, { maxLength: 12 }), fc.nat(3), (inputs, walltime) => {
    const one = job(walltime);
    const actions = inputs.flatMap((each) => one.handle(each));
    const rest: JobInput[] = [
      { is: "run", layout },
      { is: "started", pids: [1, 2] },
      { is: "ended", pids: [1, 2], statuses: [0, 0] },
      { is: "cleared", statuses: [undefined, 9] },
    ];
    for (const each of rest) actions.push(...one.handle(each));
    assertEquals(one.phase, "over");
    const states = actions.flatMap((action) => action.do === "state" ? [action.state] : []);
    assertEquals(states.filter((state) => FINAL_STATES.has(state)), [states.at(-1)!]);
    assertEquals(new Set(states).size, states.length);
    assertEquals(actions.at(-1)!.do, "over");
    const starts = actions.filter((action) => action.do === "start").length;
    const clears = actions.filter((action) => action.do === "clear").length;
    assert(starts <= 1 && clears <= starts);
  }));
});
