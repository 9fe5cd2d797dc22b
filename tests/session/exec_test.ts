/** Programs run on many ranks of a real session: output, input, status, signals, and what happens when somebody dies. */

import { open } from "../../broker/handle/mod.ts";
import { decodeJson, encodeJson, type JsonObject } from "../../broker/message/mod.ts";
import { GUARD } from "../../broker/service/exec/guard.ts";
import { assert, assertEquals } from "../assert.ts";
import { type Session, spawnFlux, startSession, until } from "./session.ts";

const MIB = 1 << 20;
/** What a task writes to a reader that is slow, bytes: a gigabyte where there is time for it. */
const SIZE = Deno.env.get("FLUX_TEST_LONG") ? 1_000_000_000 : 200_000_000;

/** The command under way, with what it has written to standard output so far. */
class Running {
  readonly child: Deno.ChildProcess;
  stdout = "";
  readonly ended: Promise<{ code: number; stderr: string }>;

  constructor(session: Session, args: readonly string[], options: Deno.CommandOptions = {}) {
    this.child = spawnFlux(args, { cwd: session.directory, ...options, env: { FLUX_URI: session.uri() } });
    this.ended = this.#read();
  }

  async line(count = 1): Promise<string[]> {
    await until(`${count} lines`, () => this.stdout.split("\n").length > count);
    return this.stdout.split("\n").slice(0, -1);
  }

  async #read() {
    const text = async (stream: ReadableStream<Uint8Array>, take: (text: string) => void) => {
      const decoder = new TextDecoder();
      for await (const bytes of stream) take(decoder.decode(bytes, { stream: true }));
    };
    let stderr = "";
    await Promise.all([
      text(this.child.stdout, (more) => this.stdout += more),
      text(this.child.stderr, (more) => stderr += more),
    ]);
    return { code: (await this.child.status).code, stderr };
  }
}

function lives(pid: string): boolean {
  try {
    return !/\) [ZX]/.test(Deno.readTextFileSync(`/proc/${pid}/stat`));
  } catch {
    return false;
  }
}

function resident(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(Deno.readTextFileSync(`/proc/${pid}/status`))![1]) / 1024;
}

async function run(session: Session, ...args: string[]) {
  const { code, stdout, stderr } = await session.flux(["exec", ...args]);
  return [code, stdout, stderr] as const;
}

Deno.test("flux exec runs a program on the ranks it is told and labels their lines", async () => {
  await using session = await startSession({ size: 4 });
  const sorted = (text: string) => text.split("\n").sort().join("\n");
  const [code, stdout, stderr] = await run(session, "-l", "sh", "-c", 'echo "${FLUX_URI##*-}"; printf end');
  assertEquals([code, stderr], [0, ""]);
  assertEquals([...stdout.matchAll(/^(\d): \1$/gm)].length >= 1 && stdout.match(/end/g)!.length, 4);
  assertEquals(sorted((await run(session, "-l", "-r", "0,2-3", "echo", "hi"))[1]), sorted("0: hi\n2: hi\n3: hi\n"));
  assertEquals((await run(session, "-x", "0-2", "-l", "echo", "hi"))[1], "3: hi\n");
  assertEquals((await run(session, "-r", "1", "-d", "/usr", "pwd"))[1], "/usr\n");
  const both = await session.flux(["exec", "-n", "-r", "2", "sh", "-c", "echo out; echo err >&2"]);
  assertEquals([both.stdout, both.stderr], ["out\n", "err\n"]);
});

