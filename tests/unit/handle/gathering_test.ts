import { Gathering, type GatheringStep } from "../../../broker/handle/gathering.ts";
import type { Batch, Terms } from "../../../broker/handle/rendezvous.ts";
import { assert, assertEquals } from "../../assert.ts";

const terms: Terms = { name: "x", scope: "1000:1", nprocs: 5 };
/** Ranks 3 and 4 are below rank 1. */
const at = (rank: number) => new Gathering<string>({ label: "test", rank, size: 5, arity: 2, instance: `i${rank}` });
const enter = (gathering: Gathering<string>, waiter: string, more = {}, now = 0) =>
  gathering.enter({ terms, waiter, client: waiter, count: 1, ...more }, now);

function flushes(steps: readonly GatheringStep<string>[]): number[] {
  return steps.flatMap((step) => step.kind === "flush" ? [step.ms] : []);
}
function answers(steps: readonly GatheringStep<string>[]): [string, number][] {
  return steps.flatMap((step) => step.kind === "answer" ? [[step.to, step.outcome.errnum] as [string, number]] : []);
}
/** The only parcel among steps. */
function parcel(steps: readonly GatheringStep<string>[]) {
  const sent = steps.flatMap((step) => step.kind === "forward" ? [step] : []);
  assertEquals(sent.length, 1);
  return sent[0]!;
}
function key(steps: readonly GatheringStep<string>[]): string {
  return steps.flatMap((step) => step.kind === "flush" ? [step.key] : [])[0]!;
}
function fromChild(rank: number, number = 1, more: Partial<Batch> = {}): Batch {
  return { rank, instance: `i${rank}`, number, open: [], count: 1, bodies: [], ...more };
}

Deno.test("Gathering.enter() at a leaf passes on in the same turn, and what comes in that turn goes along", () => {
  const leaf = at(3);
  const steps = enter(leaf, "a");
  assertEquals(flushes(steps), [0]);
  assertEquals(flushes(enter(leaf, "b")), []);
  const { parcel: { batches }, ids } = parcel(leaf.flush(key(steps), 0));
  assertEquals(batches.map(({ count }) => count), [2]);
  assertEquals(ids, ["3/i3/1"]);
  assertEquals(flushes(enter(leaf, "c")), [1], "what comes later waits for more");
  assertEquals(answers(leaf.settle(ids, { errnum: 0 })), [["a", 0], ["b", 0]]);
});

Deno.test("Gathering.take() waits until all children have brought something, and this rank too", () => {
  const inner = at(1);
  const first = inner.take({ terms, batches: [fromChild(3)] }, "child 3", "link 3", 0);
  assertEquals(flushes(first), [50], "so many meet that all may be expected");
  assertEquals(flushes(enter(inner, "own")), []);
  const last = inner.take({ terms, batches: [fromChild(2)] }, "child 2", "link 2", 5);
  assertEquals(flushes(last), [0]);
  const { ids, parcel: { batches } } = parcel(inner.flush(key(last), 5));
  assertEquals(batches.length, 3);
  const told = answers(inner.answered(key(last), ids, { errnum: 0 }, 9));
  assertEquals(told.map(([to]) => to).sort(), ["child 2", "child 3", "own"]);
});

Deno.test("Gathering.take() expects nothing of children below whom no rank takes part, nor of itself if it does not", () => {
  const inner = at(1);
  const some = { ...terms, nprocs: 2, ranks: "2,4" };
  const steps = inner.take({ terms: some, batches: [fromChild(4)] }, "child 4", "link 4", 0);
  assertEquals(flushes(steps), [0]);
});

Deno.test("Gathering.take() remembers who came to the last meeting of the kind, and expects the same", () => {
  const inner = at(1);
  const two = { ...terms, nprocs: 2 };
  const meet = (name: string, number: number) => {
    const steps = inner.take({ terms: { ...two, name }, batches: [fromChild(3, number)] }, name, "link 3", 0);
    const { ids } = parcel(inner.flush(key(steps), 0));
    inner.answered(key(steps), ids, { errnum: 0 }, 0);
    return flushes(steps);
  };
  assertEquals(meet("a", 1), [1]);
  assertEquals(meet("b", 2), [0]);
});

