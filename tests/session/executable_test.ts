/** The packed executable in both its forms, and what only the self-extracting one has to stand. */

import { assert, assertEquals } from "../assert.ts";
import { testUnless, unlessLong, unlessProgram } from "../skip.ts";
import { denortFromNpm, elfMachine } from "../../scripts/denort.ts";

const root = new URL("../../", import.meta.url).pathname;
const built = `${root}dist/flux`;
/** Where tests unpack that are not about unpacking; kept, since it is much to write. */
const cache = `${root}.deno/tests-cache`;

interface Outcome {
  code: number;
  stdout: string;
  stderr: string;
}

/** Runs a command in an environment that holds PATH and `env` only. */
async function run(command: string, args: string[], env: Record<string, string> = {}, cwd = root): Promise<Outcome> {
  const { code, stdout, stderr } = await new Deno.Command(command, {
    args,
    cwd,
    clearEnv: true,
    env: { PATH: Deno.env.get("PATH")!, ...env },
    stdin: "null",
  }).output();
  const text = new TextDecoder();
  return { code, stdout: text.decode(stdout), stderr: text.decode(stderr) };
}

/** A directory for caches and copies, removed at the end of its block. */
async function scratch(): Promise<{ path: string } & AsyncDisposable> {
  const path = await Deno.makeTempDir({ prefix: "flux-executable-" });
  return { path, [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }) };
}

const names = (directory: string) => [...Deno.readDirSync(directory)].map((entry) => entry.name).sort();
const unpacked = (directory: string) => names(directory).filter((name) => !name.startsWith("."));

/** What every form must do. */
async function smoke(flux: string, env: Record<string, string>): Promise<void> {
  const version = await run(flux, ["version"], env);
  assertEquals([version.code, version.stderr], [0, ""]);
  assert(/^flux:\s+\d+\.\d+\.\d+$/m.test(version.stdout), version.stdout);
  const help = await run(flux, ["-h"], env);
  assertEquals([help.code, help.stderr], [0, ""]);
  assert(/^Usage: flux /.test(help.stdout) && help.stdout.includes("version"), help.stdout);
  const page = await run(flux, ["help", "version"], env);
  assertEquals([page.code, page.stderr], [0, ""]);
  assert(page.stdout.includes("FLUX-VERSION(1)"), page.stdout);
  const wrong = await run(flux, ["no-such-command"], env);
  assertEquals([wrong.code, wrong.stdout], [1, ""]);
  const size = await run(flux, ["start", "--size", "2", flux, "getattr", "size"], env);
  assertEquals([size.code, size.stdout], [0, "2\n"], size.stderr);
  const tty = await run(flux, ["start", "--size", "2", flux, "zio", "run", "--rank", "1", "--pty", "tty"], env);
  assert(tty.code === 0 && /\/dev\/pts\/\d+\r\n/.test(tty.stdout), tty.stdout + tty.stderr);
  if (unlessProgram("cc", "gcc") !== undefined) return;
  const elf = `head -c 4 "$FLUX_PMI_LIBRARY_PATH" | tail -c 3`;
  const library = await run(flux, ["start", flux, "wreckrun", "sh", "-c", elf], env);
  assertEquals([library.code, library.stdout], [0, "ELF"], library.stderr);
}

Deno.test("the self-extracting form passes the smoke test", async () => {
  await using work = await scratch();
  await smoke(built, { FLUX_CACHE_DIR: cache, HOME: work.path });
});

async function compileObstacle(): Promise<string | undefined> {
  if (Deno.build.arch !== "x86_64") return "the denort on npm is for x86-64";
  try {
    await denortFromNpm();
  } catch (error) {
    return (error as Error).message;
  }
}

testUnless(await compileObstacle(), "the deno compile form passes the smoke test", async () => {
  await using work = await scratch();
  const { denort, deno } = await denortFromNpm();
  const flux = `${work.path}/flux`;
  const args = ["run", "-A", "scripts/compile.ts", "--format", "compile", "--deno", deno, "--output", flux];
  const made = await run(Deno.execPath(), args, { DENORT_BIN: denort, HOME: work.path });
  assertEquals(made.code, 0, made.stderr);
  assert(made.stderr.includes("compile form"), made.stderr);
  await smoke(flux, { HOME: work.path, TMPDIR: work.path, FLUX_SELF: "/of/another/flux" });
});

