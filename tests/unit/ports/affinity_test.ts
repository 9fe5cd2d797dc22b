import { systemSpawner } from "../../../broker/ports/mod.ts";
import { assertEquals, assertRejects } from "../../assert.ts";

const ALLOWED = /Cpus_allowed_list:\s*(.*)/;

async function allowed(cpus: readonly number[] | undefined, channels: readonly string[]): Promise<string | undefined> {
  const task = await systemSpawner.spawnTask({
    argv: ["cat", "/proc/self/status"],
    env: { PATH: "/usr/bin:/bin" },
    stdin: "null",
    stdout: "piped",
    stderr: "null",
    channels,
    ...(cpus && { cpus }),
  });
  const text = await new Response(task.stdout as ReadableStream<Uint8Array<ArrayBuffer>>).text();
  await task.status;
  for (const channel of task.channels) channel.close();
  return ALLOWED.exec(text)?.[1];
}

Deno.test("spawnTask() confines a task to its processors, and nobody else", async () => {
  const own = ALLOWED.exec(Deno.readTextFileSync("/proc/self/status"))![1]!;
  const first = Number(/^\d+/.exec(own)![0]);
  for (const channels of [[], ["ONE"]]) {
    assertEquals(await allowed([first], channels), `${first}`);
    assertEquals(await allowed(undefined, channels), own);
  }
});

Deno.test("spawnTask() refuses processors that are not there", async () => {
  for (const channels of [[], ["ONE"]]) {
    await assertRejects(allowed([8000], channels), { errno: "EINVAL", text: "there is no processor 8000 to run on" });
  }
});
