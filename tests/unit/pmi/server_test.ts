/** The server's side of PMI-1, line by line (wire.md §6; limits and texts: rulings.md). */

import { assertEquals } from "../../assert.ts";
import { type PmiAction, PmiServer } from "../../../broker/pmi/mod.ts";

const INIT = "cmd=init pmi_version=1 pmi_subversion=1";

/** A server whose ranks have all said hello. */
function server(size: number, values: Record<string, string> = {}): PmiServer {
  const pmi = new PmiServer({ size, kvsname: "kvs_1", values });
  for (let rank = 0; rank < size; rank++) pmi.receive(rank, INIT);
  return pmi;
}

const reply = (rank: number, line: string): PmiAction => ({ kind: "reply", rank, line });

for (
  const [question, answer] of [
    [INIT, "cmd=response_to_init rc=0 pmi_version=1 pmi_subversion=1"],
    ["cmd=init pmi_version=2 pmi_subversion=0", "cmd=response_to_init rc=-1"],
    ["cmd=init pmi_version=1 pmi_subversion=0", "cmd=response_to_init rc=-1"],
    ["cmd=init", "cmd=response_to_init rc=-1"],
    ["cmd=get_maxes", "cmd=maxes rc=0 kvsname_max=256 keylen_max=64 vallen_max=1024"],
    ["cmd=get_universe_size", "cmd=universe_size rc=0 size=3"],
    ["cmd=get_appnum", "cmd=appnum rc=0 appnum=0"],
    ["cmd=get_my_kvsname", "cmd=my_kvsname rc=0 kvsname=kvs_1"],
    ["cmd=put kvsname=kvs_1 key=a value=b", "cmd=put_result rc=0"],
    ["cmd=put kvsname=other key=a value=b", "cmd=put_result rc=-1 msg=unknown kvsname"],
    ["cmd=put kvsname=kvs_1 key=a", "cmd=put_result rc=-1 msg=key or value is missing"],
    ["cmd=put kvsname=kvs_1 key= value=b", "cmd=put_result rc=-1 msg=key or value is missing"],
    [`cmd=put kvsname=kvs_1 key=${"k".repeat(64)} value=b`, "cmd=put_result rc=0"],
    [`cmd=put kvsname=kvs_1 key=${"k".repeat(65)} value=b`, "cmd=put_result rc=-1 msg=key is longer than 64 bytes"],
    [`cmd=put kvsname=kvs_1 key=a value=${"v".repeat(1024)}`, "cmd=put_result rc=0"],
    [
      `cmd=put kvsname=kvs_1 key=a value=${"v".repeat(1025)}`,
      "cmd=put_result rc=-1 msg=value is longer than 1024 bytes",
    ],
    [`cmd=put kvsname=kvs_1 key=a value=${"ü".repeat(512)}`, "cmd=put_result rc=0"],
    [
      `cmd=put kvsname=kvs_1 key=a value=${"ü".repeat(513)}`,
      "cmd=put_result rc=-1 msg=value is longer than 1024 bytes",
    ],
    ["cmd=get kvsname=kvs_1 key=there", "cmd=get_result rc=0 value=from the start"],
    ["cmd=get kvsname=kvs_1 key=missing", "cmd=get_result rc=-1 msg=failure"],
    ["cmd=get kvsname=other key=there", "cmd=get_result rc=-1 msg=failure"],
    ["cmd=get kvsname=kvs_1", "cmd=get_result rc=-1 msg=failure"],
    ["cmd=publish_name service=s port=p", "cmd=publish_result rc=-1 msg=command not implemented"],
    ["cmd=unpublish_name service=s", "cmd=unpublish_result rc=-1 msg=command not implemented"],
    ["cmd=lookup_name service=s", "cmd=lookup_result rc=-1 msg=command not implemented"],
  ] as const
) {
  Deno.test(`PmiServer.receive() answers "${question.slice(0, 60)}" with "${answer.slice(0, 50)}"`, () => {
    const pmi = server(3, { there: "from the start" });
    assertEquals(pmi.receive(1, question), [reply(1, answer)]);
  });
}

