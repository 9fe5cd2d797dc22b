/** The front end as a process: what only a real one shows. */

import { assertEquals } from "../../assert.ts";

const MAIN = new URL("../../../main.ts", import.meta.url).pathname;

interface Run {
  readonly status: Deno.CommandStatus;
  readonly out: string;
  readonly err: string;
}

async function flux(words: string[], env: Record<string, string> = {}): Promise<Run> {
  const { code, signal, success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", MAIN, ...words],
    env: { HOME: "/home/nobody", ...env },
    stdin: "null",
  }).output();
  const text = new TextDecoder();
  return { status: { code, signal, success }, out: text.decode(stdout), err: text.decode(stderr) };
}

Deno.test("flux env COMMAND becomes the program: same process, its environment, its status", async () => {
  const { status, out, err } = await flux(["-S/keys", "env", "sh", "-c", "echo $FLUX_SEC_DIRECTORY; exit 7"]);
  assertEquals([out, err, status.code], ["/keys\n", "", 7]);
});

Deno.test("flux env COMMAND dies by the signal the program dies by", async () => {
  const { status } = await flux(["env", "sh", "-c", "kill -TERM $$"]);
  assertEquals(status.signal, "SIGTERM");
});

Deno.test("flux env COMMAND hands over SIGPIPE as it is by default", async () => {
  const { out } = await flux(["env", "sh", "-c", "grep SigIgn /proc/self/status"]);
  const ignored = BigInt(`0x${out.split(/\s+/)[1]}`);
  assertEquals(ignored & (1n << 12n), 0n);
});

Deno.test("flux env COMMAND tells that a program is not there", async () => {
  const { status, err } = await flux(["env", "no-such-program-here"]);
  assertEquals([err, status.code], ["flux: execvp (no-such-program-here): No such file or directory\n", 1]);
});

Deno.test("flux env prints the variables it manages", async () => {
  const { out } = await flux(["-u", "local:///x", "env"], { FLUX_MODULE_PATH: "/xyz:/xyz" });
  assertEquals(out.split("\n").filter((line) => !line.startsWith("FLUX_EXEC_PATH")), [
    "FLUX_CONF_DIRECTORY=/home/nobody/.flux",
    "FLUX_MODULE_PATH=/xyz",
    "FLUX_SEC_DIRECTORY=/home/nobody/.flux",
    "FLUX_URI=local:///x",
    "",
  ]);
});

Deno.test("flux runs an external command with the environment of its options", async () => {
  const directory = await Deno.makeTempDir();
  try {
    const script = '#!/bin/sh\necho "$FLUX_URI" "$@" >&2\nexit 5\n';
    await Deno.writeTextFile(`${directory}/flux-tool`, script, { mode: 0o755 });
    const { status, err } = await flux(["-x", directory, "-u", "local:///x", "tool", "a b", "--c"]);
    assertEquals([err, status.code], ["local:///x a b --c\n", 5]);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("flux version names a broker that is not there, and succeeds", async () => {
  const env = { FLUX_URI: "local:///nowhere/local-0", FLUX_LOCAL_CONNECTOR_RETRY_COUNT: "0" };
  const { status, out, err } = await flux(["version", "--json"], env);
  assertEquals(err, "flux-version: broker version: cannot connect: broker socket /nowhere/local-0 was not found\n");
  assertEquals([JSON.parse(out).broker, status.code], [null, 0]);
});

Deno.test("flux help shows a manual page as plain text on a pipe", async () => {
  const { status, out } = await flux(["help", "version"], { PAGER: "false" });
  assertEquals(status.code, 0);
  assertEquals(out.split("\n").slice(0, 7), [
    "FLUX-VERSION(1)",
    "",
    "NAME",
    "     flux-version - Print versions of flux and of the broker",
    "",
    "SYNOPSIS",
    "     flux version [OPTIONS]",
  ]);
});

Deno.test("flux help names a page that is not there and the nearest one", async () => {
  const { status, err } = await flux(["help", "versoin"]);
  assertEquals(status.code, 1);
  assertEquals(err, "flux: there is no manual page for 'versoin'\nhint: did you mean 'flux help version'?\n");
});

Deno.test("flux __complete gives up on a broker that does not answer", async () => {
  const directory = await Deno.makeTempDir();
  const path = `${directory}/local-0`;
  const listener = Deno.listen({ transport: "unix", path });
  try {
    const { status, out, err } = await flux(["__complete", "rank"], { FLUX_URI: `local://${path}` });
    assertEquals([status.code, out, err], [1, "", ""]);
  } finally {
    listener.close();
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("flux __complete has nothing to offer without a broker", async () => {
  const { status, out, err } = await flux(["__complete", "attr"], { FLUX_URI: "" });
  assertEquals([status.code, out, err], [1, "", ""]);
});

Deno.test("flux ends with 141 when the reader of its output goes away", async () => {
  const script = 'exec 3> >(exit 0); wait $!; "$0" run -A "$1" help flux >&3; echo $?';
  const bash = new Deno.Command("bash", { args: ["-c", script, Deno.execPath(), MAIN], stdin: "null" });
  const { stdout, stderr } = await bash.output();
  const text = new TextDecoder();
  assertEquals([text.decode(stdout), text.decode(stderr)], ["141\n", ""]);
});
