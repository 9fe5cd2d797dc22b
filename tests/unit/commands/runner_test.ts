import { FluxError } from "../../../broker/message/mod.ts";
import { type Command, command, CommandError, type OptionTable, UsageError } from "../../../commands/mod.ts";
import { runCommand } from "../../../commands/runner.ts";
import { assert, assertEquals } from "../../assert.ts";
import { FakeSurroundings, Left } from "./fake_surroundings.ts";

/** Runs `definition` with `words`; what came of it. */
async function run(definition: Command, words: string[] = [], around = new FakeSurroundings()) {
  const status = await runCommand(definition, words, around);
  const { out, err } = around;
  return { status, out, err };
}

/** A command `flux-count` that prints numbers up to its option. */
const count = command({
  name: "count",
  summary: "Count",
  usage: ["[OPTIONS] [WORD]"],
  options: { to: { short: "t", type: "integer", arg: "N", default: 2, help: "Where to end" } },
  async *run({ opts, args }) {
    for (let i = 1; i <= opts.to; i++) yield { i, word: args[0] };
  },
  human: ({ i, word }) => i === 3 ? null : `${i} ${word ?? "-"}`,
});

/** A command whose `run` fails with `error`, after it printed a line. */
function failing(error: unknown, more: Partial<Command> = {}): Command {
  return command<OptionTable, unknown>({
    name: "fail",
    summary: "Fail",
    usage: ["[OPTIONS] X"],
    options: {},
    async *run() {
      yield "before";
      throw error;
    },
    human: (text) => String(text),
    ...more,
  });
}

Deno.test("runCommand() prints records for people, none for null", async () => {
  assertEquals(await run(count, ["-t4", "x"]), { status: 0, out: "1 x\n2 x\n4 x\n", err: "" });
});

Deno.test("runCommand() prints records as lines of JSON with --json", async () => {
  assertEquals(await run(count, ["--json"]), { status: 0, out: '{"i":1}\n{"i":2}\n', err: "" });
});

Deno.test("runCommand() prints a list as one JSON document when the command says so", async () => {
  const list: Command = { ...count, json: "array" };
  const { out } = await run(list, ["--json"]);
  assertEquals(JSON.parse(out), [{ i: 1 }, { i: 2 }]);
  assertEquals((await run(list, ["--json", "-t0"])).out, "[]\n");
});

Deno.test("runCommand() writes bytes as they are", async () => {
  const raw = command({
    name: "raw",
    summary: "Raw",
    usage: [],
    options: {},
    async *run() {
      yield new Uint8Array([65, 66]);
    },
  });
  assertEquals((await run(raw)).out, "AB");
});

Deno.test("runCommand() gives the status a command returns", async () => {
  const generator = command({
    name: "x",
    summary: "X",
    usage: [],
    options: {},
    async *run() {
      yield "a";
      return 7;
    },
  });
  const plain = command({ name: "x", summary: "X", usage: [], options: {}, run: () => Promise.resolve(8) });
  assertEquals(await run(generator), { status: 7, out: "a\n", err: "" });
  assertEquals(await run(plain), { status: 8, out: "", err: "" });
});

Deno.test("runCommand() prints help on standard output", async () => {
  assertEquals(await run(count, ["-t1", "-h"]), {
    status: 0,
    out: [
      "Usage: flux-count [OPTIONS] [WORD]",
      "  -h, --help             Display this message",
      "      --json             Print JSON instead of text",
      "  -t, --to=N             Where to end",
      "",
    ].join("\n"),
    err: "",
  });
});

Deno.test("runCommand() answers an unknown option in optparse's words, with the nearest name", async () => {
  assertEquals(await run(count, ["--tx"]), {
    status: 1,
    out: "",
    err:
      "flux-count: unrecognized option '--tx'\nTry `flux-count --help' for more information.\nhint: did you mean '--to'?\n",
  });
});

Deno.test("runCommand() offers --json only where a command prints for people", async () => {
  const silent = command({ name: "x", summary: "X", usage: [], options: {}, run: () => Promise.resolve() });
  assertEquals((await run(silent, ["--json"])).err.split("\n")[0], "flux-x: unrecognized option '--json'");
});

Deno.test("runCommand() tells a FluxError in one line, behind what was printed before it", async () => {
  assertEquals(await run(failing(new FluxError("ENOENT", "a.b: No such file or directory"))), {
    status: 1,
    out: "before\n",
    err: "flux-fail: a.b: No such file or directory\n",
  });
});

