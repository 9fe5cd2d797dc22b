/** What tasks of a job write and read, over trees of simulated brokers. */

import attachCommand from "../../commands/wreck.ts";
import submit from "../../commands/submit.ts";
import wreckrun from "../../commands/wreckrun.ts";
import { decodeJson, encodeIo, encodeJson, type JsonObject } from "../../broker/message/mod.ts";
import { Kvs } from "../../modules/kvs/client.ts";
import { openReader } from "../../modules/kz/client.ts";
import { JobWatch, type Output } from "../../modules/wreck/client.ts";
import { assert, assertEquals, assertRejects } from "../assert.ts";
import { run, RunningCommand } from "./run_command.ts";
import { forSeeds, type SimSession } from "./session.ts";
import type { Program } from "./spawner.ts";
import { jobSession, runningTasks } from "./wreck.ts";

const utf8 = new TextEncoder(), text = new TextDecoder();

/** Prints numbered lines, one every so many ms: `lines COUNT MS`. */
const lines: Program = async ({ argv, print, clock, killed }) => {
  for (let i = 1; i <= Number(argv[1]) && !killed.aborted; i++) {
    print(`line ${i}\n`);
    if (Number(argv[2]) > 0) await new Promise<void>((resolve) => clock.after(Number(argv[2]), resolve));
  }
  return 0;
};

const linesTo = (count: number) => Array.from({ length: count }, (_, i) => `line ${i + 1}\n`).join("");
const ioSession = (options: Parameters<typeof jobSession>[0]) => jobSession({ programs: { lines }, ...options });
const spec = (cmdline: string[], more: object = {}) => ({
  cmdline,
  environ: {},
  cwd: "/w",
  walltime: 0,
  options: {},
  ...more,
});

async function recorded(session: SimSession, key: string): Promise<string> {
  const read = async () => {
    let whole = "";
    for await (const bytes of await openReader(new Kvs(session.handle(0)), key)) whole += text.decode(bytes);
    return whole;
  };
  return await session.settle(read());
}

Deno.test("output of tasks on all ranks comes as it is written, in order for each, and is kept by name", async () => {
  await forSeeds(4, async (seed) => {
    const session = await ioSession({ size: 7, seed, network: { delay: { min: 0.1, max: 8 } } });
    const { status, out } = await run(session, 5, wreckrun, "-n", "10", "-l", "lines", "40", "3");
    assertEquals(status, 0);
    for (let task = 0; task < 10; task++) {
      const own = out.split("\n").filter((line) => line.startsWith(`${task}: `)).map((line) => `${line.slice(3)}\n`);
      assertEquals(own.join(""), linesTo(40));
    }
    assertEquals(await recorded(session, "lwj.1.9.stdout"), linesTo(40));
    assertEquals(await recorded(session, "lwj.1.9.stderr"), "");
  });
});

Deno.test("who attaches while a job runs, and after its end, sees all of it once", async () => {
  await forSeeds(4, async (seed) => {
    const session = await ioSession({ size: 7, seed, network: { delay: { min: 0.1, max: 8 } } });
    const running = new RunningCommand(session, 2, wreckrun, ["-n3", "lines", "100", "20"]);
    await session.until(() => running.lines.length > 5);
    const late: RunningCommand[] = [];
    for (const rank of [0, 4, 6]) {
      late.push(new RunningCommand(session, rank, attachCommand, ["attach", "-l", "1"]));
      await session.run(session.random.float() * 600);
    }
    const statuses = Promise.all([running, ...late].map(({ status }) => status));
    assertEquals(await session.settle(statuses), [0, 0, 0, 0]);
    late.push(new RunningCommand(session, 3, attachCommand, ["attach", "--label-io", "1"]));
    await session.settle(late.at(-1)!.status);
    for (const { around: { out } } of late) {
      for (const task of [0, 1, 2]) {
        const own = out.split("\n").filter((line) => line.startsWith(`${task}: `)).map((line) => `${line.slice(3)}\n`);
        assertEquals(own.join(""), linesTo(100));
      }
    }
  });
});

