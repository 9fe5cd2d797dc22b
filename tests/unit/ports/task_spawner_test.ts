/** Tasks as real processes: what they find, how they are fed and read, how they end. */

import { systemSpawner, type Task, type TaskOptions } from "../../../broker/ports/mod.ts";
import { assert, assertEquals, assertRejects } from "../../assert.ts";
import { until } from "../../session/session.ts";

const PATH = "/usr/bin:/bin";

function start(argv: readonly string[], options: Partial<TaskOptions> = {}): Promise<Task> {
  const streams = { stdin: "null", stdout: "piped", stderr: "null" } as const;
  return systemSpawner.spawnTask({ argv, env: { PATH }, ...streams, ...options });
}

const sh = (script: string, options: Partial<TaskOptions> = {}) => start(["sh", "-c", script], options);

async function text(stream: ReadableStream<Uint8Array> | null): Promise<string> {
  return await new Response(stream as ReadableStream<Uint8Array<ArrayBuffer>>).text();
}

/** What every child of this process gets: what is not closed on exec. */
const inherited = [...Deno.readDirSync("/proc/self/fd")].map(({ name }) => Number(name)).filter((fd) => {
  try {
    return !(parseInt(/flags:\t(\d+)/.exec(Deno.readTextFileSync(`/proc/self/fdinfo/${fd}`))![1]!, 8) & 0o2000000);
  } catch {
    return false; // the directory itself, closed meanwhile
  }
});

const openDescriptors = () => [...Deno.readDirSync("/proc/self/fd")].length;

Deno.test("a task has the words, the environment and the directory it was given, and nothing else", async () => {
  const script = 'echo "$0|$1|$A"; pwd; env | sort | tr "\\n" " "; ls -m /proc/self/fd';
  const env = { PATH, A: "ä b\nc" };
  const task = await start(["sh", "-c", script, "zero", ""], { env, cwd: "/usr" });
  const lines = (await text(task.stdout)).split("\n");
  assertEquals(lines.slice(0, 3), ["zero||ä b", "c", "/usr"]);
  const descriptors = lines[3]!.replace(`A=ä b c PATH=${PATH} PWD=/usr `, "").split(", ").map(Number);
  // `ls` has the directory that it reads open as well.
  assertEquals(descriptors.filter((fd) => fd > 2 && !inherited.includes(fd)).length, 1, lines[3]);
  assertEquals(await task.status, { code: 0, signal: null });
});

Deno.test("a task leads a session of its own, and none of its signals is blocked or ignored by us", async () => {
  const task = await sh("ps -o sid=,pgid= -p $$; grep -E '^Sig(Blk|Ign)' /proc/self/status");
  const words = (await text(task.stdout)).trim().split(/\s+/);
  const none = "0".repeat(16);
  // SIGPIPE, and two of the C library's own, are ignored by us; anything else by who has started the test.
  const others = (BigInt(`0x${ownIgnored()}`) & ~(1n << 12n | 3n << 31n)).toString(16).padStart(16, "0");
  assertEquals(words, [`${task.pid}`, `${task.pid}`, "SigBlk:", none, "SigIgn:", others]);
});

function ownIgnored(): string {
  return /^SigIgn:\t(.*)$/m.exec(Deno.readTextFileSync("/proc/self/status"))![1]!;
}

for (
  const [argv, cwd, errno, message] of [
    [["nosuch"], undefined, "ENOENT", "nosuch: No such file or directory"],
    [["/etc/passwd"], undefined, "EACCES", "/etc/passwd: Permission denied"],
    [["/usr"], undefined, "EACCES", "/usr: Is a directory"],
    [["true"], "/no/such", "ENOENT", "/no/such: No such file or directory"],
    [["true"], "/etc/passwd", "ENOTDIR", "/etc/passwd: Not a directory"],
    [[""], undefined, "ENOENT", "'': No such file or directory"],
  ] as const
) {
  Deno.test(`a task that cannot be started says why: ${message}`, async () => {
    const before = openDescriptors();
    const error = await assertRejects(start(argv, cwd === undefined ? {} : { cwd }), { errno });
    assertEquals(error.message, message);
    assertEquals(openDescriptors(), before);
  });
}