Deno.test("runCommand() begins error lines with the command's prog", async () => {
  assertEquals((await run(failing(new FluxError("EPERM"), { prog: "flux" }))).err, "flux: Operation not permitted\n");
});

Deno.test("runCommand() gives a CommandError its status and its hint a line", async () => {
  const error = new CommandError("no such rank", { status: 68, hint: "ranks are 0-7" });
  assertEquals(await run(failing(error)), {
    status: 68,
    out: "before\n",
    err: "flux-fail: no such rank\nhint: ranks are 0-7\n",
  });
});

Deno.test("runCommand() says nothing for a CommandError without text", async () => {
  const { status, err } = await run(failing(new CommandError("", { status: 3 })));
  assertEquals([status, err], [3, ""]);
});

Deno.test("runCommand() tells errors as JSON with --json, on standard error", async () => {
  const error = new CommandError("no such rank", { hint: "ranks are 0-7", cause: new FluxError("EHOSTUNREACH") });
  const { err, out } = await run(failing(error), ["--json"]);
  assertEquals(out, '"before"\n');
  assertEquals(err, '{"error":{"message":"no such rank","code":"EHOSTUNREACH","hint":"ranks are 0-7"}}\n');
});

Deno.test("runCommand() leaves a JSON list open when it fails half way", async () => {
  assertEquals((await run(failing(new FluxError("EIO"), { json: "array" }), ["--json"])).out, '[\n"before"');
});

Deno.test("runCommand() follows a UsageError with the usage", async () => {
  assertEquals(
    (await run(failing(new UsageError("specify X")))).err,
    [
      "flux-fail: specify X",
      "Usage: flux-fail [OPTIONS] X",
      "Try `flux-fail --help' for more information.",
      "",
    ].join("\n"),
  );
});

Deno.test("runCommand() hints at options that stand behind the arguments", async () => {
  const extra = failing(new UsageError("too many arguments"));
  const hint = "hint: options go before the first argument";
  assertEquals((await run(extra, ["kvs", "-c", "1"])).err.split("\n")[1], hint);
  assert(!(await run(extra, ["--", "kvs", "-c", "1"])).err.includes(hint));
});

Deno.test("runCommand() prints the whole help on standard error for a UsageError without text", async () => {
  const { status, err } = await run(failing(new UsageError("")));
  assertEquals(status, 1);
  assert(err.startsWith("Usage: flux-fail [OPTIONS] X\n  -h, --help"), err);
});

Deno.test("runCommand() tells a refusal of the operating system as such", async () => {
  const error = new Deno.errors.NotFound("No such file or directory (os error 2): open 'x.js'");
  assertEquals((await run(failing(error))).err, "flux-fail: No such file or directory: open 'x.js'\n");
});

Deno.test("runCommand() calls a mistake in the program an internal error, its place only with FLUX_DEBUG", async () => {
  const quiet = await run(failing(new TypeError("x is not a function")));
  assertEquals(quiet.err.split("\n")[0], "flux-fail: internal error: x is not a function");
  assert(!quiet.err.includes("runner_test.ts"));
  const traced = await run(
    failing(new TypeError("x is not a function")),
    [],
    new FakeSurroundings({ FLUX_DEBUG: "1" }),
  );
  assert(traced.err.includes("runner_test.ts"));
});

Deno.test("runCommand() ends quietly with 141 when the reader of its output is gone", async () => {
  const around = new FakeSurroundings();
  around.refusal = new Deno.errors.BrokenPipe("Broken pipe (os error 32)");
  assertEquals(await run(endless(), [], around), { status: 141, out: "", err: "" });
});

Deno.test("runCommand() says so when standard output cannot be written", async () => {
  const around = new FakeSurroundings();
  around.refusal = new Error("No space left on device (os error 28)");
  assertEquals(await run(endless(), [], around), {
    status: 1,
    out: "",
    err: "flux-endless: cannot write standard output: No space left on device\n",
  });
});

/** Prints one line, then waits until it is told to end; returns `status`. */
function endless(status?: number, heed = true): Command {
  return command({
    name: "endless",
    summary: "Wait",
    usage: [],
    options: {},
    signal: true,
    async *run({ signal }) {
      yield "waiting";
      await new Promise((resolve) => heed && signal.addEventListener("abort", resolve));
      return status;
    },
  });
}