/** One who is attached and takes what he likes: only what he gives credit for comes. */
class Slow {
  readonly news: JsonObject[] = [];
  readonly #grant: (credit: number) => void;
  readonly leave: () => void;

  constructor(session: SimSession, rank: number, request: object, credit: number) {
    const handle = session.handle(rank);
    const stream = handle.streamRaw("job.run", encodeJson({ ...request, watch: { credit } }));
    const read = async () => {
      for await (const payload of stream) this.news.push(decodeJson(payload));
    };
    read().catch(() => {});
    this.#grant = (credit) => handle.post("job.grant", { matchtag: stream.matchtag, credit });
    this.leave = () => void stream.return();
  }

  grant(credit: number): void {
    this.#grant(credit);
  }

  get text(): string {
    return this.news.flatMap(({ pieces }) => (pieces ?? []) as { data?: string }[]).map(({ data }) => data ?? "").join(
      "",
    );
  }

  get ended(): boolean {
    return this.news.some(({ result }) => result !== undefined);
  }
}

Deno.test("who does not read what a job writes holds up its tasks, and not for ever when he goes", async () => {
  const session = await ioSession({ size: 3 });
  const slow = new Slow(session, 2, spec(["lines", "30000", "1"]), 1000);
  await session.run(10_000);
  const before = slow.text.length;
  assert(before > 0 && before < 80_000, `${before} characters came`);
  await session.run(10_000);
  assertEquals([slow.text.length, slow.ended], [before, false]);
  slow.grant(100_000);
  await session.run(1000);
  assert(slow.text.length > before && !slow.ended);
  slow.leave();
  const { status, out } = await run(session, 1, attachCommand, "attach", "1");
  assertEquals([status, out], [0, linesTo(30_000)]);
});

Deno.test("a job ends when its tasks have, though somebody who is attached does not read", async () => {
  const session = await ioSession({ size: 3 });
  const slow = new Slow(session, 2, spec(["lines", "1000000", "1"], { ntasks: 3 }), 1000);
  await session.run(10_000);
  assertEquals((await run(session, 1, attachCommand, "kill", "1")).status, 0);
  await session.until(() => runningTasks(session) === 0);
  await session.run(5000);
  assert(slow.ended);
});

Deno.test("what is beyond the limit of a task is not kept, and both the record and who comes late say so", async () => {
  const session = await ioSession({ size: 3 });
  const words = ["-n2", "-o", "stdio-limit=1k", "lines", "200", "10"];
  const running = new RunningCommand(session, 1, wreckrun, words);
  await session.until(() => running.lines.length > 350);
  const late = new RunningCommand(session, 2, attachCommand, ["attach", "1"]);
  assertEquals([await session.settle(running.status), await session.settle(late.status)], [0, 0]);
  assertEquals(running.around.out.length, 2 * linesTo(200).length);
  assert(/^wreck: task 0: \d+ bytes of its stdout were not kept$/m.test(late.around.err), late.around.err);
  assertEquals(late.lines.slice(-2), ["line 200", "line 200"]);
  const kept = await recorded(session, "lwj.1.1.stdout");
  assert(kept.length <= 1024 && linesTo(200).startsWith(kept) && kept.endsWith("\n"));
  const lost = linesTo(200).length - kept.length;
  const notice = `wreck: task 1: ${lost} bytes of output beyond 1024 were not kept; ` +
    "--output FILE keeps all, --options stdio-limit=BYTES more\n";
  assertEquals(await recorded(session, "lwj.1.1.stderr"), notice);
});

/** A command with this standard input. */
function withInput(session: SimSession, rank: number, input: string, ...words: string[]): RunningCommand {
  const running = new RunningCommand(session, rank, wreckrun, words);
  running.around.input = utf8.encode(input);
  return running;
}