Deno.test("flux exec ends with the highest status of its tasks and says what could not be run", async () => {
  await using session = await startSession({ size: 2 });
  assertEquals(await run(session, "sh", "-c", "exit $((3 + ${FLUX_URI##*-}))"), [4, "", ""]);
  assertEquals(await run(session, "-r", "1", "sh", "-c", "kill -9 $$"), [137, "", ""]);
  const error = (rank: number, text: string) => `exec: Error: rank ${rank}: ${text}\n`;
  assertEquals(await run(session, "-r", "1", "nosuch"), [127, "", error(1, "No such file or directory")]);
  assertEquals(await run(session, "-r", "0", "/etc/passwd"), [126, "", error(0, "Permission denied")]);
  assertEquals(await run(session, "-r", "1,7", "echo", "hi"), [68, "hi\n", error(7, "No route to host")]);
  const nowhere = await run(session, "-r", "1", "-d", "/nosuch", "true");
  assertEquals(nowhere, [127, "", error(1, "/nosuch: No such file or directory")]);
  assertEquals(await run(session), [1, "", "exec: Command to run required\n"]);
});

Deno.test("flux exec --collapse tells equal output once, with its ranks", async () => {
  await using session = await startSession({ size: 4 });
  const [code, stdout] = await run(
    session,
    "--collapse",
    "sh",
    "-c",
    "echo same; [ ${FLUX_URI##*-} != 3 ] || echo more",
  );
  const rule = "-".repeat(16);
  assertEquals(code, 0);
  assert(stdout.startsWith(`${rule}\n[0-2] (3 ranks on `), stdout);
  assert(stdout.includes(`${rule}\nsame\n${rule}\n3 (1 rank on `) && stdout.endsWith("\nsame\nmore\n"), stdout);
});

Deno.test("flux exec carries binary input through several brokers and back unchanged", async () => {
  await using session = await startSession({ size: 8, arity: 1 });
  const bytes = new Uint8Array(3 * MIB + 17);
  for (let at = 0; at < bytes.length; at += 65536) crypto.getRandomValues(bytes.subarray(at, at + 65536));
  const child = spawnFlux(["exec", "-r", "7", "cat"], { stdin: "piped", env: { FLUX_URI: session.uri() } });
  const writing = new Blob([bytes]).stream().pipeTo(child.stdin);
  const { code, stdout } = await child.output();
  await writing;
  assertEquals(code, 0);
  assert(stdout.length === bytes.length && stdout.every((byte, i) => byte === bytes[i]), "other bytes came back");
});

Deno.test("flux exec gives its input to every task", async () => {
  await using session = await startSession({ size: 3 });
  const { stdout } = await session.flux(["exec", "-l", "wc", "-c"], { stdin: "x".repeat(200_000) });
  assertEquals(stdout.split("\n").sort().slice(1), ["0: 200000", "1: 200000", "2: 200000"]);
});

Deno.test("flux exec loses none of 1.5 million lines", async () => {
  await using session = await startSession({ size: 3 });
  const child = spawnFlux(["exec", "-n", "-l", "-r", "1-2", "seq", "750000"], { env: { FLUX_URI: session.uri() } });
  const next = [0, 1, 1];
  let rest = "";
  const decoder = new TextDecoder();
  for await (const bytes of child.stdout) {
    const lines = (rest + decoder.decode(bytes, { stream: true })).split("\n");
    rest = lines.pop()!;
    for (const line of lines) {
      const rank = Number(line[0]);
      if (line !== `${rank}: ${next[rank]}`) throw new Error(`expected ${next[rank]} of rank ${rank}, got "${line}"`);
      next[rank]!++;
    }
  }
  assertEquals([(await child.status).code, rest, next], [0, "", [0, 750_001, 750_001]]);
});

Deno.test("a reader that does not read holds a task back, and the brokers' memory stays as it is", async () => {
  await using session = await startSession({ size: 2 });
  const before = [0, 1].map((rank) => resident(session.pid(rank)));
  const child = spawnFlux(["exec", "-n", "-r", "1", "sh", "-c", `echo $$; exec head -c ${SIZE} /dev/zero`], {
    env: { FLUX_URI: session.uri() },
  });
  const reader = child.stdout.getReader();
  const first = (await reader.read()).value!;
  const pid = /^\d+/.exec(new TextDecoder().decode(first))![0];
  await until("the task to wait", () => Deno.readTextFileSync(`/proc/${pid}/wchan`).includes("pipe"));
  const held = Number(/rchar: (\d+)/.exec(Deno.readTextFileSync(`/proc/${pid}/io`))![1]);
  assert(held < 40 * MIB, `it has written ${held} bytes`);
  const grown = [0, 1].map((rank, i) => resident(session.pid(rank)) - before[i]!);
  assert(grown.every((mib) => mib < 120), `grown by ${grown} MiB`);
  let count = first.length;
  for (let piece = await reader.read(); !piece.done; piece = await reader.read()) count += piece.value.length;
  const { code } = await child.status;
  await child.stderr.cancel();
  assertEquals([code, count], [0, `${pid}\n`.length + SIZE]);
  const after = [0, 1].map((rank, i) => resident(session.pid(rank)) - before[i]!);
  assert(after.every((mib) => mib < 200), `grown by ${after} MiB`);
});

