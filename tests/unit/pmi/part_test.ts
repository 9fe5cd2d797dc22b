/** The part of a PMI server that has some of a program's processes, against what MPICH 4.0.2 really sends. */

import fc from "fast-check";
import { assert, assertEquals } from "../../assert.ts";
import { LineBuffer, PmiPart, type PmiPartAction } from "../../../broker/pmi/mod.ts";
import { Idset } from "../../../broker/message/mod.ts";

const INIT = "cmd=init pmi_version=1 pmi_subversion=1";
const MAPPING = "(vector,(0,1,4))";
const ADDRESS = "20E3AC9BD33672AB922000637577CC2B3200F8D74F00000000004F0300884AFAA9C394818D4421120102".repeat(5).slice(
  0,
  372,
);

function part(size: number, ranks: number[], open = ranks): PmiPart {
  const pmi = new PmiPart({ size, ranks, kvsname: "kvs_1", values: { PMI_process_mapping: MAPPING } });
  for (const rank of open) pmi.receive(rank, INIT);
  return pmi;
}

/** What is answered to one rank. */
function replies(actions: readonly PmiPartAction[], rank: number): string[] {
  return actions.flatMap((action) => action.kind === "reply" && action.rank === rank ? [action.line] : []);
}

Deno.test("PmiPart leads MPICH's rank 0 of 4 from init to finalize", () => {
  const pmi = part(4, [0], []);
  const exchanged: unknown[] = [];
  const say = (line: string) => {
    const actions = pmi.receive(0, line);
    const exchange = actions.find((action) => action.kind === "exchange");
    if (exchange) exchanged.push(exchange.puts);
    return replies([...actions, ...exchange ? pmi.complete(exchange.puts) : []], 0)[0];
  };
  for (
    const [line, answer] of [
      [INIT, "cmd=response_to_init rc=0 pmi_version=1 pmi_subversion=1"],
      ["cmd=get_maxes", "cmd=maxes rc=0 kvsname_max=256 keylen_max=64 vallen_max=1024"],
      ["cmd=get_appnum", "cmd=appnum rc=0 appnum=0"],
      ["cmd=get_my_kvsname", "cmd=my_kvsname rc=0 kvsname=kvs_1"],
      ["cmd=get kvsname=kvs_1 key=PMI_process_mapping", `cmd=get_result rc=0 value=${MAPPING}`],
      ["cmd=barrier_in", "cmd=barrier_out rc=0"],
      ["cmd=put kvsname=kvs_1 key=-bcast-1-0 value=2F6465762F73686D", "cmd=put_result rc=0"],
      ["cmd=barrier_in", "cmd=barrier_out rc=0"],
      [`cmd=put kvsname=kvs_1 key=-allgather-shm-1-0 value=${ADDRESS}`, "cmd=put_result rc=0"],
      ["cmd=barrier_in", "cmd=barrier_out rc=0"],
      ["cmd=get kvsname=kvs_1 key=-allgather-shm-1-0", `cmd=get_result rc=0 value=${ADDRESS}`],
      ["cmd=get_universe_size", "cmd=universe_size rc=0 size=4"],
      ["cmd=barrier_in", "cmd=barrier_out rc=0"],
      ["cmd=finalize", "cmd=finalize_ack rc=0"],
    ] as const
  ) {
    assertEquals(say(line), answer, line);
  }
  assertEquals(exchanged, [[], [["-bcast-1-0", "2F6465762F73686D"]], [["-allgather-shm-1-0", ADDRESS]], []]);
  assertEquals(pmi.ended(0), []);
});

Deno.test("PmiPart exchanges the puts of all its ranks at once, when the last of them is in the barrier", () => {
  const pmi = part(6, [2, 3, 4]);
  pmi.receive(3, "cmd=put kvsname=kvs_1 key=a value=three");
  assertEquals(pmi.receive(3, "cmd=barrier_in"), []);
  assertEquals(pmi.receive(2, "cmd=barrier_in"), []);
  pmi.receive(4, "cmd=put kvsname=kvs_1 key=b value=four");
  assertEquals(pmi.receive(4, "cmd=barrier_in"), [{ kind: "exchange", puts: [["a", "three"], ["b", "four"]] }]);
  assertEquals(`${pmi.waiting}`, "2-4");
  const out = pmi.complete([["c", "from elsewhere"], ["a", "three"], ["b", "four"]]);
  assertEquals(out, [2, 3, 4].map((rank) => ({ kind: "reply", rank, line: "cmd=barrier_out rc=0" })));
  assertEquals(replies(pmi.receive(2, "cmd=get kvsname=kvs_1 key=c"), 2), ["cmd=get_result rc=0 value=from elsewhere"]);
});

Deno.test("PmiPart answers a key that others have not put yet at once, without a value", () => {
  const pmi = part(2, [1]);
  assertEquals(replies(pmi.receive(1, "cmd=get kvsname=kvs_1 key=12345-0-key0"), 1), [
    "cmd=get_result rc=-1 msg=failure",
  ]);
});

Deno.test("PmiPart tells of a rank that ended between init and finalize", () => {
  assertEquals(part(2, [0, 1]).ended(1), [{ kind: "lost", rank: 1 }]);
});

Deno.test("PmiPart has nothing to say of programs that speak no PMI, however they end", () => {
  const pmi = part(2, [0, 1], []);
  assertEquals([...pmi.ended(0), ...pmi.ended(1)], []);
});

Deno.test("PmiPart tells once of ranks that wait in the barrier for one that has ended", () => {
  const first = part(3, [0, 1, 2], [0, 2]);
  assertEquals(first.ended(1), []);
  assertEquals(first.receive(2, "cmd=barrier_in"), [{ kind: "stuck", rank: 1, waiting: new Idset([2]) }]);
  assertEquals(first.receive(0, "cmd=barrier_in"), []);
  const later = part(2, [0, 1]);
  later.receive(0, "cmd=barrier_in");
  assertEquals(later.receive(1, "cmd=finalize").at(-1), { kind: "stuck", rank: 1, waiting: new Idset([0]) });
  assertEquals(later.ended(1), []);
});

Deno.test("PmiPart survives any bytes, and answers each rank by itself", () => {
  const word = fc.constantFrom(INIT, "cmd=barrier_in", "cmd=put kvsname=kvs_1 key=a value=b", "mcmd=spawn", "endcmd");
  const piece = fc.oneof(
    word.map((line) => new TextEncoder().encode(`${line}\n`)),
    fc.uint8Array({ maxLength: 40 }),
    fc.string({ unit: "grapheme", maxLength: 30 }).map((text) => new TextEncoder().encode(`cmd=${text}\n`)),
  );
  fc.assert(fc.property(fc.array(fc.tuple(fc.nat(1), piece), { maxLength: 40 }), (said) => {
    const pmi = part(2, [0, 1], []);
    const buffers = [new LineBuffer(1216), new LineBuffer(1216)];
    for (const [rank, bytes] of said) {
      const buffer = buffers[rank]!;
      buffer.push(bytes);
      for (let line = buffer.next(); line !== undefined; line = buffer.next()) {
        for (const action of pmi.receive(rank, line)) {
          if (action.kind === "exchange") pmi.complete(action.puts);
          if (action.kind === "reply") assert(action.rank === rank && !action.line.includes("\n"));
        }
      }
    }
  }));
});