Deno.test("FLUX_SELF is the executable itself: renamed, copied, by a link, a relative path, or PATH", async () => {
  await using work = await scratch();
  const env = { FLUX_CACHE_DIR: cache, FLUX_SELF: "/of/another/flux" };
  const self = async (command: string, cwd = work.path, more = {}) => {
    const outcome = await run("sh", ["-c", `exec ${command} env sh -c 'echo "$FLUX_SELF"'`], { ...env, ...more }, cwd);
    assertEquals([outcome.code, outcome.stderr], [0, ""]);
    return outcome.stdout.trim();
  };
  await Deno.mkdir(`${work.path}/bin`);
  await Deno.copyFile(built, `${work.path}/a b`);
  await Deno.symlink("../a b", `${work.path}/bin/link`);
  await Deno.symlink("link", `${work.path}/bin/again`);
  await Deno.symlink("bin", `${work.path}/folder`);
  const real = `${await Deno.realPath(work.path)}/a b`;
  assertEquals(await self(`'${work.path}/a b'`), real);
  assertEquals(await self(`./'a b'`), real);
  assertEquals(await self("folder/again"), real);
  assertEquals(await self("../bin/link", `${work.path}/bin`), real);
  assertEquals(await self("again", root, { PATH: `${work.path}/bin:${Deno.env.get("PATH")}` }), real);
});

Deno.test("a start unpacks into XDG_CACHE_HOME, else HOME, else a private directory under TMPDIR", async () => {
  await using work = await scratch();
  const version = async (env: Record<string, string>) => assertEquals((await run(built, ["version"], env)).code, 0);
  await version({ XDG_CACHE_HOME: `${work.path}/xdg`, HOME: `${work.path}/home` });
  assertEquals(unpacked(`${work.path}/xdg/flux`).length, 1);
  await version({ HOME: `${work.path}/home` });
  assertEquals(unpacked(`${work.path}/home/.cache/flux`).length, 1);
  await Deno.mkdir(`${work.path}/tmp`);
  await version({ HOME: "/proc/none", TMPDIR: `${work.path}/tmp` });
  const [own] = names(`${work.path}/tmp`);
  assertEquals(own, `flux-cache-${Deno.uid()}`);
  assertEquals((await Deno.stat(`${work.path}/tmp/${own}`)).mode! & 0o777, 0o700);
});

Deno.test("variables for Deno change nothing, and are still there for what flux starts", async () => {
  const outcome = await run(built, [
    "env",
    "sh",
    "-c",
    'echo "$DENO_DIR|$DENO_V8_FLAGS|$NODE_OPTIONS|${FLUX_KEPT-none}"',
  ], {
    FLUX_CACHE_DIR: cache,
    DENO_DIR: "/nowhere",
    DENO_V8_FLAGS: "--no-such-flag",
    NODE_OPTIONS: "--no-such-option",
  });
  assertEquals(outcome, { code: 0, stdout: "/nowhere|--no-such-flag|--no-such-option|none\n", stderr: "" });
  const clean = await run(built, ["env", "sh", "-c", "env"], { FLUX_CACHE_DIR: cache });
  assertEquals(clean.stdout.split("\n").filter((line) => /^(DENO|NODE|FLUX_KEPT)/.test(line)), []);
});

Deno.test("variables that the shell drops, as bash's functions are for dash, are there for what flux starts", async () => {
  await using work = await scratch();
  const functions = { "BASH_FUNC_greet%%": "() {  echo hello\n}", "BASH_FUNC_none%%": "() {  :\n}" };
  const values = { ...functions, FLUX_CACHE_DIR: cache, TMPDIR: work.path };
  const names = "sorted(name for name in os.environ if name.startswith(('BASH_FUNC', 'FLUX_KEPT')))";
  const look = ["python3", "-c", `import os; print(repr(os.environ["BASH_FUNC_greet%%"]), *${names})`];
  for (const words of [["env"], ["start", "--size=2"]]) {
    const { stdout } = await run(built, [...words, ...look], values);
    assertEquals(stdout, "'() {  echo hello\\n}' BASH_FUNC_greet%% BASH_FUNC_none%%\n", words[0]);
  }
});