Deno.test("a script without a line that names its interpreter is one for the shell, and nothing else is", async () => {
  const directory = await Deno.makeTempDir();
  try {
    const write = (name: string, text: string) => Deno.writeTextFile(`${directory}/${name}`, text, { mode: 0o755 });
    await write("script", 'echo "$0|$1"');
    await write("empty", "");
    await write("machine", "\x7fELF\0\0");
    const said = async (argv: string[], options: Partial<TaskOptions>) => {
      const task = await start(argv, options);
      return [await text(task.stdout), (await task.status).code];
    };
    assertEquals(await said(["./script", "a b"], { cwd: directory }), ["./script|a b\n", 0]);
    const env = { PATH: directory };
    assertEquals(await said(["script", ""], { env }), [`${directory}/script|\n`, 0]);
    assertEquals(await said(["./empty"], { cwd: directory }), ["", 0]);
    await assertRejects(start(["./machine"], { cwd: directory }), { errno: "ENOEXEC", text: "./machine: Exec format" });
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("a program is found in PATH of the task, in order, past what cannot be run, from its own directory", async () => {
  const root = await Deno.makeTempDir();
  try {
    for (const [name, mode] of [["none", 0o644], ["one", 0o755], ["two", 0o755]] as const) {
      await Deno.mkdir(`${root}/${name}`);
      await Deno.writeTextFile(`${root}/${name}/prog`, `#!/bin/sh\necho ${name}\n`, { mode });
    }
    await Deno.writeTextFile(`${root}/two/lost`, "#!/no/such/interpreter\n", { mode: 0o755 });
    await Deno.writeTextFile(`${root}/two/junk`, "\0 no program\n", { mode: 0o755 });
    const run = async (argv: string[], path: string, cwd: string) =>
      await text((await start(argv, { env: { PATH: path }, cwd })).stdout);
    assertEquals(await run(["prog"], `/nowhere:${root}/none:${root}/one:${root}/two`, "/"), "one\n");
    assertEquals(await run(["prog"], "two:one", root), "two\n");
    assertEquals(await run(["./prog"], "", `${root}/two`), "two\n");
    await assertRejects(run([`${root}/two/lost`], "", "/"), {
      errno: "ENOENT",
      text: "its interpreter does not exist",
    });
    await assertRejects(run([`${root}/two/junk`], "", "/"), { errno: "ENOEXEC" });
    await assertRejects(run(["prog"], `${root}/none`, "/"), { errno: "ENOENT" });
  } finally {
    await Deno.remove(root, { recursive: true });
  }
});

Deno.test("a task tells how it ended: by a code, by a signal, by one without a name", async () => {
  const status = async (script: string) => await (await sh(script)).status;
  assertEquals(await status("exit 3"), { code: 3, signal: null });
  assertEquals(await status("kill -9 $$"), { code: 137, signal: "SIGKILL" });
  assertEquals(await status("kill -40 $$"), { code: 168, signal: "signal 40" });
});

Deno.test("a task is read as fast as somebody reads, and nothing is lost", async () => {
  const task = await sh("head -c 5000000 /dev/zero | tr '\\0' x; echo end");
  const reader = task.stdout!.getReader();
  const { value } = await reader.read();
  let size = value!.length;
  assert(size <= 1 << 16, `${size} bytes at once`);
  await until("the task to wait", () => /S/.test(stateOf(task.pid)));
  let last = "";
  for (let { value } = await reader.read(); value; { value } = await reader.read()) {
    size += value.length;
    last = new TextDecoder().decode(value.slice(-4));
  }
  assertEquals([size, last, (await task.status).code], [5_000_004, "end\n", 0]);
});

function stateOf(pid: number): string {
  return /\) (\w)/.exec(Deno.readTextFileSync(`/proc/${pid}/stat`))![1]!;
}

Deno.test("a task is written to as fast as it reads, up to the end of its input", async () => {
  const task = await sh("sleep 0.05; wc -c", { stdin: "piped" });
  const writer = task.stdin!.getWriter();
  for (let i = 0; i < 20; i++) await writer.write(new Uint8Array(100_000));
  await writer.close();
  assertEquals([await text(task.stdout), (await task.status).code], ["2000000\n", 0]);
});

Deno.test("writing to a task that reads no more fails with EPIPE, and a task whose reader has left gets SIGPIPE", async () => {
  const deaf = await sh("exec <&-; sleep 100", { stdin: "piped" });
  const writer = deaf.stdin!.getWriter();
  const writing = (async () => {
    for (;;) await writer.write(new Uint8Array(1 << 16));
  })();
  await assertRejects(writing, { errno: "EPIPE" });
  deaf.signal(9);
  assertEquals((await deaf.status).signal, "SIGKILL");
  await deaf.stdout!.cancel();
  const talker = await start(["yes"]);
  await talker.stdout!.cancel();
  assertEquals((await talker.status).signal, "SIGPIPE");
});

Deno.test("two hundred tasks at once keep their output apart, and leave no descriptor behind", async () => {
  await (await sh("true", { stdout: "null" })).status;
  const before = openDescriptors();
  const all = await Promise.all(Array.from({ length: 200 }, async (_, i) => {
    const task = await start(["sh", "-c", "cat; exit $((i % 7))"], { stdin: "piped", env: { PATH, i: `${i}` } });
    const writer = task.stdin!.getWriter();
    await writer.write(new TextEncoder().encode(`task ${i}`));
    await writer.close();
    return [await text(task.stdout), (await task.status).code];
  }));
  assertEquals(all, Array.from({ length: 200 }, (_, i) => [`task ${i}`, i % 7]));
  assertEquals(openDescriptors(), before);
});

Deno.test("how a task ends is known also where who has started us had SIGCHLD ignored", async () => {
  const script = `const { systemSpawner } = await import("${new URL("../../../broker/ports/mod.ts", import.meta.url)}");
    const streams = { stdin: "null", stdout: "null", stderr: "null" };
    const task = await systemSpawner.spawnTask({ argv: ["sh", "-c", "exit 5"], env: {}, ...streams });
    console.log((await task.status).code);`;
  const ignoring = 'trap "" CHLD; exec "$@"';
  // The shell of Debian cannot ignore it.
  const { stdout } = await new Deno.Command("bash", {
    args: ["-c", ignoring, "bash", Deno.execPath(), "eval", "--no-config", script],
    stderr: "inherit",
  }).output();
  assertEquals(new TextDecoder().decode(stdout), "5\n");
});

Deno.test("a process ends by itself when its tasks have, and waits for them while they run", async () => {
  const script = `const { systemSpawner } = await import("${new URL("../../../broker/ports/mod.ts", import.meta.url)}");
    const streams = { stdin: "null", stdout: "piped", stderr: "null" };
    const task = await systemSpawner.spawnTask({ argv: ["sh", "-c", "sleep 0.1; echo hi; sleep 0.1"], env: {}, ...streams });
    console.log((await new Response(task.stdout).text()).trim(), (await task.status).code);`;
  const { code, stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["eval", "--no-config", script],
    stderr: "inherit",
  }).output();
  assertEquals([code, new TextDecoder().decode(stdout)], [0, "hi 0\n"]);
});