Deno.test("a task that never reads takes no more input than its credit, and its client still ends with it", async () => {
  await using session = await startSession({ size: 2 });
  const running = new Running(session, ["exec", "-r", "1", "sh", "-c", "echo begun; sleep 1; echo done"], {
    stdin: "piped",
  });
  await running.line();
  const writer = running.child.stdin.getWriter();
  let written = 0;
  const filling = (async () => {
    for (;;) {
      await writer.write(new Uint8Array(MIB));
      written += MIB;
    }
  })().catch(() => {});
  const { code } = await running.ended;
  await filling;
  assertEquals([code, running.stdout], [0, "begun\ndone\n"]);
  assert(written < 16 * MIB, `${written} bytes were taken`);
});

Deno.test("a task that closes its output goes on, and one that leaves a process behind is waited for", async () => {
  await using session = await startSession({ size: 2 });
  assertEquals(await run(session, "-n", "-r", "1", "sh", "-c", "exec >&- 2>&-; sleep 0.3; exit 5"), [5, "", ""]);
  const [code, stdout] = await run(session, "-n", "-r", "1", "sh", "-c", "(sleep 0.3; echo late) & exit 6");
  assertEquals([code, stdout], [6, "late\n"]);
});

Deno.test("flux exec passes a signal on to the tasks, and a second one kills what ignores it", async () => {
  await using session = await startSession({ size: 2 });
  const polite = new Running(session, [
    "exec",
    "-n",
    "sh",
    "-c",
    'trap "echo bye; exit 7" INT; echo $$; while :; do sleep 0.05; done',
  ]);
  await polite.line(2);
  polite.child.kill("SIGINT");
  assertEquals((await polite.ended).code, 7);
  assertEquals(polite.stdout.match(/bye/g)!.length, 2);
  const stubborn = new Running(session, [
    "exec",
    "-n",
    "sh",
    "-c",
    'trap "" INT TERM; echo $$; (trap "" INT; sleep 1000); :',
  ]);
  const pids = await stubborn.line(2);
  stubborn.child.kill("SIGINT");
  stubborn.child.kill("SIGINT");
  await until("the second signal to be taken", async () => {
    stubborn.child.kill("SIGINT");
    return await Promise.race([stubborn.ended.then(() => true), Promise.resolve(false)]);
  }).catch(() => {});
  assertEquals((await stubborn.ended).code, 130);
  await until("the tasks to be gone", () => !pids.some(lives));
});

Deno.test("a client that is killed leaves no process behind on any rank", async () => {
  await using session = await startSession({ size: 4 });
  const running = new Running(session, [
    "exec",
    "-n",
    "sh",
    "-c",
    'trap "" TERM HUP INT PIPE; sleep 1000 & echo $!; echo $$; wait',
  ]);
  const pids = await running.line(8);
  assert(pids.every(lives), pids.join(" "));
  running.child.kill("SIGKILL");
  await running.ended;
  await until("the tasks to be gone", () => !pids.some(lives));
  await until(
    "the lists to be empty",
    async () => (await session.flux(["ps", "-r", "1-3"])).stdout.split("\n").length === 2,
  );
});