Deno.test("24 starts at once from a cold cache all run, and unpack one copy", async () => {
  await using work = await scratch();
  const starts = Array.from({ length: 24 }, () => run(built, ["version"], { FLUX_CACHE_DIR: work.path }));
  for (const outcome of await Promise.all(starts)) assertEquals([outcome.code, outcome.stderr], [0, ""]);
  assertEquals(names(work.path).map((name) => name.replace(/^\d.*/, "one")), [".lock", "one"]);
});

Deno.test("damage in the cache is noticed and mended: a missing, an emptied, a truncated, an altered file", async () => {
  await using work = await scratch();
  const version = () => run(built, ["version"], { FLUX_CACHE_DIR: work.path });
  const before = await version();
  const directory = `${work.path}/${unpacked(work.path)[0]}`;
  const damages: [string, () => Promise<void>][] = [
    ["missing", () => Deno.remove(`${directory}/main.js`)],
    ["emptied", () => Deno.truncate(`${directory}/main.js`)],
    ["truncated", () => Deno.truncate(`${directory}/flux`, 1000)],
    ["altered", () => Deno.writeTextFile(`${directory}/main.js`, "throw 1;")],
    ["no stamp", async () => {
      for (const name of names(directory)) if (name.startsWith(".runtime-")) await Deno.remove(`${directory}/${name}`);
    }],
  ];
  for (const [name, damage] of damages) {
    await damage();
    assertEquals(await version(), before, name);
  }
  assertEquals(unpacked(work.path).length, 1);
});

Deno.test("a start that is killed while it unpacks leaves nothing that stops the next one", async () => {
  await using work = await scratch();
  const env = { PATH: Deno.env.get("PATH")!, FLUX_CACHE_DIR: work.path };
  const child = new Deno.Command(built, { args: ["version"], clearEnv: true, env, stdout: "null" }).spawn();
  while (!names(work.path).some((name) => name.startsWith(".unpack."))) await Deno.stat(work.path);
  child.kill("SIGKILL");
  await child.status;
  assertEquals(unpacked(work.path), []);
  const next = await run(built, ["version"], { FLUX_CACHE_DIR: work.path });
  assertEquals([next.code, next.stderr], [0, ""]);
});

Deno.test("a second version takes over the runtime that the first one unpacked", async () => {
  await using work = await scratch();
  await Deno.writeTextFile(`${work.path}/main.ts`, 'console.log("second");\n');
  const second = `${work.path}/second`;
  const args = ["run", "-A", "scripts/compile.ts", "--format", "self-extracting", "--output", second];
  const made = await run(Deno.execPath(), [...args, "--entry", `${work.path}/main.ts`], {
    HOME: Deno.env.get("HOME") ?? "",
  });
  assertEquals(made.code, 0, made.stderr);
  const env = { FLUX_CACHE_DIR: `${work.path}/cache` };
  await run(built, ["version"], env);
  assertEquals((await run(second, [], env)).stdout, "second\n");
  const inodes = unpacked(env.FLUX_CACHE_DIR).map((name) => Deno.statSync(`${env.FLUX_CACHE_DIR}/${name}/flux`).ino);
  assertEquals(inodes.length, 2);
  assertEquals(inodes[0], inodes[1]);
});

Deno.test("a cache that cannot be written is one line that names FLUX_CACHE_DIR", async () => {
  assertEquals(await run(built, ["version"], { FLUX_CACHE_DIR: "/proc/none" }), {
    code: 126,
    stdout: "",
    stderr: "flux: cannot write to /proc/none, or it is not yours; set FLUX_CACHE_DIR to another directory\n",
  });
});

Deno.test("a start in a directory that was removed is told in one line, behind the shell's own", async () => {
  await using work = await scratch();
  const gone = `${work.path}/gone`;
  await Deno.mkdir(gone);
  const script = 'cd "$1" && rmdir "$1" && exec "$2" version';
  const outcome = await run("sh", ["-c", script, "sh", gone, built], { FLUX_CACHE_DIR: cache });
  assertEquals(outcome.code, 126);
  assertEquals(
    outcome.stderr.split("\n").filter((line) => line.startsWith("flux: ")),
    ["flux: the current directory is gone, and nothing runs there; change to another one"],
  );
  assert(!outcome.stderr.includes("Stack backtrace"), outcome.stderr);
});