Deno.test("standard input goes to all tasks, or to those that are named, with its end", async () => {
  const session = await ioSession({ size: 7 });
  const input = linesTo(30_000);
  const all = withInput(session, 5, input, "-n7", "-l", "cat");
  assertEquals(await session.settle(all.status), 0);
  for (let task = 0; task < 7; task++) {
    const own = all.around.out.split("\n").filter((line) => line.startsWith(`${task}: `)).map((line) => line.slice(3));
    assertEquals(own.join("\n") + "\n", input);
  }
  session.files.texts["/in/data"] = "from a file\n";
  const some = withInput(session, 3, "typed\n", "-n4", "-l", "-i", "-:1-2;/in/data:3", "cat");
  assertEquals(await session.settle(some.status), 0);
  assertEquals(some.lines.sort(), ["1: typed", "2: typed", "3: from a file"]);
  const kvs = new Kvs(session.handle(0));
  const read = <T>(work: Promise<T>) => session.settle(work);
  assertEquals((await read(kvs.readlink("lwj.2.1.stdin"))).target, "lwj.2.input.files.stdin");
  assertEquals(await recorded(session, "lwj.2.2.stdin"), "typed\n");
  assertEquals(await read(kvs.get("lwj.2.input.files.0.filename")), "/in/data");
  assertEquals(await read(kvs.exists("lwj.2.3.stdin")), false);
});

Deno.test("a job whose input or output files cannot be had fails by name, and starts nothing", async () => {
  const session = await ioSession({ size: 3 });
  const missing = await run(session, 1, wreckrun, "-n3", "-i", "/in/none", "cat");
  const noted = "wreckrun: Error: input: /in/none: No such file or directory\nwreckrun: job 1 failed\n";
  assertEquals([missing.status, missing.err], [1, noted]);
  const closed = await run(session, 1, wreckrun, "-n3", "-O", "/none/out", "echo", "x");
  const refused = "wreckrun: Error: output: /none/out: No such file or directory\nwreckrun: job 2 failed\n";
  assertEquals([closed.status, closed.err], [1, refused]);
  const kvs = new Kvs(session.handle(0));
  assertEquals(await session.settle(kvs.get("lwj.2.state")), "failed");
  assertEquals(await session.settle(kvs.exists("lwj.2.0.procdesc")), false);
});

Deno.test("output files get all that tasks write, without a limit, and nothing of it goes anywhere else", async () => {
  const session = await ioSession({ size: 3 });
  const words = ["-n3", "-o", "stdio-limit=1", "-O", "/out/{{id}}.{{taskid}}", "lines", "100", "1"];
  const { status, out } = await run(session, 2, wreckrun, ...words);
  assertEquals([status, out], [0, ""]);
  assertEquals(session.files.texts["/out/1.2"], linesTo(100));
  assertEquals([Object.keys(session.files.texts).length, session.files.busy.size], [3, 0]);
  assertEquals(await session.settle(new Kvs(session.handle(0)).exists("lwj.1.0.stdout")), false);
});

Deno.test("one gives a job its input, and when he has gone another can", async () => {
  const session = await ioSession({ size: 3 });
  const outputs: string[] = [];
  const watch = (rank: number, topic: "job.run" | "job.follow", request: object) => {
    const one = new JobWatch(session.handle(rank), topic, request, { input: true });
    const state = { one, known: false, input: false, over: false };
    const read = async () => {
      for await (const news of one) {
        if ("task" in news) outputs.push(text.decode((news as Output).bytes));
        else {
          state.known = true;
          state.input ||= news.input === true;
          state.over ||= news.result !== undefined;
        }
      }
    };
    read().catch(() => {});
    return state;
  };
  const first = watch(1, "job.run", spec(["cat"]));
  await session.until(() => first.input);
  const second = watch(2, "job.follow", { jobid: 1 });
  assertEquals(await session.settle(first.one.write(utf8.encode("one\n"))), true);
  await session.until(() => outputs.length === 2 && second.known);
  assertEquals([second.input, await session.settle(second.one.write(utf8.encode("no\n")))], [false, false]);
  const other = session.handle(2).rpc("job.input", { jobid: 1, io: encodeIo("stdin", "", utf8.encode("no\n")) });
  await assertRejects(session.settle(other), { errno: "EBUSY" });
  first.one.close();
  await session.until(() => second.input);
  second.one.close();
  await session.run(100);
  const third = watch(0, "job.follow", { jobid: 1 });
  await session.until(() => third.input);
  await session.settle(third.one.write(utf8.encode("two\n")));
  await session.settle(third.one.write(undefined));
  await session.until(() => third.over);
  assertEquals(outputs.filter((line) => line === "two\n").length, 1);
  assertEquals(await session.settle(third.one.write(utf8.encode("late\n"))), false);
});

