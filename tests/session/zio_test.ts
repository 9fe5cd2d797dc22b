/** `flux zio` in a session: programs with their streams in the store, who attaches to them, files copied. */

import { assert, assertEquals } from "../assert.ts";
import { testUnless } from "../skip.ts";
import { executable, plainEnvironment, type Session, spawnFlux, startSession, until } from "./session.ts";
import { play, pythonObstacle, type Step } from "./player.ts";

/** Starts a program under a key on a rank; resolves when it can be attached to. */
async function keep(session: Session, key: string, rank: number, ...words: string[]): Promise<Deno.ChildProcess> {
  const child = spawnFlux(["zio", "run", "--key", key, ...words], { env: { FLUX_URI: session.uri(rank) } });
  void child.stdout.cancel();
  void child.stderr.cancel();
  await until(`${key} to be kept`, async () => (await session.flux(["kvs", "exists", `${key}.live`])).code === 0);
  return child;
}

Deno.test("a program is attached to from another rank: what it wrote and writes, its input, its exit code", async () => {
  await using session = await startSession({ size: 3 });
  const script = "echo before; echo error >&2; while read x; do echo got $x; done; exit 3";
  const child = await keep(session, "job", 1, "sh", "-c", script);
  const { code, stdout, stderr } = await session.flux(["zio", "attach", "job"], { rank: 2, stdin: "a\nb\n" });
  assertEquals([code, stdout, stderr], [3, "before\ngot a\ngot b\n", "error\n"]);
  assertEquals((await child.status).code, 3);
  const after = await session.flux(["zio", "--attach", "job"], { rank: 2 });
  assertEquals([after.code, after.stdout, after.stderr], [3, "before\ngot a\ngot b\n", "error\n"]);
  assertEquals((await session.flux(["kvs", "get", "job.exit_status"])).stdout, "768\n");
  assertEquals((await session.flux(["kvs", "get", "job.stdout.000000"])).stdout, '{"data":"YmVmb3JlCg=="}\n');
});

Deno.test("a stream is written to the input of a program, and its end ends it", async () => {
  await using session = await startSession({ size: 2 });
  const child = await keep(session, "job", 1, "sh", "-c", "wc -c; exit 4");
  const { code } = await session.flux(["zio", "copy", "-", "job.stdin"], { stdin: "x".repeat(100_000) });
  assertEquals([code, (await child.status).code], [0, 4]);
  assertEquals((await session.flux(["zio", "attach", "-n", "job"])).stdout, "100000\n");
});

Deno.test("two that are attached see the same, and who reads nothing holds the program up until it goes", async () => {
  await using session = await startSession({ size: 2 });
  const script = "read x; seq 1 400000; echo $x; exit 0";
  await keep(session, "job", 1, "sh", "-c", script);
  const env = { FLUX_URI: session.uri(0) };
  const stuck = spawnFlux(["zio", "attach", "-n", "job"], { env });
  const reading = session.flux(["zio", "attach", "job"], { stdin: "go\n" });
  let done = false;
  void reading.then(() => done = true);
  await stuck.stdout.getReader().read();
  const blocks = async () => Number((await session.flux(["kvs", "dir", "job.stdout"])).stdout.split("\n").length);
  let before = -1;
  await until("the program to be held up", async () => before === (before = await blocks()) && before > 1);
  assert(!done);
  stuck.kill("SIGKILL");
  await stuck.status;
  const { code, stdout } = await reading;
  assertEquals([code, stdout.length, stdout.slice(-10)], [0, 2_688_898, "400000\ngo\n"]);
});

Deno.test("a program that writes without end is recorded up to a limit, and says so to who comes later", async () => {
  await using session = await startSession({ size: 2 });
  const words = ["zio", "run", "--rank", "1", "--key", "job", "--limit", "10k", "seq", "1", "100000"];
  const { stdout } = await session.flux(words);
  assertEquals(stdout.length, 588_895);
  const after = await session.flux(["zio", "attach", "job"]);
  const notice = /^flux-zio: (\d+) bytes of output were not recorded; --limit SIZE records more\n$/.exec(after.stderr);
  assert(after.stdout.length <= 10240, `${after.stdout.length} bytes`);
  assertEquals(Number(notice?.[1]) + after.stdout.length, 588_895, after.stderr);
});

