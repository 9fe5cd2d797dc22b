import { Meeting, Meetings, type MeetingStep } from "../../../broker/handle/meetings.ts";
import { type Batch, batchId, type Outcome, type Terms, whoEntered } from "../../../broker/handle/rendezvous.ts";
import { Idset } from "../../../broker/message/mod.ts";
import { assert, assertEquals } from "../../assert.ts";

const terms: Terms = { name: "x", scope: "1000:1", nprocs: 3 };

function batch(rank: number, number = 1, more: Partial<Batch> = {}): Batch {
  return { rank, instance: `i${rank}`, number, open: [], count: 1, bodies: [], ...more };
}

function settled(steps: readonly MeetingStep[]): { ids: readonly string[]; outcome: Outcome }[] {
  return steps.flatMap((step) => step.kind === "settle" ? [{ ids: step.ids, outcome: step.outcome }] : []);
}

function met(steps: readonly MeetingStep[]): Meeting[] {
  return steps.flatMap((step) => step.kind === "met" ? [step.meeting] : []);
}

Deno.test("Meetings.receive() says when all have met, and finish() settles every batch", () => {
  const meetings = new Meetings("test");
  assertEquals(meetings.receive({ terms, batches: [batch(2), batch(1)] }, 0), []);
  const [meeting] = met(meetings.receive({ terms, batches: [batch(0)] }, 0));
  assert(meeting);
  assertEquals(meetings.size, 0);
  const [end] = settled(meetings.finish(meeting, { errnum: 0 }));
  assertEquals(end!.ids.toSorted(), ["0/i0/1", "1/i1/1", "2/i2/1"]);
});

Deno.test("Meetings.receive() counts a batch that comes again once, also while its meeting is being finished", () => {
  const meetings = new Meetings("test");
  meetings.receive({ terms, batches: [batch(1), batch(1), batch(2)] }, 0);
  assertEquals(met(meetings.receive({ terms, batches: [batch(1), batch(2)] }, 0)), []);
  const [meeting] = met(meetings.receive({ terms, batches: [batch(3)] }, 0));
  assertEquals(meetings.receive({ terms, batches: [batch(3)] }, 0), []);
  const outcome = { errnum: 0, value: { a: 1 } };
  meetings.finish(meeting!, outcome);
  assertEquals(settled(meetings.receive({ terms, batches: [batch(2)] }, 0)), [{ ids: ["2/i2/1"], outcome }]);
});

Deno.test("Meetings.receive() forgets an outcome when its rank says that it knows, and then takes nothing old for new", () => {
  const meetings = new Meetings("test");
  const one = { ...terms, nprocs: 1 };
  const finish = (...batches: Batch[]) => {
    for (const meeting of met(meetings.receive({ terms: one, batches }, 0))) meetings.finish(meeting, { errnum: 0 });
  };
  finish(batch(1, 1));
  finish(batch(1, 2, { open: [1] }));
  assertEquals(meetings.remembered, 2);
  finish(batch(1, 3, { open: [2] }));
  assertEquals(meetings.remembered, 2);
  const [late] = settled(meetings.receive({ terms: one, batches: [batch(1, 1)] }, 0));
  assertEquals([late!.outcome.errnum, meetings.size], [125, 0]);
});

Deno.test("Meetings.open() has a meeting as long as it waits for more parties", () => {
  const meetings = new Meetings("test");
  meetings.receive({ terms, batches: [batch(2), batch(1)] }, 0);
  assertEquals(meetings.open(terms)!.batches.map(({ rank }) => rank), [2, 1]);
  assertEquals(meetings.open({ name: "x", scope: "1000:2" }), undefined);
  meetings.receive({ terms, batches: [batch(0)] }, 0);
  assertEquals(meetings.open(terms), undefined);
});

Deno.test("Meeting.bodies are in the order of ranks, then of batches, then as they came", () => {
  const meeting = new Meeting(terms);
  const bodies = (...bytes: number[]) => ({ bodies: bytes.map((byte) => new Uint8Array([byte])) });
  meeting.batches.push(batch(3, 1, bodies(7)), batch(1, 9, bodies(2, 1)), batch(1, 4, bodies(5)));
  assertEquals(meeting.bodies.map(([byte]) => byte), [5, 2, 1, 7]);
});

Deno.test("Meetings.receive() refuses other terms than the first, and says what differs", () => {
  const meetings = new Meetings("fence");
  meetings.receive({ terms: { ...terms, agreed: { flags: 0 } }, batches: [batch(1)] }, 0);
  const late = { ...terms, nprocs: 4, agreed: { flags: 1 } };
  const [end] = settled(meetings.receive({ terms: late, batches: [batch(2)] }, 0));
  const text = `fence x: "nprocs" is 4, for those who came first 3, "flags" is 1, for those who came first 0`;
  assertEquals(end!.outcome, { errnum: 22, text });
  // The same again gets the same answer, whatever has become of the others.
  assertEquals(settled(meetings.receive({ terms: late, batches: [batch(2)] }, 0))[0]!.outcome.errnum, 22);
});