Deno.test("tasks that read nothing hold up who gives them input, and nothing else", async () => {
  const session = await ioSession({ size: 3 });
  const running = withInput(session, 1, "x".repeat(8 << 20), "-n2", "sleep", "60");
  await session.run(30_000);
  assert(running.around.input.length > 4 << 20, `${running.around.input.length} left to read`);
  const { status, out } = await run(session, 2, wreckrun, "echo", "quick");
  assertEquals([status, out], [0, "quick\n"]);
  assertEquals(await session.settle(running.status), 0);
});

Deno.test("no output is lost or doubled while ranks move to other parents", async () => {
  await forSeeds(6, async (seed) => {
    const session = await ioSession({ size: 7, seed, network: { delay: { min: 0.1, max: 4 } } });
    const owner = session.handle(0);
    const running = new RunningCommand(session, 0, wreckrun, ["-n7", "-l", "lines", "300", "5"]);
    await session.until(() => running.lines.length > 20);
    for (const [rank, parent] of [[3, 2], [5, 1], [6, 0], [3, 1]] as const) {
      await session.settle(owner.rpc("cmb.reparent", { uri: `ipc:///sim/tbon-${parent}` }, { rank }));
      await session.run(50 + session.random.float() * 200);
    }
    assertEquals(await session.settle(running.status), 0);
    for (let task = 0; task < 7; task++) {
      const own = running.lines.filter((line) => line.startsWith(`${task}: `)).map((line) => `${line.slice(3)}\n`);
      assertEquals(own.join(""), linesTo(300));
    }
  });
});

Deno.test("what a job writes that nobody watches does not leave its rank, and who comes gets what comes then", async () => {
  const session = await ioSession({ size: 3 });
  await run(session, 0, wreckrun, "-d", "-n3", "-o", "stdio-limit=1k", "lines", "3000", "1");
  await session.run(1500);
  const late = new RunningCommand(session, 2, attachCommand, ["attach", "-l", "1"]);
  assertEquals(await session.settle(late.status), 0);
  for (const task of [0, 1, 2]) {
    const own = late.lines.filter((line) => line.startsWith(`${task}: `)).map((line) => Number(line.split(" ")[2]));
    const gap = own.findIndex((number, i) => number !== i + 1);
    assert(gap > 10 && own[gap]! < 2000, `${own[gap]} after ${own[gap - 1]}`);
    for (const [i, number] of own.slice(gap).entries()) assertEquals(number, own[gap]! + i);
    assertEquals(own.at(-1), 3000);
  }
  assert(/wreck: task 2: \d+ bytes of its stdout were not kept/.test(late.around.err), late.around.err);
});

Deno.test("who attaches to a job that waits for its turn gives it its input when it runs", async () => {
  const session = await ioSession({ size: 2 });
  const first = new RunningCommand(session, 0, submit, ["--wait", "-n4", "sleep", "5"]);
  await session.run(1000);
  assertEquals((await run(session, 0, submit, "-n2", "cat")).status, 0);
  const late = new RunningCommand(session, 1, attachCommand, ["attach", "2"]);
  late.around.input = utf8.encode("typed\n");
  await session.run(1000);
  assertEquals(late.around.out, "");
  assertEquals([await session.settle(late.status), await session.settle(first.status)], [0, 0]);
  assertEquals(late.around.out, "typed\ntyped\n");
});
