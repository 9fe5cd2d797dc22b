import { Handle } from "../../../../broker/handle/mod.ts";
import { FluxError, type JsonObject } from "../../../../broker/message/mod.ts";
import { Ledger } from "../../../../modules/wreck/ledger.ts";
import { assertEquals, assertRejects } from "../../../assert.ts";
import { virtualClock } from "../../../sim/virtual_clock.ts";

/** A ledger over a store that answers when it is told to, and the keys of each commit. */
function world() {
  const clock = virtualClock();
  const commits: string[][] = [];
  const answers: PromiseWithResolvers<JsonObject>[] = [];
  const handle = {
    rpc(_topic: string, { ops }: { ops: { key: string }[] }) {
      commits.push(ops.map(({ key }) => key));
      const answer = Promise.withResolvers<JsonObject>();
      answers.push(answer);
      return answer.promise;
    },
  } as unknown as Handle;
  const ledger = new Ledger(handle, clock, () => ({ last: 0, oldest: 1 }));
  const write = (key: string, canWait = false) => ledger.write((transaction) => transaction.put(key, 1), canWait);
  return { clock, commits, answers, write, flush: () => ledger.flush() };
}

Deno.test("a Ledger gathers what comes while a commit is under way, and says what is done in order", async () => {
  const { clock, commits, answers, write } = world();
  const done: string[] = [];
  const first = ["a", "b"].map((key) => write(key).then(() => done.push(key)));
  await clock.run(0);
  const then = ["c", "d"].map((key) => write(key).then(() => done.push(key)));
  assertEquals([commits, done], [[["a", "b", "wreck.jobs"]], []]);
  answers[0]!.resolve({});
  await Promise.all(first);
  await clock.run(0);
  assertEquals([commits[1], done], [["c", "d"], ["a", "b"]]);
  answers[1]!.resolve({});
  await Promise.all(then);
  assertEquals(done, ["a", "b", "c", "d"]);
});

Deno.test("a Ledger lets wait what can, for what cannot, and not for long", async () => {
  const { clock, commits, write } = world();
  void write("patient", true);
  await clock.run(5);
  assertEquals(commits.length, 0);
  void write("urgent");
  await clock.run(0);
  assertEquals(commits, [["patient", "urgent", "wreck.jobs"]]);
  const other = world();
  void other.write("patient", true);
  await other.clock.run(10);
  assertEquals(other.commits.length, 1);
});

Deno.test("a Ledger tells each entry of a failure, and writes again what was lost of the numbers of jobs", async () => {
  const { clock, commits, answers, write } = world();
  const lost = [write("a"), write("b")];
  await clock.run(0);
  answers[0]!.reject(new FluxError("ENOSPC"));
  for (const each of lost) await assertRejects(each, { errno: "ENOSPC" });
  void write("c");
  await clock.run(0);
  assertEquals(commits[1], ["c", "wreck.jobs"]);
});

Deno.test("a Ledger that was never written to ends without a commit, and any other with its last", async () => {
  const { clock, commits, answers, write, flush } = world();
  await flush();
  assertEquals(commits, []);
  void write("a", true);
  let isOver = false;
  const over = flush().then(() => isOver = true);
  await clock.run(0);
  assertEquals([commits, isOver], [[["a", "wreck.jobs"]], false]);
  answers[0]!.resolve({});
  await over;
});