Deno.test("an interrupt is passed on to the program, a second one detaches and leaves it running", async () => {
  await using session = await startSession({ size: 2 });
  const script = 'trap "echo caught" INT; echo ready; while :; do sleep 0.05; done';
  const child = await keep(session, "job", 1, "sh", "-c", script);
  const attached = spawnFlux(["zio", "attach", "-n", "job"], { env: { FLUX_URI: session.uri(0) } });
  const reader = attached.stdout.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  const see = async (word: string) => {
    while (!text.includes(word)) text += (await reader.read()).value ?? assert(false, text);
  };
  await see("ready");
  attached.kill("SIGINT");
  await see("caught");
  let over = false;
  void attached.status.then(() => over = true);
  await until("it to detach", () => {
    try {
      attached.kill("SIGINT");
    } catch {
      // It has ended.
    }
    return over;
  });
  assertEquals((await attached.status).code, 0);
  void attached.stderr.cancel();
  assertEquals((await session.flux(["kvs", "exists", "job.live"])).code, 0);
  child.kill("SIGKILL");
  await child.status;
});

Deno.test("when the keeper of a program is killed, so is the program, and who is attached is told", async () => {
  await using session = await startSession({ size: 2 });
  const child = await keep(session, "job", 1, "sh", "-c", "trap '' HUP TERM PIPE; echo before; exec sleep 1000");
  const attached = spawnFlux(["zio", "attach", "-n", "job"], { env: { FLUX_URI: session.uri(0) } });
  const reader = attached.stdout.getReader();
  await reader.read();
  child.kill("SIGKILL");
  const [{ code }, stderr] = await Promise.all([attached.status, new Response(attached.stderr).text()]);
  await reader.cancel();
  assertEquals([code, stderr], [1, "flux-zio: the keeper of the program has gone, and the program with it\n"]);
  const after = await session.flux(["zio", "attach", "job"]);
  assertEquals([after.code, after.stdout], [1, "before\n"]);
  assertEquals(after.stderr, "flux-zio: the keeper of the program has gone: this is all it has left\n");
  await child.status;
});

Deno.test("a program is run on another rank, attached to at once; what cannot be run is told", async () => {
  await using session = await startSession({ size: 3 });
  const { code, stdout } = await session.flux([
    "zio",
    "run",
    "--rank",
    "2",
    "sh",
    "-c",
    "flux getattr rank; cat; exit 5",
  ], {
    stdin: "words",
  });
  assertEquals([code, stdout], [5, "2\nwords"]);
  const told = async (...words: string[]) => {
    const { code, stderr } = await session.flux(["zio", "run", ...words]);
    return [code, stderr];
  };
  assertEquals(await told("--rank", "1", "no-such"), [127, "flux-zio: no-such: No such file or directory\n"]);
  assertEquals(await told("--rank", "7", "true"), [1, "flux-zio: rank 7: No route to host\n"]);
  assertEquals(await told("--rank", "1", "--key", "k", "true"), [0, ""]);
  const taken = "flux-zio: k: File exists\nhint: --force replaces it\n";
  assertEquals(await told("--rank", "1", "--key", "k", "true"), [1, taken]);
  assertEquals(await told("--key", "k", "true"), [1, taken]);
  assertEquals(await told("--rank", "1", "--key", "k", "--force", "true"), [0, ""]);
});