Deno.test("PmiServer.receive() gives a value back as it was put, spaces and equal signs included", () => {
  const pmi = server(2);
  pmi.receive(0, 'cmd=put kvsname=kvs_1 key=0 value={"uri": ["a=b"]}');
  assertEquals(pmi.receive(1, "cmd=get kvsname=kvs_1 key=0"), [reply(1, 'cmd=get_result rc=0 value={"uri": ["a=b"]}')]);
});

Deno.test("PmiServer.receive() takes a new value for a key that is there", () => {
  const pmi = server(1);
  pmi.receive(0, "cmd=put kvsname=kvs_1 key=k value=1");
  assertEquals(pmi.receive(0, "cmd=put kvsname=kvs_1 key=k value=2"), [reply(0, "cmd=put_result rc=0")]);
  assertEquals(pmi.receive(0, "cmd=get kvsname=kvs_1 key=k"), [reply(0, "cmd=get_result rc=0 value=2")]);
});

Deno.test("PmiServer.receive() opens a barrier when the last rank is there, again and again", () => {
  const pmi = server(3);
  for (let round = 0; round < 2; round++) {
    assertEquals(pmi.receive(2, "cmd=barrier_in"), []);
    assertEquals(pmi.receive(0, "cmd=barrier_in"), []);
    assertEquals(`${pmi.waiting}`, "0,2");
    assertEquals(
      pmi.receive(1, "cmd=barrier_in"),
      [0, 1, 2].map((rank) => reply(rank, "cmd=barrier_out rc=0")),
    );
    assertEquals(pmi.waiting.size, 0);
  }
});

Deno.test("PmiServer.receive() closes after finalize, and says no more to that rank before another init", () => {
  const pmi = server(1);
  assertEquals(pmi.receive(0, "cmd=finalize"), [reply(0, "cmd=finalize_ack rc=0"), { kind: "close", rank: 0 }]);
  assertEquals(pmi.receive(0, "cmd=get_maxes"), [{ kind: "close", rank: 0, error: '"get_maxes" before init' }]);
});

Deno.test("PmiServer.receive() skips a spawn command to its end and refuses it", () => {
  const pmi = server(1);
  for (const line of ["mcmd=spawn", "nprocs=2", "execname=/bin/true", "preput_num=0"]) {
    assertEquals(pmi.receive(0, line), []);
  }
  assertEquals(pmi.receive(0, "endcmd"), [reply(0, "cmd=spawn_result rc=-1")]);
  assertEquals(pmi.receive(0, "cmd=get_appnum"), [reply(0, "cmd=appnum rc=0 appnum=0")]);
});

for (
  const [line, code, text] of [
    ["cmd=abort", 1, ""],
    ["cmd=abort exitcode=7", 7, ""],
    ["cmd=abort exit_code=9 error_msg=out of luck", 9, "out of luck"],
    ["cmd=abort exitcode=x", 1, ""],
  ] as const
) {
  Deno.test(`PmiServer.receive() takes "${line}" as the end of all with status ${code}`, () => {
    assertEquals(server(1).receive(0, line), [{ kind: "abort", rank: 0, code, text }]);
  });
}

for (
  const [line, error] of [
    ["hello", 'malformed PMI line "hello"'],
    ["cmd=get kvsname key=a", 'malformed PMI line "cmd=get kvsname key=a"'],
    ["cmd=fetch", 'unknown command "fetch"'],
    ["", 'unknown command ""'],
    [`cmd=put kvsname=kvs_1 key=a value=${"v".repeat(1217)}`, "line is longer than 1216 bytes"],
  ] as const
) {
  Deno.test(`PmiServer.receive() ends the conversation at "${line.slice(0, 40)}"`, () => {
    assertEquals(server(1).receive(0, line), [{ kind: "close", rank: 0, error }]);
  });
}

Deno.test("PmiServer.receive() ends the conversation with a rank that enters a barrier twice", () => {
  const pmi = server(2);
  pmi.receive(0, "cmd=barrier_in");
  const error = "second barrier_in before barrier_out";
  assertEquals(pmi.receive(0, "cmd=barrier_in"), [{ kind: "close", rank: 0, error }]);
});