Deno.test("Gathering.answered() for some of the batches tells whom it concerns, and sends the others again", () => {
  const inner = at(1);
  const steps = inner.take({ terms, batches: [fromChild(3, 1), fromChild(3, 2)] }, "child", "link", 0);
  const { ids } = parcel(inner.flush(key(steps), 0));
  const next = inner.answered(key(steps), ids, { errnum: 0 }, 0, [ids[0]!]);
  assertEquals(next.filter(({ kind }) => kind === "answer"), [
    { kind: "answer", to: "child", outcome: { errnum: 0 }, of: [ids[0]!] },
  ]);
  assertEquals(parcel(inner.flush(key(steps), 0)).ids, [ids[1]!]);
});

Deno.test("Gathering.undelivered() sends again after a wait that grows, up to a second", () => {
  const leaf = at(3);
  const steps = enter(leaf, "a");
  const { ids } = parcel(leaf.flush(key(steps), 0));
  let now = 0;
  const waits: number[] = [];
  for (let i = 0; i < 10; i++) {
    const [ms] = flushes(leaf.undelivered(key(steps), ids, { errnum: 113 }, now));
    waits.push(ms!);
    now += ms!;
    assertEquals(parcel(leaf.flush(key(steps), now)).ids, ids);
  }
  assertEquals(waits, [10, 20, 40, 80, 160, 320, 640, 1000, 1000, 1000]);
});

Deno.test("Gathering.undelivered() gives up when nobody knows the service, or it is refused for good", () => {
  const leaf = at(3);
  const steps = enter(leaf, "a");
  const { ids } = parcel(leaf.flush(key(steps), 0));
  let told: [string, number][] = [];
  for (let i = 0; told.length === 0 && i < 100; i++) {
    told = answers(leaf.undelivered(key(steps), ids, { errnum: 38 }, i * 2000));
    leaf.flush(key(steps), i * 2000);
  }
  assertEquals(told, [["a", 38]]);
  const other = at(2);
  const again = enter(other, "a");
  const sent = parcel(other.flush(key(again), 0));
  assertEquals(answers(other.undelivered(key(again), sent.ids, { errnum: 71 }, 0)), [["a", 71]]);
  assertEquals(other.size, 0);
});

Deno.test("Gathering.leave() sends the batch again, withdrawn, at once", () => {
  const leaf = at(3);
  const steps = enter(leaf, "a");
  leaf.flush(key(steps), 0);
  const left = leaf.leave("a", 1);
  assertEquals(flushes(left), [0]);
  const { parcel: { batches } } = parcel(leaf.flush(key(left), 1));
  assertEquals(batches.map(({ withdrawn }) => withdrawn), ["a client on rank 3 is gone"]);
  assertEquals(leaf.leave("a", 1), []);
});

Deno.test("Gathering.enter() of one client twice is EEXIST, and withdraws the first", () => {
  const leaf = at(3);
  enter(leaf, "a");
  const steps = leaf.enter({ terms, waiter: "again", client: "a", count: 1 }, 0);
  assertEquals(answers(steps), [["again", 17]]);
  assertEquals(answers(leaf.enter({ terms: { ...terms, name: "y" }, waiter: "other", client: "a", count: 1 }, 0)), []);
});

Deno.test("Gathering.enter() begins another batch when one has all who are to meet", () => {
  const leaf = at(3);
  const steps = enter(leaf, "a", { count: 4 });
  enter(leaf, "b", { count: 2 });
  assertEquals(parcel(leaf.flush(key(steps), 0)).parcel.batches.map(({ count, open }) => [count, open]), [
    [4, []],
    [2, [1]],
  ]);
});

Deno.test("Gathering.flush() puts large bodies in parcels of their own", () => {
  const inner = at(1);
  const large = (rank: number) => fromChild(rank, 1, { bodies: [new Uint8Array(10 << 20)] });
  const steps = inner.take({ terms, batches: [large(2), large(3), fromChild(4)] }, "child", "link", 0);
  const sent = inner.flush(key(steps), 0).flatMap((step) => step.kind === "forward" ? [step.ids.length] : []);
  assertEquals(sent, [1, 2]);
});

Deno.test("Gathering.expire() tells a party that time is up when rank 0 does not", () => {
  const leaf = at(3);
  const steps = enter(leaf, "a", { timeout: 1000 });
  assertEquals(steps.filter(({ kind }) => kind === "expire").map((step) => "ms" in step && step.ms), [3000]);
  const group = key(steps);
  assertEquals(leaf.expire(group, 2999), []);
  assertEquals(answers(leaf.expire(group, 3000)), [["a", 110]]);
  assert(leaf.size === 0);
});