Deno.test("a broker that is killed leaves no task behind, and its client says which rank was lost", async () => {
  await using session = await startSession({ size: 4, arity: 1 });
  const running = new Running(session, [
    "exec",
    "-n",
    "-r",
    "2-3",
    "sh",
    "-c",
    'trap "" TERM HUP; sleep 1000 & echo $!; echo $$; wait',
  ]);
  const pids = await running.line(4);
  Deno.kill(session.pid(3), "SIGKILL");
  await until("its tasks to be gone", () => pids.filter(lives).length === 2);
  Deno.kill(session.pid(2), "SIGKILL");
  const { code, stderr } = await running.ended;
  assertEquals(code, 68);
  assert(stderr.includes("exec: Error: rank 3: No route to host"), stderr);
  await until("all tasks to be gone", () => !pids.some(lives));
});

Deno.test("a task that the guard was not told of is found by it when the broker is gone", async () => {
  // Stands for the broker: it has a task, and a guard whose input ends with it, and who has left its process group.
  const guard = `setsid sh -c 'echo on guard; exec sh -c "$0" guard "$1"' "$2" "$1"`;
  const script = `FLUX_URI="$1" setsid sleep 1000 & echo $!; sleep 1000 | ${guard}`;
  const uri = `local:///nowhere/${crypto.randomUUID()}`;
  const broker = new Deno.Command("sh", { args: ["-c", script, "sh", uri, GUARD], stdout: "piped", detached: true })
    .spawn();
  const reader = broker.stdout.getReader();
  let said = "";
  while (!said.includes("on guard")) said += new TextDecoder().decode((await reader.read()).value);
  const pid = said.split("\n", 1)[0]!;
  assert(lives(pid));
  Deno.kill(-broker.pid, "SIGKILL");
  await until("the task to be gone", () => !lives(pid), 10_000);
  await reader.cancel();
  await broker.status;
});

Deno.test("a client whose broker is killed leaves no task behind on other ranks", async () => {
  await using session = await startSession({ size: 7 });
  // Rank 3 is below 1, rank 5 below 2: the request goes over three brokers, and only one of them sees the death.
  const child = spawnFlux(["exec", "-n", "-r", "5", "sh", "-c", "echo $$; exec sleep 1000"], {
    env: { FLUX_URI: session.uri(3) },
  });
  const reader = child.stdout.getReader();
  const pid = new TextDecoder().decode((await reader.read()).value).trim();
  Deno.kill(session.pid(3), "SIGKILL");
  await until("the task to be gone", () => !lives(pid));
  await reader.cancel();
  await child.stderr.cancel();
  assertEquals((await child.status).code, 1);
});

Deno.test("a session ends its tasks: those that react at once, the others by force", async () => {
  await using session = await startSession({ size: 3 });
  const polite = new Running(session, [
    "exec",
    "-n",
    "-r",
    "0",
    "sh",
    "-c",
    'trap "echo bye; exit 3" TERM; echo $$; while :; do sleep 0.05; done',
  ]);
  const stubborn = new Running(session, [
    "exec",
    "-n",
    "-r",
    "2",
    "sh",
    "-c",
    'trap "" TERM; echo $$; while :; do sleep 1; done',
  ]);
  await polite.line();
  const [pid] = await stubborn.line();
  assertEquals((await session.stop()).code, 0);
  assertEquals([(await polite.ended).code, polite.stdout.split("\n").at(-2)], [3, "bye"]);
  assertEquals((await stubborn.ended).code, 137);
  assert(!lives(pid!));
  assert(session.log.includes("did not end in time: killed"), `${session.log}\n${session.stderr}`);
});

Deno.test("flux ps lists tasks with their rank, pid and owner, and the initial program", async () => {
  await using session = await startSession({ size: 2 });
  const running = new Running(session, ["exec", "-n", "sh", "-c", "echo $$; exec sleep 1000"]);
  const pids = await running.line(2);
  const { stdout } = await session.flux(["ps"]);
  const lines = stdout.split("\n");
  assertEquals(lines[0], "OWNER     RANK       PID  COMMAND");
  assert(/^none {9}0 +\d+ {2}sh$/.test(lines[1]!), stdout);
  for (const pid of pids) {
    assert(lines.some((line) => new RegExp(`^[0-9a-f]{5} {8}[01] +${pid}  sh$`).test(line)), stdout);
  }
  const json = JSON.parse((await session.flux(["ps", "-r", "1", "--json"])).stdout) as { command: string[] }[];
  assertEquals(json.map(({ command }) => command), [["sh", "-c", "echo $$; exec sleep 1000"]]);
  assertEquals((await session.flux(["ps", "-r", "9"])).stderr, "ps: Error: No route to host (rank 9)\n");
  running.child.kill("SIGTERM");
  assertEquals((await running.ended).code, 143);
});