Deno.test("Meetings.expire() fails a meeting at the shortest deadline of all parties", () => {
  const meetings = new Meetings("test");
  const patience = { whole: 10_000, left: 9_000 };
  assertEquals(meetings.receive({ terms, patience, batches: [batch(4)] }, 100), [{ kind: "wake", at: 9100 }]);
  const shorter = { whole: 5_000, left: 4_000 };
  assertEquals(meetings.receive({ terms, patience: shorter, batches: [batch(5)] }, 100), [{ kind: "wake", at: 4100 }]);
  assertEquals(settled(meetings.expire(4099)), []);
  const [end] = settled(meetings.expire(4100));
  assertEquals(end!.outcome, { errnum: 110, text: "test x: 2 of 3 entered (ranks 4-5) within 5 s" });
  assertEquals(end!.ids, [batch(4), batch(5)].map(batchId));
});

Deno.test("Meetings.present() fails meetings of a rank that stays away, and of no rank that was never there", () => {
  const meetings = new Meetings("test");
  const members = { ...terms, ranks: "1-3" };
  meetings.present(Idset.parse("0-2"), 0);
  meetings.receive({ terms: members, batches: [batch(1)] }, 0);
  assertEquals(settled(meetings.expire(60_000)), []);
  assertEquals(meetings.present(Idset.parse("0-1"), 70_000), [{ kind: "wake", at: 72_000 }]);
  assertEquals(settled(meetings.expire(71_999)), []);
  meetings.present(Idset.parse("0-2"), 71_999);
  assertEquals(settled(meetings.expire(80_000)), []);
  meetings.present(Idset.parse("0"), 80_000);
  const [end] = settled(meetings.expire(82_000));
  assertEquals(end!.outcome, { errnum: 103, text: "test x: ranks 1-2 are gone" });
  // One that is gone already when it is needed is told at once.
  const [again] = settled(meetings.receive({ terms: { ...members, name: "y" }, batches: [batch(3)] }, 90_000));
  assertEquals(again!.outcome.text, "test y: ranks 1-2 are gone");
});

Deno.test("Meetings.receive() tells who was on the way when a meeting failed, and lets others begin anew", () => {
  const fail = () => {
    const meetings = new Meetings("test");
    meetings.receive({ terms, batches: [batch(1)] }, 0);
    const [end] = settled(meetings.receive({ terms, batches: [batch(2, 1, { withdrawn: "gone" })] }, 0));
    assertEquals(end!.outcome, { errnum: 103, text: "test x: gone" });
    return meetings;
  };
  let meetings = fail();
  assertEquals(settled(meetings.receive({ terms, batches: [batch(3)] }, 100))[0]!.outcome.errnum, 103);
  assertEquals(meetings.receive({ terms, batches: [batch(4)] }, 100), [], "three were to meet, and three were told");
  meetings = fail();
  assertEquals(meetings.receive({ terms, batches: [batch(3)] }, 1000), [], "much later");
  meetings = fail();
  assertEquals(meetings.receive({ terms, batches: [batch(1, 2)] }, 100), [], "it knows of the failure");
  meetings = fail();
  const same = batch(1, 2, { open: [1] });
  assertEquals(settled(meetings.receive({ terms, batches: [same] }, 100))[0]!.outcome.errnum, 103);
});

Deno.test("Meetings.failed() fails what waits for a rank whose process has died, at once", () => {
  const meetings = new Meetings("test");
  const members = { ...terms, ranks: "1-3" };
  meetings.receive({ terms: members, batches: [batch(1)] }, 0);
  assertEquals(meetings.failed(4, 100), []);
  const [end] = settled(meetings.failed(3, 100));
  assertEquals([end!.ids, end!.outcome.text], [["1/i1/1"], "test x: rank 3 is gone"]);
  assertEquals(settled(meetings.failed(3, 200)), []);
});

Deno.test("Meetings.receive() tells a declared member that was cut off of the failure for as long as it may come back", () => {
  const members = { ...terms, ranks: "1-3" };
  const fail = () => {
    const meetings = new Meetings("test");
    meetings.receive({ terms: members, batches: [batch(1)] }, 0);
    assertEquals(
      settled(meetings.receive({ terms: members, batches: [batch(2, 1, { withdrawn: "gone" })] }, 0)).length,
      1,
    );
    return meetings;
  };
  let meetings = fail();
  assertEquals(settled(meetings.receive({ terms: members, batches: [batch(3)] }, 40_000))[0]!.outcome.errnum, 103);
  assertEquals(
    meetings.receive({ terms: members, batches: [batch(3, 2)] }, 40_000),
    [],
    "the next time it begins anew",
  );
  meetings = fail();
  assertEquals(meetings.receive({ terms: members, batches: [batch(1, 2)] }, 40_000), [], "it knows of the failure");
  assertEquals(meetings.receive({ terms: members, batches: [batch(3)] }, 40_000), [], "another has begun anew");
});

Deno.test("whoEntered() groups ranks by how many of them entered", () => {
  const of = (...counts: [number, number][]) => whoEntered(counts.map(([rank, count]) => batch(rank, 1, { count })));
  assertEquals(of(), "no rank");
  assertEquals(of([3, 1]), "rank 3");
  assertEquals(of([3, 2]), "2 on rank 3");
  assertEquals(of([5, 1], [0, 1], [1, 1]), "ranks 0-1,5");
  assertEquals(of([7, 1], [0, 2], [1, 1], [1, 1]), "2 each on ranks 0-1, 1 on rank 7");
});