/** Until `around` has seen the line of a command that waits. */
async function waiting(around: FakeSurroundings): Promise<void> {
  while (around.out === "") await new Promise((resolve) => queueMicrotask(() => resolve(undefined)));
}

Deno.test("runCommand() ends a command by its signal, with 130 when it returns nothing", async () => {
  const around = new FakeSurroundings();
  const done = run(endless(), [], around);
  await waiting(around);
  around.send("SIGINT");
  assertEquals(await done, { status: 130, out: "waiting\n", err: "" });
  assertEquals(around.listening, false);
});

Deno.test("runCommand() keeps the status a command returns when a signal ends it", async () => {
  const around = new FakeSurroundings();
  const done = run(endless(0), [], around);
  await waiting(around);
  around.send("SIGTERM");
  assertEquals((await done).status, 0);
});

Deno.test("runCommand() is quiet when a wait throws the signal's reason", async () => {
  const around = new FakeSurroundings();
  const rpc = command({
    name: "rpc",
    summary: "Wait",
    usage: [],
    options: {},
    signal: true,
    async *run({ signal }) {
      yield "waiting";
      await new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
    },
  });
  const done = run(rpc, [], around);
  await waiting(around);
  around.send("SIGTERM");
  assertEquals(await done, { status: 143, out: "waiting\n", err: "" });
});

Deno.test("runCommand() leaves at the second signal, whatever the command does", async () => {
  const around = new FakeSurroundings();
  void run(endless(0, false), [], around);
  await waiting(around);
  around.send("SIGINT");
  let left: unknown;
  try {
    around.send("SIGINT");
  } catch (error) {
    left = error;
  }
  assert(left instanceof Left);
  assertEquals(around.exits, [130]);
});

Deno.test("runCommand() listens for signals only where a command asks for it", async () => {
  let listened = true;
  const around = new FakeSurroundings();
  const deaf = command({
    name: "deaf",
    summary: "Deaf",
    usage: [],
    options: {},
    run() {
      listened = around.listening;
      return Promise.resolve();
    },
  });
  await run(deaf, [], around);
  assertEquals(listened, false);
});

/** Connects twice. */
const connecting = command({
  name: "connect",
  summary: "Connect",
  usage: [],
  options: {},
  async *run({ connect }) {
    yield await connect() === await connect();
  },
});

Deno.test("Context.connect() connects once and the handle is closed at the end", async () => {
  const around = new FakeSurroundings({ FLUX_URI: "local:///x" });
  assertEquals((await run(connecting, [], around)).out, "true\n");
  assertEquals(around.opened, ["local:///x"]);
  assertEquals(around.closed, 1);
});

Deno.test("Context.connect() explains that FLUX_URI is not set", async () => {
  assertEquals(await run(connecting), {
    status: 1,
    out: "",
    err: "flux-connect: FLUX_URI is not set, so there is no broker to talk to\n" +
      "hint: start a session with 'flux start', or set FLUX_URI\n",
  });
});

Deno.test("Context.connect() explains that no broker answers", async () => {
  const around = new FakeSurroundings({ FLUX_URI: "local:///x" });
  around.unreachable = new FluxError("ENOENT", "broker socket /x was not found");
  assertEquals(await run(connecting, [], around), {
    status: 1,
    out: "",
    err: "flux-connect: cannot connect: broker socket /x was not found\n" +
      "hint: start a session with 'flux start', or set FLUX_URI\n",
  });
});

Deno.test("Context.warn() prints a line behind the command's name", async () => {
  const warner = command({
    name: "warn",
    summary: "Warn",
    usage: [],
    options: {},
    run: ({ warn }) => Promise.resolve(warn("rank 3: no response")),
  });
  assertEquals(await run(warner), { status: 0, out: "", err: "flux-warn: rank 3: no response\n" });
});

Deno.test("runCommand() prints 100,000 lines in few writes and in order", async () => {
  const around = new FakeSurroundings();
  around.slow = true;
  await run(count, ["--json", "-t100000"], around);
  assertEquals(around.out.split("\n").length, 100_001);
  assert(around.out.endsWith('{"i":100000}\n'));
  assert(around.writes < 100, `${around.writes} writes`);
});
