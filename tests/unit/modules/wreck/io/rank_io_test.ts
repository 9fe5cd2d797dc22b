import type { Handle } from "../../../../../broker/handle/mod.ts";
import { encodeIo, FluxError } from "../../../../../broker/message/mod.ts";
import type { LocalJob } from "../../../../../modules/wreck/contribution.ts";
import { openRankIo, type RankIo } from "../../../../../modules/wreck/io/rank_io.ts";
import type { OutputReply, OutputRequest } from "../../../../../modules/wreck/io/protocol.ts";
import { assert, assertEquals } from "../../../../assert.ts";
import { virtualClock } from "../../../../sim/virtual_clock.ts";

const bytes = (length: number) => new Uint8Array(length).fill(97);

/** The part of a job on rank 3, tasks 4 and 5, with a rank 0 that answers as `reply` says. */
function world(reply: (request: OutputRequest) => Promise<OutputReply>) {
  const clock = virtualClock();
  const sent: OutputRequest[] = [];
  const did: string[] = [];
  const handle = {
    rpc(_topic: string, request: OutputRequest) {
      sent.push(request);
      return reply(request);
    },
  } as unknown as Handle;
  const spec = { cmdline: ["cat"], environ: {}, ntasks: 6, walltime: 0, options: {} };
  const job: LocalJob = {
    jobid: 1,
    name: "job",
    spec,
    layout: { ranks: [0, 3], cores: [4, 2] },
    rank: 3,
    place: { nodeid: 1, tasks: [4, 5] },
    handle,
    clock,
  };
  const io: RankIo = openRankIo(job, {
    grant: (task, stream, bytes) => void did.push(`grant ${task} ${stream} ${bytes}`),
    write: (task, bytes) => void did.push(`write ${task} ${bytes.length}`),
    end: (task) => void did.push(`end ${task}`),
  });
  return { io, sent, did, clock };
}

const kept: OutputReply = { watched: false, unwanted: [] };

Deno.test("output of one turn goes in one request, what comes meanwhile in the next, and is credited when it is answered", async () => {
  const answers: (() => void)[] = [];
  const { io, sent, did } = world(() => new Promise((resolve) => answers.push(() => resolve(kept))));
  io.output(4, "stdout", bytes(3));
  io.output(4, "stdout", bytes(4));
  io.output(5, "stderr", undefined);
  await Promise.resolve();
  await Promise.resolve();
  io.output(5, "stdout", bytes(1));
  assertEquals([sent.length, sent[0]!.pieces.length, did], [1, 3, []]);
  answers[0]!();
  const closed = io.close();
  while (answers.length < 2) await Promise.resolve();
  answers[1]!();
  await closed;
  assertEquals(did, ["grant 4 stdout 7", "grant 5 stdout 1"]);
  assertEquals(sent.map(({ seq, from, pieces }) => [seq, from, pieces.length]), [[1, 3, 3], [2, 3, 1]]);
});

Deno.test("a request that does not get through is sent again, under its number", async () => {
  let tries = 0;
  const { io, sent, clock } = world(() =>
    ++tries < 3 ? Promise.reject(new FluxError("EHOSTUNREACH")) : Promise.resolve(kept)
  );
  io.output(4, "stdout", bytes(3));
  await clock.settle(io.close());
  assertEquals(sent.map(({ seq }) => seq), [1, 1, 1]);
});

Deno.test("output that nobody wants is counted and not sent, until somebody does; its end is", async () => {
  const { io, sent, did } = world(() => Promise.resolve({ watched: false, unwanted: ["4.stdout"] }));
  io.output(4, "stdout", bytes(3));
  await io.close();
  io.output(4, "stdout", bytes(1 << 20));
  await io.close();
  assertEquals([sent.length, did.at(-1)], [1, `grant 4 stdout ${1 << 20}`]);
  io.output(5, "stdout", bytes(2));
  await io.close();
  assertEquals(sent[1]!.lost, { "4.stdout": 1 << 20 });
  for (let i = 0; i < 4; i++) io.output(4, "stdout", bytes(1 << 20));
  await io.close();
  assertEquals([sent.length, sent[2]!.pieces, sent[2]!.lost], [3, [], { "4.stdout": 4 << 20 }]);
  io.wanted();
  io.output(4, "stdout", bytes(5));
  io.output(4, "stdout", undefined);
  await io.close();
  assertEquals(sent[3]!.pieces.map(({ data, eof }) => data ?? eof), ["aaaaa", true]);
});

Deno.test("input is answered when the tasks have taken it but for a little, or have gone", async () => {
  const { io, did } = world(() => Promise.resolve(kept));
  for (const task of [4, 5]) io.inputCredit(task, 4 << 20);
  let answered = 0;
  const give = (length: number) =>
    void io.input({ tasks: "4-5", io: encodeIo("stdin", "", bytes(length)) }).then(() => answered++);
  give(1 << 17);
  await Promise.resolve();
  await Promise.resolve();
  assertEquals([answered, did], [1, [`write 4 ${1 << 17}`, `write 5 ${1 << 17}`]]);
  give(10);
  io.inputCredit(4, 1 << 17);
  await Promise.resolve();
  assertEquals(answered, 1);
  io.exited(5);
  for (let i = 0; i < 5; i++) await Promise.resolve();
  assertEquals(answered, 2);
  await io.input({ tasks: "4-5", io: encodeIo("stdin", "", undefined) });
  assertEquals(did.slice(4), ["end 4"]);
  assert(io.hasInput(4));
});
