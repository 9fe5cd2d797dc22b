/** Tasks that have sockets, with real processes. */

import { assertEquals, assertRejects } from "../../assert.ts";
import { systemSpawner, type Task, type TaskChannel } from "../../../broker/ports/mod.ts";

const PATH = Deno.env.get("PATH")!;

/** A task in bash, whose `>&"$NAME"` takes any number. */
function task(script: string, channels: readonly string[]): Promise<Task> {
  const streams = { stdin: "null", stdout: "piped", stderr: "inherit" } as const;
  return systemSpawner.spawnTask({ argv: ["bash", "-c", script], env: { PATH }, ...streams, channels });
}

async function text(read: (into: Uint8Array) => Promise<number | null>): Promise<string> {
  const bytes: number[] = [];
  const space = new Uint8Array(100);
  for (let n = await read(space); n !== null; n = await read(space)) bytes.push(...space.subarray(0, n));
  return new TextDecoder().decode(new Uint8Array(bytes));
}

const all = (channel: TaskChannel) => text((into) => channel.read(into));

async function output({ stdout }: Task): Promise<string> {
  return await new Response(stdout as ReadableStream<Uint8Array<ArrayBuffer>>).text();
}

Deno.test("spawnTask() gives a task a socket, both ways, each way with an end of its own", async () => {
  const { channels: [channel], status, stdout } = await task('cat <&"$ONE" >&"$ONE"', ["ONE"]);
  await channel!.write(new TextEncoder().encode("there and back"));
  await channel!.closeWrite();
  assertEquals(await all(channel!), "there and back");
  assertEquals((await status).code, 0);
  channel!.close();
  await stdout!.cancel();
});

Deno.test("spawnTask() gives each of many tasks the sockets it asked for and no others", async () => {
  const script = 'echo "$WHO a" >&"$A"; echo "$WHO b" >&"$B"; ls -l /proc/self/fd | grep -c "> socket:"';
  const names = Array.from({ length: 40 }, (_, i) => `task ${i}`);
  const heard = await Promise.all(names.map(async (name) => {
    const one = await task(`WHO="${name}"; ${script}`, ["A", "B"]);
    const said = await Promise.all(one.channels.map(all));
    for (const channel of one.channels) channel.close();
    return [...said, await output(one)];
  }));
  assertEquals(heard, names.map((name) => [`${name} a\n`, `${name} b\n`, "2\n"]));
});

Deno.test("spawnTask() without sockets passes on none of another task's", async () => {
  const count = 'ls -l /proc/self/fd | grep -c "> socket:"';
  const [plain, other] = await Promise.all([task(count, []), task(count, ["ONE"]), task(count, ["TWO"])]);
  assertEquals([await output(plain), await output(other)], ["0\n", "1\n"]);
});

Deno.test("spawnTask() leaves no descriptor behind when the program cannot be started", async () => {
  await (await task("true", ["ONE"])).status; // the listener and what else is made once
  const open = () => [...Deno.readDirSync("/proc/self/fd")].length;
  const before = open();
  for (let i = 0; i < 5; i++) {
    const nobody = { argv: ["/nowhere/at/all"], env: {}, stdin: "null", stdout: "null", stderr: "null" } as const;
    await assertRejects(systemSpawner.spawnTask({ ...nobody, channels: ["A", "B"] }), { errno: "ENOENT" });
  }
  assertEquals(open(), before);
});

Deno.test("spawnTask() leaves no name of a socket on the disk, and needs no short TMPDIR", async () => {
  const root = await Deno.makeTempDir();
  const long = `${root}/${"long/".repeat(30)}`;
  await Deno.mkdir(long, { recursive: true });
  const script = `const { systemSpawner } = await import("${new URL("../../../broker/ports/mod.ts", import.meta.url)}");
    const null_ = { stdin: "null", stdout: "null", stderr: "inherit" };
    const one = await systemSpawner.spawnTask({ argv: ["bash", "-c", "echo hi >&$A"], env: {}, ...null_, channels: ["A"] });
    const space = new Uint8Array(9);
    console.log(await one.channels[0].read(space), (await one.status).code);`;
  await Deno.writeTextFile(`${root}/script.ts`, script);
  try {
    const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--no-config", `${root}/script.ts`],
      env: { TMPDIR: long },
    }).output();
    assertEquals(new TextDecoder().decode(stdout), "3 0\n", new TextDecoder().decode(stderr));
    assertEquals([...Deno.readDirSync(long)], []);
  } finally {
    await Deno.remove(root, { recursive: true });
  }
});
