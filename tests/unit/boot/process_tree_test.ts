/** Real processes, as /proc shows them. */

import { assert, assertEquals } from "../../assert.ts";
import { isAlive, isGroupAlive, killTree, ofSession, processState, signal } from "../../../broker/boot/process_tree.ts";

const NOBODY = "/no-such-session";

/** Starts a shell and waits until it has said something. */
async function shell(
  script: string,
  env: Record<string, string> = {},
): Promise<{ child: Deno.ChildProcess; said: string }> {
  const child = new Deno.Command("sh", { args: ["-c", script], env, stdout: "piped", stdin: "null" }).spawn();
  const reader = child.stdout.getReader();
  const said = new TextDecoder().decode((await reader.read()).value).trim();
  reader.releaseLock();
  await child.stdout.cancel();
  return { child, said };
}

Deno.test("processState() of ourselves knows our parent", () => {
  assertEquals(processState("self")?.ppid, Deno.ppid);
});

Deno.test("processState() is not confused by a process name with parentheses", async () => {
  const directory = await Deno.makeTempDir();
  const path = `${directory}/a) Z 1 (b`;
  await Deno.copyFile("/bin/sleep", path);
  const child = new Deno.Command(path, { args: ["100"] }).spawn();
  while (!Deno.readTextFileSync(`/proc/${child.pid}/stat`).includes("a) Z 1 (b")) await Promise.resolve();
  assertEquals([processState(child.pid)?.ppid, processState(child.pid)?.state === "Z"], [Deno.pid, false]);
  child.kill();
  await child.status;
  await Deno.remove(directory, { recursive: true });
});

Deno.test("isAlive() is false for what does not exist", () => {
  assertEquals([isAlive(Deno.pid), isAlive(2 ** 22 + 1)], [true, false]);
});

Deno.test("signal() to what does not exist is nothing", () => signal(2 ** 22 + 1, "SIGTERM"));

Deno.test("killTree() kills a process and all it has started, detached ones too", async () => {
  const script = "setsid sh -c 'echo $$ >&3; exec sleep 100' 3>&1 & trap '' TERM; wait";
  const { child, said } = await shell(script);
  killTree(child.pid, ofSession(NOBODY));
  assertEquals((await child.status).signal, "SIGKILL");
  while (isAlive(Number(said))) await new Promise((resolve) => setTimeout(resolve, 1));
});

Deno.test("killTree() finds what has lost its parent by the environment of a session, and spares who only talks to it", async () => {
  const FLUX_URI = `local://${NOBODY}/local-0`;
  const client = new Deno.Command("sleep", { args: ["100"], env: { FLUX_URI } }).spawn();
  const env = { FLUX_URI, PATH: `${NOBODY}/bin:${Deno.env.get("PATH")}` };
  const { child, said } = await shell("(sh -c 'echo $$ >&3; exec sleep 100' 3>&1 &) 3>&1; exit 0", env);
  await child.status;
  assert(isAlive(Number(said)));
  killTree(child.pid, ofSession(NOBODY));
  while (isAlive(Number(said))) await new Promise((resolve) => setTimeout(resolve, 1));
  client.kill("SIGTERM");
  assertEquals((await client.status).signal, "SIGTERM");
});

Deno.test("isGroupAlive() does not count those that have ended and were not waited for", async () => {
  // The shell's child is the only one of its group, and the shell does not wait for it.
  const script = "setsid sh -c 'echo $$ >&3; exec sleep 100' 3>&1 & exec sleep 100";
  const { child, said } = await shell(script);
  const group = Number(said);
  assertEquals(isGroupAlive(group), true);
  signal(group, "SIGKILL");
  while (processState(group)?.state !== "Z") await new Promise((resolve) => setTimeout(resolve, 1));
  assertEquals(isGroupAlive(group), false);
  child.kill("SIGKILL");
  await child.status;
});
