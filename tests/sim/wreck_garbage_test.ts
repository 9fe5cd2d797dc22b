/** Requests and events for jobs that are wrong in one place: who sends them may hear why, and nothing else comes of it. */

import { encodeJson, FluxError, type Json, type JsonObject, pack } from "../../broker/message/mod.ts";
import { assertEquals } from "../assert.ts";
import { jobSession } from "./wreck.ts";

const ODD: readonly Json[] = [
  null,
  -1,
  1.5,
  1e300,
  2 ** 40,
  "",
  "\0",
  "0-3",
  "9".repeat(400),
  true,
  [],
  [null],
  {},
  { a: null },
];

const IO = { stream: "stdout", rank: "0", data: "x" };
const SPEC = {
  cmdline: ["true"],
  environ: { A: "b" },
  cwd: "/",
  ntasks: 1,
  nnodes: 1,
  "tasks-per-node": 1,
  walltime: 1,
  options: { "stdio-limit": 5 },
  input: { config: [{ src: "stdin", dst: "0" }] },
  output: { files: { stdout: "/out" }, labelio: true },
  tasks: { 0: { cwd: "/", cpumask: "0", environ: {} } },
};

/** Job 1 runs; what would end it rightly is asked of one that there is not. */
const REQUESTS: Readonly<Record<string, JsonObject>> = {
  "job.create": SPEC,
  "job.submit": { ...SPEC, cc: "1" },
  "job.kill": { jobid: 77, signal: 9 },
  "job.input": { jobid: 1, io: { ...IO, stream: "stdin", encoding: "base64", eof: true } },
  "job.grant": { matchtag: 1, credit: 1 },
  "wreck.start": {
    jobid: 77,
    name: "x",
    spec: SPEC,
    layout: { ranks: [0], cores: [1], cpumask: { 0: "0" } },
    cc: 1,
    order: 1,
  },
  "wreck.signal": { jobid: 1, signal: 18 },
  "wreck.wanted": { jobid: 1 },
  "wreck.input": { jobid: 1, tasks: "0", io: { ...IO, stream: "stdin" } },
  "wreck.output": { jobid: 1, from: 0, seq: 1, pieces: [IO], lost: { "0.stdout": 5 } },
  "wreck.over": { jobid: 1, from: 0 },
  "wreck.abort": { jobid: 77, code: 1, reason: "x" },
  "wreck.pmi-left": { jobid: 77, rank: 0, task: 0, status: 0 },
  "wreck.task-exit": { jobid: 77, task: 0, status: 0 },
  "wreck.clear": { jobid: 77 },
  "wreck.resources": { order: 0, jobs: "1" },
};

/** Meetings of ranks, whose requests are parcels: a head, and a body. */
const PARCELS: Readonly<Record<string, JsonObject>> = {
  "wreck.fence": { name: "lwj.77.startup", scope: "wreck", nprocs: 2, ranks: "0-1", batches: [[1, "x", 1, [1], 1, 1]] },
  "wreck.pmi-merge": { name: "of job 77", scope: "0:1", nprocs: 2, ranks: "0-1", batches: [[1, "x", 1, [1], 1, 1]] },
};

/** Each value with one place of it gone, or odd. */
function* mutants(value: Json): Generator<Json> {
  yield* ODD;
  if (Array.isArray(value)) {
    for (const [i, item] of value.entries()) for (const odd of mutants(item)) yield value.with(i, odd);
  } else if (typeof value === "object" && value !== null) {
    for (const [name, item] of Object.entries(value)) {
      const { [name]: _, ...rest } = value;
      yield rest;
      if (item !== undefined) { for (const odd of mutants(item)) yield { ...value, [name]: odd }; }
    }
  }
}

Deno.test("whatever is wrong with a request or an event, module wreck goes on, and so do its jobs", async () => {
  const session = await jobSession({ size: 2 });
  const handle = session.handle(0);
  const job = handle.stream<JsonObject>("job.run", { cmdline: ["cat"] });
  const running = async () => {
    for await (const { state } of job) if (state === "running") return;
  };
  await session.settle(running());
  const unlike: string[] = [];
  /** Some are never answered. */
  const ask = (topic: string, payload: Uint8Array) => {
    handle.rpcRaw(topic, payload).catch((error) => {
      const isExplained = error instanceof FluxError && error.code !== "ENOSYS" && !error.message.includes("Error:");
      if (!isExplained) unlike.push(`${topic}: ${error.message}`);
    });
  };
  for (const [topic, request] of Object.entries(REQUESTS)) {
    for (const mutant of mutants(request)) ask(topic, encodeJson(mutant as JsonObject));
    await session.run(100);
    assertEquals(unlike.slice(0, 1), []);
  }
  for (const [topic, head] of Object.entries(PARCELS)) {
    for (const mutant of mutants(head)) ask(topic, pack([encodeJson(mutant as JsonObject), encodeJson({ rank: 1 })]));
    await session.run(100);
    assertEquals(unlike.slice(0, 1), []);
  }
  // Without a signal it would be SIGKILL.
  for (const odd of ODD.slice(1)) handle.publish("wreck.1.kill", { signal: odd });
  await session.run(100);
  assertEquals((await session.settle(handle.rpc<JsonObject>("job.queue"))).jobs, 1);
});