Deno.test("files are copied into streams and back, block by block", async () => {
  await using session = await startSession({ size: 2 });
  const data = new Uint8Array(131_072);
  for (let at = 0; at < data.length; at += 65_536) crypto.getRandomValues(data.subarray(at, at + 65_536));
  await Deno.writeFile(`${session.directory}/data`, data);
  assertEquals((await session.flux(["zio", "copy", "./data", "s"])).code, 0);
  assertEquals((await session.flux(["kvs", "dir", "s"])).stdout.trim().split("\n").length, 33);
  assertEquals((await session.flux(["zio", "--copy", "s", "./back"], { rank: 1 })).code, 0);
  assertEquals(await Deno.readFile(`${session.directory}/back`), data);
  const again = await session.flux(["zio", "copy", "./data", "s"]);
  assertEquals([again.code, again.stderr], [1, "flux-zio: s: File exists\nhint: --force replaces it\n"]);
  for (const source of ["./nosuch", "nosuch"]) {
    const failed = await session.flux(["zio", "copy", source, "new"]);
    assertEquals([failed.code, failed.stderr], [1, `flux-zio: ${source}: No such file or directory\n`]);
  }
  assertEquals((await session.flux(["kvs", "dir", "new"])).code, 1);
  const lazy = await session.flux(["zio", "copy", "-l", "-f", "-b", "10", "-", "s"], { stdin: "twelve bytes" });
  assertEquals([lazy.code, (await session.flux(["zio", "copy", "s", "-"], { rank: 1 })).stdout], [0, "twelve bytes"]);
});

const CTRL_C = "\x03";

testUnless(await pythonObstacle(), "a shell on a terminal of another rank is used as one here is", async () => {
  await using session = await startSession({ size: 2 });
  const env = plainEnvironment({ FLUX_URI: session.uri(0), TERM: "xterm" });
  const steps: Step[] = [
    ["expect", "[$#] "],
    ["send", "stty size; flux getattr rank\r"],
    ["expect", "33 101\r\n1\r\n"],
    ["send", "sh -c 'echo ready; exec sleep 100'\r"],
    ["expect", "ready\r\n"],
    ["send", CTRL_C],
    ["expect", "[$#] "],
    ["send", "echo $?\r"],
    ["expect", "130\r\n"],
    ["resize", 40, 90],
    ["send", "until stty size | grep '40 9'; do :; done\r"],
    ["expect", "40 90\r\n"],
    ["send", "~."],
    ["expect", "attaches again"],
  ];
  const shell = ["sh", "-c", "stty rows 33 cols 101; exec flux zio run --rank 1 --key shell --pty sh"];
  const first = await play(steps, shell.with(2, shell[2]!.replace("flux", executable)), env, session.directory);
  assertEquals([first.status, first.restored], [0, true], first.output);
  const again: Step[] = [["expect", "40 90"], ["send", "\rexit 6\r"]];
  const second = await play(again, [executable, "zio", "attach", "shell"], env, session.directory);
  assertEquals([second.status, second.restored], [6, true], second.output);
});

const lessObstacle = async () => await pythonObstacle() ?? (await runs("less") ? undefined : "less is not on PATH");

async function runs(program: string): Promise<boolean> {
  try {
    return (await new Deno.Command(program, { args: ["--version"], stdout: "null" }).output()).success;
  } catch {
    return false;
  }
}

testUnless(await lessObstacle(), "a program that fills the screen draws it anew for who attaches", async () => {
  await using session = await startSession({ size: 2 });
  const env = plainEnvironment({ FLUX_URI: session.uri(0), TERM: "xterm", LESSSECURE: "1" });
  await Deno.writeTextFile(`${session.directory}/page`, Array.from({ length: 100 }, (_, i) => `line ${i}\n`).join(""));
  const words = [executable, "zio", "run", "--rank", "1", "--key", "page", "--pty", "less", "page"];
  const first = await play([["expect", "line 10"], ["send", "\r~."]], words, env, session.directory);
  assertEquals([first.status, first.restored], [0, true], first.output);
  const steps: Step[] = [["expect", "line 12"], ["send", "G"], ["expect", "line 99"], ["send", "q"]];
  const second = await play(steps, [executable, "zio", "attach", "page"], env, session.directory);
  assertEquals([second.status, second.restored], [0, true], second.output);
});
