import type { Task, TaskOptions } from "../../../broker/ports/mod.ts";
import { systemSpawner, waitStatus } from "../../../broker/ports/mod.ts";
import { assert, assertEquals, assertRejects } from "../../assert.ts";

const PATH = "/usr/bin:/bin";

function start(script: string, options: Partial<TaskOptions> = {}): Promise<Task> {
  const argv = ["sh", "-c", script];
  const terminal = { columns: 90, rows: 30 };
  return systemSpawner.spawnTask({
    argv,
    env: { PATH },
    stdin: "piped",
    stdout: "piped",
    stderr: "null",
    terminal,
    ...options,
  });
}

/** What a task has written so far, and more of it until `pattern` comes. */
class Screen {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #utf8 = new TextDecoder();
  text = "";

  constructor(task: Task) {
    this.#reader = task.stdout!.getReader();
  }

  async until(pattern: RegExp): Promise<void> {
    while (!pattern.test(this.text)) assert(await this.#more(), `${pattern} did not come: ${this.text}`);
  }

  async rest(): Promise<string> {
    while (await this.#more());
    return this.text;
  }

  async #more(): Promise<boolean> {
    const { value } = await this.#reader.read();
    this.text += this.#utf8.decode(value, { stream: true });
    return value !== undefined;
  }
}

async function type(task: Task, text: string): Promise<void> {
  const writer = task.stdin!.getWriter();
  await writer.write(new TextEncoder().encode(text));
  writer.releaseLock();
}

Deno.test("a task on a terminal has it as its own, in a session of its own, with its size", async () => {
  const task = await start("tty; stty size; ps -o sid= -p $$; exit 7");
  const lines = (await new Screen(task).rest()).replaceAll("\r\n", "\n").split("\n");
  assert(/^\/dev\/pts\/\d+$/.test(lines[0]!), lines[0]);
  assertEquals([lines[1], lines[2]?.trim()], ["30 90", `${task.pid}`]);
  assertEquals(await task.status, { code: 7, signal: null });
});

Deno.test("a task on a terminal reads what is typed, hears of a new size, and is interrupted by Ctrl-C", async () => {
  const task = await start(
    "trap 'stty size' WINCH; trap 'echo caught; exit 3' INT; read x; echo got $x; while :; do sleep 0.01; done",
  );
  const screen = new Screen(task);
  await type(task, "words\r");
  await screen.until(/got words/);
  task.resize!({ columns: 100, rows: 40 });
  await screen.until(/40 100/);
  await type(task, "\x03");
  await screen.until(/caught/);
  assertEquals(waitStatus(await task.status), 3 << 8);
  task.resize!({ columns: 1, rows: 1 });
});

Deno.test("a task on a terminal that is signalled ends with its whole group", async () => {
  const task = await start("sleep 100 & sleep 100");
  assert(task.signal(15));
  assertEquals(waitStatus(await task.status), 15);
  await new Screen(task).rest();
});

Deno.test("what a task writes on its terminal waits for its reader, and none is lost", async () => {
  const task = await start("stty -opost; seq 1 200000");
  const text = await new Screen(task).rest();
  assertEquals(text.length, 1_288_895);
  assert(text.endsWith("199999\n200000\n"));
});

Deno.test("a task that cannot be started on a terminal is refused as others are", async () => {
  await assertRejects(start("", { argv: ["no-such-program"] }), { errno: "ENOENT" });
  await assertRejects(start("", { argv: ["/etc/passwd"] }), { errno: "EACCES" });
  await assertRejects(start("", { cwd: "/no/such/directory" }), { errno: "ENOENT" });
});