Deno.test("an executable that was cut off says so in one line, and leaves nothing behind", async () => {
  await using work = await scratch();
  const flux = `${work.path}/flux`;
  await Deno.copyFile(built, flux);
  await Deno.truncate(flux, 20_000_000);
  const outcome = await run(flux, ["version"], { FLUX_CACHE_DIR: `${work.path}/cache` });
  assertEquals(outcome.code, 126);
  assert(/^flux: cannot unpack .*; is the file whole\?\n$/.test(outcome.stderr), outcome.stderr);
  assertEquals(names(`${work.path}/cache`), [".lock"]);
});

const mounts = await run("unshare", ["-Urm", "mount", "-t", "tmpfs", "none", "/mnt"]).catch(() => ({ code: 1 }));
const mountObstacle = mounts.code === 0 ? undefined : "mounting file systems is not allowed here";

/** Runs a script in which $1 is the executable and $2 an empty file system mounted with these options. */
async function mounted(options: string, script: string): Promise<Outcome> {
  await using work = await scratch();
  const mount = `mount -t tmpfs -o ${options} none "$2" && `;
  return await run("unshare", ["-Urm", "sh", "-c", mount + script, "sh", built, work.path]);
}

testUnless(mountObstacle, "a full disk is one line, and leaves nothing half unpacked", async () => {
  const script = 'FLUX_CACHE_DIR=$2 "$1" version; echo "$?"; ls -A "$2"';
  const { stdout, stderr } = await mounted("size=50m", script);
  assert(/^flux: no room in \S+ to unpack \d+ MB; set FLUX_CACHE_DIR to another directory\n$/.test(stderr), stderr);
  assertEquals(stdout, "126\n.lock\n");
});

testUnless(mountObstacle, "a cache where nothing may be executed is one line that says so", async () => {
  const { stdout, stderr } = await mounted("noexec", 'FLUX_CACHE_DIR=$2 "$1" version; echo "$?"');
  assert(/^flux: \S+ is on a file system that runs no programs \(noexec\); set FLUX_CACHE_DIR/.test(stderr), stderr);
  assertEquals([stdout, stderr.split("\n").length], ["126\n", 2]);
});

testUnless(
  mountObstacle,
  "it runs from a read-only directory, and with a /tmp where nothing may be executed",
  async () => {
    const script = 'cp "$1" "$2/flux" && mount -o remount,ro "$2" && export FLUX_CACHE_DIR="$3" && mkdir "$3" && ' +
      'mount -t tmpfs none "$3" && mount -t tmpfs -o noexec none /mnt && TMPDIR=/mnt "$2/flux" version >"$3/out"; echo "$?"';
    await using work = await scratch();
    const mount = 'mkdir "$2" && mount -t tmpfs none "$2" && ';
    const args = ["-Urm", "sh", "-c", mount + script, "sh", built, `${work.path}/program`, `${work.path}/cache`];
    assertEquals(await run("unshare", args), { code: 0, stdout: "0\n", stderr: "" });
  },
);

testUnless(unlessLong(), "linux-arm64 is built with Deno and addons for that machine", async () => {
  await using work = await scratch();
  const flux = `${work.path}/flux`;
  const args = ["run", "-A", "scripts/compile.ts", "--format", "self-extracting", "--target", "linux-arm64"];
  const made = await run(Deno.execPath(), [...args, "--output", flux], { HOME: Deno.env.get("HOME") ?? work.path });
  assertEquals(made.code, 0, made.stderr);
  const script = 'at=$(head -c 9000 "$1" | grep -a -o "runtime_at=[0-9]*" | cut -d = -f 2) && ' +
    'tail -c "+$at" "$1" | gzip -dc | tar -xf - -C "$2"';
  await Deno.mkdir(`${work.path}/out`);
  assertEquals((await run("sh", ["-c", script, "sh", flux, `${work.path}/out`])).code, 0);
  const AARCH64 = 183;
  assertEquals(elfMachine(await Deno.readFile(`${work.path}/out/flux`)), AARCH64);
  for (const addon of ["libzmq", "pty"]) {
    assertEquals(elfMachine(await Deno.readFile(`${work.path}/out/${addon}.node`)), AARCH64);
  }
  assert(names(`${work.path}/out`).includes("main.js"));
});