Deno.test("rexec runs a program in the background, keeps its output and waits for it", async () => {
  await using session = await startSession({ size: 2 });
  using handle = await open(session.uri());
  const to = { rank: 1 };
  const exec = (argv: string[], flags: number, label: string) =>
    handle.rpc("rexec.exec", { cmd: { cmdline: argv, env: {}, label }, flags, local_flags: 0 }, to);
  const { type, pid } = await exec(["sh", "-c", "echo $FLUX_URI; sleep 0.2; exit 3"], 1 | 2 | 16, "job");
  assertEquals(type, "started");
  const taken = await exec(["true"], 16, "job").catch((error) => error.code);
  assertEquals(taken, "EEXIST");
  const happened: JsonObject[] = [];
  for await (const news of handle.stream("rexec.attach", { pid: -1, label: "job", flags: 3 }, to)) happened.push(news);
  assertEquals([happened[0]!.type, happened.some((news) => news.type === "finished")], ["attached", true]);
  const { procs } = await handle.rpc("rexec.list", {}, to);
  assertEquals(procs, [{ pid: pid!, cmd: "sh", label: "job", state: "Z" }]);
  const { status, output } = await handle.rpc("rexec.wait", { pid: -1, label: "job" }, to);
  assertEquals(status, 768);
  assertEquals((output as JsonObject[])[0]!.data, `${session.uri(1)}\n`);
  const gone = await handle.rpc("rexec.wait", { pid: pid! }, to).catch((error) => [error.code, error.message]);
  assertEquals(gone, ["ESRCH", `pid ${pid} does not belong to any subprocess`]);
});

Deno.test("rexec tells when a task is stopped", async () => {
  await using session = await startSession({ size: 1 });
  using handle = await open(session.uri());
  const cmd = { cmdline: ["sleep", "0.2"], env: { PATH: Deno.env.get("PATH")! } };
  const happened: unknown[] = [];
  let pid = 0;
  for await (const news of handle.stream("rexec.exec", { cmd, flags: 0, local_flags: 0 })) {
    happened.push(news.type);
    if (news.type === "started") pid = Number(news.pid);
    if (news.type === "started") await handle.rpc("rexec.kill", { pid, signum: 19 });
    if (news.type === "stopped") await handle.rpc("rexec.kill", { pid, signum: 18 });
  }
  assertEquals(happened, ["started", "stopped", "finished"]);
});

Deno.test("rexec gives a task channels of its own, both ways", async () => {
  await using session = await startSession({ size: 1 });
  using handle = await open(session.uri());
  const cmd = {
    cmdline: ["bash", "-c", 'read word <&"$AUX"; echo "got $word" >&"$AUX"'],
    env: { PATH: Deno.env.get("PATH")! },
    channels: ["AUX"],
  };
  const stream = handle.streamRaw("rexec.exec", encodeJson({ cmd, flags: 1 | 2 | 4, local_flags: 0 }));
  const data: unknown[] = [];
  for await (const payload of stream) {
    const news = decodeJson(payload);
    const io = news.io as JsonObject | undefined;
    if (news.type === "started") {
      handle.post("rexec.write", { matchtag: stream.matchtag, io: { stream: "AUX", rank: "0", data: "hello\n" } });
    }
    if (io?.stream === "AUX") data.push(io.data ?? "eof");
    if (io?.stream === "stderr" && io.data) data.push(io.data);
  }
  assertEquals(data, ["got hello\n", "eof"]);
});
