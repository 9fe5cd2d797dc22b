import { decodeJson, encodeJson, FluxError, unpack } from "../../../../../broker/message/mod.ts";
import { Answers, type CommitId } from "../../../../../modules/kvs/root/answers.ts";
import type { Root } from "../../../../../modules/kvs/protocol.ts";
import { Relay } from "../../../../../modules/kvs/branch/relay.ts";
import { Roots } from "../../../../../modules/kvs/roots.ts";
import { assert, assertEquals, assertRejects } from "../../../../assert.ts";
import { seededRandom, virtualClock } from "../../../../sim/mod.ts";

/** A relay before a rank 0 that applies what it gets, over a way that loses requests and answers as `lossy` says. */
function bench(lossy: () => "request" | "answer" | undefined) {
  const clock = virtualClock();
  const answers = new Answers<Root>();
  const applied: string[] = [];
  const rootOf = (): Root => {
    const rootref = `sha1-${applied.length.toString(16).padStart(40, "0")}`;
    return { namespace: "primary", rootref, rootseq: applied.length, owner: 0, flags: 0 };
  };
  const rpcRaw = async (_topic: string, payload?: Uint8Array) => {
    const [head, body] = unpack(payload!);
    const lost = lossy();
    await new Promise<void>((resolve) => clock.after(1, resolve));
    if (lost === "request") throw new FluxError("EHOSTUNREACH");
    const reply = await answers.once(decodeJson(head) as unknown as CommitId, () => {
      applied.push((decodeJson(body).ops as { key: string }[])[0]!.key);
      return Promise.resolve(rootOf());
    });
    if (lost === "answer") throw new FluxError("EHOSTUNREACH");
    return encodeJson(reply);
  };
  const roots = new Roots({ ask: () => Promise.resolve(rootOf()), renew: () => Promise.resolve(rootOf()) });
  const closing = new AbortController();
  const relay = new Relay({ handle: { rpcRaw }, roots, clock, rank: 3, instance: "it", signal: closing.signal });
  const commit = (key: string) =>
    relay.commit({ namespace: "primary", flags: 0, ops: [{ key, flags: 0, dirent: null }], userid: 0, rolemask: 1 });
  return { clock, relay, roots, applied, commit, closing };
}

Deno.test("Relay.commit() is applied once each, whatever is lost on the way, and is read at once", async () => {
  for (let seed = 1; seed <= 20; seed++) {
    const random = seededRandom(seed);
    const { clock, roots, applied, commit } = bench(() => {
      const chance = random.float();
      return chance < 0.3 ? "request" : chance < 0.6 ? "answer" : undefined;
    });
    const keys = Array.from({ length: 50 }, (_, i) => `k${i}`);
    await clock.settle(Promise.all(keys.map(async (key) => {
      const { rootseq } = await commit(key);
      assert(roots.get("primary")!.rootseq >= rootseq, `seed ${seed}: behind its own commit`);
    })));
    assertEquals(applied.toSorted(), keys.toSorted(), `seed ${seed}`);
  }
});

Deno.test("Relay.commit() gives up after a minute without a way to rank 0", async () => {
  const { clock, relay, commit } = bench(() => "request");
  await assertRejects(clock.settle(commit("a")), { errno: "EHOSTUNREACH" });
  assert(clock.now() >= 58_000 && clock.now() <= 62_000, `after ${clock.now()} ms`);
  assertEquals(relay.pending, 0);
});

Deno.test("Relay.commit() ends when the module does", async () => {
  const { clock, commit, closing } = bench(() => "request");
  const committing = commit("a");
  committing.catch(() => {});
  await clock.run(500);
  closing.abort(new FluxError("ENOSYS", "service is gone"));
  await assertRejects(committing, { errno: "ENOSYS" });
});
