import { FluxError } from "../../../../broker/message/mod.ts";
import type { Root } from "../../../../modules/kvs/protocol.ts";
import { ANYTHING, Roots } from "../../../../modules/kvs/roots.ts";
import { assertEquals, assertRejects } from "../../../assert.ts";

const root = (rootseq: number, namespace = "ns"): Root => {
  return { namespace, rootref: `root ${rootseq}`, rootseq, owner: 1, flags: 0 };
};

/** Roots whose questions are answered by hand, and what their followers hear. */
function bench() {
  const questions: PromiseWithResolvers<Root>[] = [];
  const heard: (readonly [number, readonly string[]] | string)[] = [];
  const ask = () => {
    questions.push(Promise.withResolvers());
    return questions.at(-1)!.promise;
  };
  const roots = new Roots({ ask, renew: ask });
  roots.follow({
    changed: ({ rootseq }, keys) => heard.push([rootseq, keys]),
    removed: (namespace) => heard.push(`${namespace} removed`),
  });
  return { roots, questions, heard };
}

Deno.test("Roots.advance() follows newer roots, and passes over older ones", () => {
  const { roots, heard } = bench();
  roots.created(root(0));
  for (const [rootseq, key] of [[1, "a"], [2, "b"], [2, "again"], [1, "late"], [3, "c"]] as const) {
    roots.advance(root(rootseq), [key]);
  }
  assertEquals(roots.get("ns"), root(3));
  assertEquals(heard, [[1, ["a"]], [2, ["b"]], [3, ["c"]]]);
});

Deno.test("Roots.advance() tells the keys of events that an answer has overtaken", () => {
  const { roots, heard } = bench();
  roots.created(root(0));
  roots.advance(root(2));
  assertEquals(heard, []);
  roots.advance(root(1), ["a"]);
  roots.advance(root(2), ["b"]);
  assertEquals([roots.get("ns"), heard], [root(2), [[1, ["a"]], [2, ["b"]]]]);
});

Deno.test("Roots.advance() says that anything may have changed when an event was missed", () => {
  const { roots, heard } = bench();
  roots.created(root(4));
  roots.advance(root(6), ["a"]);
  roots.advance(root(7), ["b"]);
  roots.advance(root(9), ["c"]);
  assertEquals(heard, [[6, ["a", ANYTHING]], [7, ["b"]], [9, ["c", ANYTHING]]]);
});

Deno.test("Roots.advance() makes a namespace known by an event, not by an answer", () => {
  const { roots, heard } = bench();
  roots.advance(root(5));
  assertEquals(roots.get("ns"), undefined);
  roots.advance(root(5), ["a"]);
  assertEquals([roots.get("ns"), heard], [root(5), [[5, ["a"]]]]);
});

Deno.test("Roots.find() asks once for all who want to know, and not at all for what is known", async () => {
  const { roots, questions } = bench();
  const found = Promise.all([roots.find("ns"), roots.find("ns")]);
  questions[0]!.resolve(root(3));
  assertEquals(await found, [root(3), root(3)]);
  assertEquals(await roots.find("ns"), root(3));
  assertEquals(questions.length, 1);
});

Deno.test("Roots.find() fails as the question does, and asks again the next time", async () => {
  const { roots, questions } = bench();
  const found = roots.find("ns");
  questions[0]!.reject(new FluxError("ENOTSUP"));
  await assertRejects(found, { errno: "ENOTSUP" });
  const again = roots.find("ns");
  questions[1]!.resolve(root(0));
  assertEquals(await again, root(0));
});

Deno.test("Roots.find() asks again when the namespace was removed before the answer came", async () => {
  const { roots, questions } = bench();
  const found = roots.find("ns");
  roots.removed("ns");
  questions[0]!.resolve(root(8));
  await Promise.resolve();
  await Promise.resolve();
  questions[1]!.resolve(root(0));
  assertEquals(await found, root(0));
  assertEquals(roots.get("ns"), root(0));
});

Deno.test("Roots.refresh() never goes back behind what is known", async () => {
  const { roots, questions } = bench();
  roots.created(root(0));
  const refreshed = roots.refresh("ns");
  roots.advance(root(5), []);
  questions[0]!.resolve(root(3));
  assertEquals(await refreshed, root(5));
});

Deno.test("Roots.created() leaves a newer root of the same namespace, until that was removed", () => {
  const { roots, heard } = bench();
  roots.advance(root(3), []);
  roots.created(root(0));
  assertEquals(roots.get("ns"), root(3));
  roots.removed("ns");
  roots.created(root(0));
  assertEquals(roots.get("ns"), root(0));
  roots.advance(root(1), ["a"]);
  assertEquals(heard.slice(1), ["ns removed", [1, ["a"]]]);
});

Deno.test("Roots.reached() resolves at the version or a later one, for each who waits", async () => {
  const { roots } = bench();
  roots.created(root(1));
  assertEquals(await roots.reached("ns", 1), root(1));
  const waits = [2, 3, 5].map((rootseq) => roots.reached("ns", rootseq));
  await Promise.resolve();
  roots.advance(root(2));
  roots.advance(root(4));
  assertEquals(await Promise.all(waits.slice(0, 2)), [root(2), root(4)]);
  roots.advance(root(5));
  assertEquals(await waits[2], root(5));
});

Deno.test("Roots.reached() fails when the namespace is removed, or the signal aborts", async () => {
  const { roots } = bench();
  roots.created(root(0));
  const abort = new AbortController();
  const aborted = roots.reached("ns", 9, abort.signal);
  const removed = roots.reached("ns", 9);
  await Promise.resolve();
  abort.abort(new FluxError("ECANCELED"));
  await assertRejects(aborted, { errno: "ECANCELED" });
  roots.removed("ns");
  await assertRejects(removed, { errno: "ENOTSUP" });
});

Deno.test("Roots.pause() holds changes back, and Roots.resume() tells them in order", async () => {
  const { roots, heard } = bench();
  roots.created(root(0));
  await roots.pause("ns");
  roots.advance(root(1), ["a"]);
  roots.advance(root(2), ["b"]);
  assertEquals([roots.get("ns"), heard, roots.isPaused("ns")], [root(0), [], true]);
  await roots.resume("ns");
  assertEquals([roots.get("ns"), heard, roots.isPaused("ns")], [root(2), [[1, ["a"]], [2, ["b"]]], false]);
});

Deno.test("Roots.pause() keeps no more than it must: of very many changes the newest root", async () => {
  const { roots, heard } = bench();
  roots.created(root(0));
  await roots.pause("ns");
  for (let i = 1; i <= 1500; i++) roots.advance(root(i), [`k${i}`]);
  await roots.resume("ns");
  assertEquals(roots.get("ns"), root(1500));
  assertEquals(heard.length, 477);
  assertEquals(heard[0], [1024, [ANYTHING]]);
});
