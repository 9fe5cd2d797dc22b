/**
 * `flux start` and `flux broker` from the outside: what they run, report and leave behind. Over 400 lines, since it is a list of all that
 * may happen to a start.
 */

import { assert, assertEquals } from "../assert.ts";
import { seededRandom } from "../sim/mod.ts";
import { remains, runFlux, spawnFlux, startSession, until, workDirectory } from "./session.ts";

Deno.test("flux start runs one word by the shell and ends with its status", async () => {
  await using work = await workDirectory();
  const { code, stdout, stderr } = await runFlux(["start", "echo $((40 + 2)); exit 3"], { cwd: work.path });
  assertEquals([code, stdout, stderr], [3, "42\n", ""]);
});

Deno.test("flux start runs several words as they are", async () => {
  await using work = await workDirectory();
  const { code, stdout } = await runFlux(["start", "printf", "%s|", "a b", "$HOME"], { cwd: work.path });
  assertEquals([code, stdout], [0, "a b|$HOME|"]);
});

Deno.test("flux start without a command runs the shell on standard input", async () => {
  await using work = await workDirectory();
  const options = { cwd: work.path, stdin: "echo in $0; exit 5\n", env: { SHELL: "/bin/sh" } };
  const { code, stdout } = await runFlux(["start"], options);
  assertEquals([code, stdout], [5, "in /bin/sh\n"]);
});

Deno.test("flux start ends with 128 plus the signal that ended the program", async () => {
  await using work = await workDirectory();
  const { code, stderr } = await runFlux(["start", "kill -INT $$"], { cwd: work.path });
  assertEquals([code, stderr], [130, ""]);
});

Deno.test("flux start says why a program cannot be run, with the shell's status for it", async () => {
  await using work = await workDirectory();
  const missing = await runFlux(["start", "no-such-program", "x"], { cwd: work.path });
  const text = "flux-start: rank 0: cannot run the initial program: no-such-program: No such file or directory\n";
  assertEquals([missing.code, missing.stderr], [127, text]);
  const refused = await runFlux(["start", "/etc/passwd", "x"], { cwd: work.path });
  assertEquals(refused.code, 126);
  assert(refused.stderr.includes("/etc/passwd: Permission denied"), refused.stderr);
});

Deno.test("flux start gives the program its environment and takes the launcher's away", async () => {
  await using work = await workDirectory();
  const env = { SLURM_JOB_ID: "1", PMIX_RANK: "2", FLUX_JOB_ID: "f3", FLUX_TMPDIR: work.path, SHELL: "/bin/sh" };
  const { stdout } = await runFlux(["start", "env; command -v flux"], { cwd: work.path, env });
  const rundir = /^FLUX_URI=local:\/\/(.*)\/local-0$/m.exec(stdout)?.[1];
  assert(rundir?.startsWith(`${work.path}/flux-`), stdout);
  assert(stdout.includes(`\nPATH=${rundir}/bin:`) || stdout.startsWith(`PATH=${rundir}/bin:`), stdout);
  assert(stdout.endsWith(`${rundir}/bin/flux\n`), stdout);
  assert(!/^(SLURM_|PMI_|PMIX_|FLUX_JOB_ID|FLUX_START_)/m.test(stdout), stdout);
});

Deno.test("flux start -X prints the command lines and starts nothing", async () => {
  await using work = await workDirectory();
  const { code, stderr } = await runFlux(["start", "-X", "-s2", "-k3", "true", "x"], { cwd: work.path });
  const lines = stderr.trimEnd().split("\n");
  assertEquals([code, lines.length, [...Deno.readDirSync(work.path)].length], [0, 2, 0]);
  assert(/^flux-start: 0: .* broker .*--k-ary=3.* -- true x$/.test(lines[0]!), stderr);
  assert(/^flux-start: 1: .* broker .*--k-ary=3/.test(lines[1]!) && !lines[1]!.includes("true"), stderr);
});

for (
  const [words, text] of [
    [["--size", "0"], "--size 0: a session has at least 1 broker"],
    [["--size", "-4"], "--size -4: a session has at least 1 broker"],
    [["--size", "1000000"], "--size 1000000: at most 1024 brokers on one machine"],
    [["--size", "many"], "--size many: not a number"],
    [["--killer-timeout", "-1"], "--killer-timeout argument must be >= 0"],
    [["--security", "rot13"], "--security argument must be none|plain|curve"],
    [["-N", "4", "-s", "2"], "--nnodes and --size are different ways to start a session"],
    [["--hosts", "a["], 'hostlist "a[": brackets do not match'],
    [["--hosts", ","], "--hosts ,: no host is named"],
    [["--hosts", "/no/file"], "--hosts /no/file: No such file or directory"],
    [["--hosts", "/"], "--hosts /: Is a directory"],
    [["--hosts", "a,-oProxyCommand=x"], '--hosts a,-oProxyCommand=x: "-oProxyCommand=x" is no name of a host'],
    [["--hosts", "a", "--rsh", " "], "--rsh names no program"],
    [["--sync", "full"], "--sync is about what --statedir keeps"],
    [["-O", "kvs"], "malformed module option: kvs"],
    [["-O", "nothing:a=b"], "module argument for unknown module: nothing"],
    [["-o", "--no-such"], "unrecognized option '--no-such'"],
    [["-o", "-H1h"], "heartrate `1h': Invalid argument"],
  ] as const
) {
  Deno.test(`flux start ${words.join(" ")} is refused in one clear line`, async () => {
    await using work = await workDirectory();
    const { code, stderr } = await runFlux(["start", ...words, "true"], { cwd: work.path });
    assertEquals([code, stderr.split("\n")[0]], [1, `flux-start: ${text}`]);
  });
}

Deno.test("flux start as one of many tasks that are served no PMI-1 does not start as many sessions", async () => {
  await using work = await workDirectory();
  const signs = [{ PMI_SIZE: "4", PMI_RANK: "1" }, { OMPI_COMM_WORLD_SIZE: "2" }, { PMI_PORT: "host:1", PMI_ID: "0" }];
  for (const env of signs) {
    const [[name, value]] = Object.entries(env) as [[string, string]];
    const { code, stderr } = await runFlux(["start", "true"], { cwd: work.path, env });
    const text =
      `flux-start: ${name}=${value} says that this is one of many, but there is no PMI-1: each would be alone`;
    assertEquals([code, stderr.split("\n")[0]], [1, text]);
  }
  const env = { OMPI_COMM_WORLD_SIZE: "2", FLUX_TMPDIR: work.path };
  for (const words of [["--size=1"], []]) {
    if (words.length === 0) env.OMPI_COMM_WORLD_SIZE = "1";
    const { code, stdout } = await runFlux(["start", ...words, "flux getattr size"], { cwd: work.path, env });
    assertEquals([code, stdout], [0, "1\n"]);
  }
});

Deno.test("flux start --hosts goes to the first host when that is another, and -X says how", async () => {
  await using work = await workDirectory();
  Deno.writeTextFileSync(`${work.path}/list`, "# mine\na1\na2 b\n");
  const words = ["start", "-X", "-k0", "--rsh=rsh -q", `--hosts=${work.path}/list`, "./work", "it's"];
  const { code, stdout, stderr } = await runFlux(words, { cwd: work.path });
  assertEquals([code, stdout], [0, ""], stderr);
  assert(stderr.startsWith("flux-start: rsh -q a1 'exec /bin/sh -c "), stderr);
  const line = stderr.slice("flux-start: rsh -q a1 ".length).replace("exec env", 'printf "%s\\n"');
  const said = new Deno.Command("sh", { args: ["-c", `eval ${line.trimEnd()}`] }).outputSync();
  const there = new TextDecoder().decode(said.stdout).trimEnd().split("\n");
  assert(there.includes("FLUX_START_HOST=a1") && there.includes("--hosts=a[1-2],b"), there.join("\n"));
  assertEquals(there.slice(-3), ["--", "./work", "it's"]);
});

Deno.test("flux start -N becomes srun, and says so where there is none", async () => {
  await using work = await workDirectory();
  const env = { PATH: work.path };
  const { code, stderr } = await runFlux(["start", "-N", "4", "true"], { cwd: work.path, env });
  assertEquals([code, stderr.split("\n")[0]], [1, "flux-start: srun: command not found"]);
  Deno.writeTextFileSync(`${work.path}/srun`, '#!/bin/sh\nfor word; do echo "$word"; done\n', { mode: 0o755 });
  const { stdout } = await runFlux(["start", "-N4", "-p", "debug", "-k3", "a b", "c"], { cwd: work.path, env });
  const words = stdout.split("\n");
  for (
    const word of ["--nodes=4", "--ntasks=4", "--partition=debug", "--mpi=pmi2", "--input=0", "broker", "--k-ary=3"]
  ) {
    assert(words.includes(word), `${word} is not in ${stdout}`);
  }
  assertEquals(words.slice(-4), ["--", "a b", "c", ""]);
});

Deno.test("flux start starts as many brokers as it is told, each with its rank", async () => {
  await using session = await startSession({ size: 5, arity: 3 });
  for (const rank of [0, 4]) {
    const { stdout } = await session.flux(["getattr", "rank"], { rank });
    assertEquals(stdout, `${rank}\n`);
  }
  assertEquals((await session.flux(["getattr", "size"], { rank: 4 })).stdout, "5\n");
  assertEquals((await session.flux(["getattr", "tbon.topo"])).stdout, "kary:3\n");
  const { code, stderr } = await session.stop();
  assertEquals([code, stderr], [0, ""]);
});

Deno.test("flux start writes the log to cmbd.log in its directory, appending", async () => {
  await using work = await workDirectory();
  for (const word of ["one", "two"]) await runFlux(["start", `true ${word}`], { cwd: work.path });
  const log = Deno.readTextFileSync(`${work.path}/cmbd.log`);
  assert(/ broker.info\[0\]: .*true one\n[^]*true two\n/.test(log), log);
});

Deno.test("flux start works in a TMPDIR too deep for sockets, and says so with -v", async () => {
  await using work = await workDirectory();
  const deep = `${work.path}/${"deep".repeat(20)}/${"er".repeat(40)}`;
  Deno.mkdirSync(deep, { recursive: true });
  const options = { cwd: work.path, env: { TMPDIR: deep, FLUX_TMPDIR: "" } };
  const script = 'flux getattr rundir; flux getattr size; ls -d "$TMPDIR"/flux-*';
  const { code, stdout, stderr } = await runFlux(["start", "-v", "-s3", script], options);
  const [rundir = "", size, real = ""] = stdout.split("\n");
  assertEquals([code, size], [0, "3"], stderr);
  assert(rundir.length < 40 && real.startsWith(deep), stdout);
  assert(stderr.includes(`${real} is too deep for sockets; ${rundir} stands for it`), stderr);
  assertEquals([...remains(rundir), ...Deno.readDirSync(deep)], []);
});

Deno.test("flux start works in a TMPDIR that is relative to where it was started", async () => {
  await using work = await workDirectory();
  const words = ["start", "-s2", "cd /; flux getattr rundir"];
  const { code, stdout, stderr } = await runFlux(words, { cwd: work.path, env: { FLUX_TMPDIR: "." } });
  assertEquals([code, stderr], [0, ""]);
  assert(stdout.startsWith(`${work.path}/./flux-`), stdout);
});

Deno.test("flux start takes the first directory it can write for its sockets", async () => {
  await using work = await workDirectory();
  const env = { FLUX_TMPDIR: "/nowhere", XDG_RUNTIME_DIR: "/proc", TMPDIR: work.path };
  const { code, stdout } = await runFlux(["start", "flux getattr rundir"], { cwd: work.path, env });
  assertEquals(code, 0);
  assert(stdout.startsWith(`${work.path}/flux-`), stdout);
});

Deno.test("flux start that cannot write cmbd.log says so once and keeps the log in the run directory", async () => {
  await using work = await workDirectory();
  const program = 'ls "$(dirname "${FLUX_URI#local://}")"';
  const { code, stdout, stderr } = await runFlux(["start", program], { cwd: "/proc", env: { TMPDIR: work.path } });
  assertEquals(code, 0);
  assert(stdout.includes("cmbd.log\n"), stdout);
  assertEquals(stderr.match(/cannot write cmbd.log here/g)?.length, 1, stderr);
});

Deno.test("flux broker alone is a session of one and logs to standard error", async () => {
  await using work = await workDirectory();
  const options = { cwd: work.path, env: { TMPDIR: work.path } };
  const { code, stdout, stderr } = await runFlux(["broker", "flux getattr size; exit 4"], options);
  assertEquals([code, stdout], [4, "1\n"], stderr);
  assert(stderr.includes("broker.info[0]: starting initial program"), stderr);
  assertEquals([...Deno.readDirSync(work.path)].length, 0);
});

/** The ways in which a process of the session dies, and what is to become of the session. */
for (const signal of ["SIGKILL", "SIGTERM", "SIGHUP"] as const) {
  Deno.test(`flux start that gets ${signal} leaves nothing behind`, async () => {
    await using session = await startSession({ size: 4 });
    Deno.kill(session.startPid, signal);
    const { code } = await session.ended;
    assertEquals(code, { SIGKILL: 137, SIGTERM: 143, SIGHUP: 129 }[signal], session.stderr);
    await session.gone();
  });
}

Deno.test("flux start passes SIGINT on to the program when it alone gets it", async () => {
  await using session = await startSession({ size: 2 });
  Deno.kill(session.startPid, "SIGINT");
  assertEquals((await session.ended).code, 130);
});

Deno.test("flux start ends a program that ignores the signal, after the killer timeout", async () => {
  const program = ["sh", "-c", 'trap "" TERM; echo "$FLUX_URI"; while :; do sleep 100; done'];
  await using session = await startSession({ size: 2, program, args: ["--killer-timeout=0.3"] });
  Deno.kill(session.startPid, "SIGTERM");
  assertEquals((await session.ended).code, 137);
});

Deno.test("flux start ends a program that ignores the signal at once when it gets a second one", async () => {
  const program = ["sh", "-c", 'trap "" TERM; echo "$FLUX_URI"; while :; do sleep 100; done'];
  await using session = await startSession({ size: 2, program, args: ["--killer-timeout=1000"] });
  Deno.kill(session.startPid, "SIGTERM");
  await until("the first signal is noticed", () => session.stderr.includes("another signal kills it"));
  Deno.kill(session.startPid, "SIGTERM");
  assertEquals((await session.ended).code, 143);
});

Deno.test("the death of rank 0 ends the session and its program, and is reported", async () => {
  await using session = await startSession({ size: 4 });
  const pid = session.pid(0);
  Deno.kill(pid, "SIGKILL");
  const { code, stderr } = await session.ended;
  assertEquals([code, stderr], [137, `flux-start: 0 (pid ${pid}) SIGKILL\n`]);
  await session.gone();
});

Deno.test("the death of a leaf broker is reported and the session goes on", async () => {
  await using session = await startSession({ size: 4 });
  const pid = session.pid(3);
  Deno.kill(pid, "SIGKILL");
  await until("it is reported", () => session.stderr.includes(`flux-start: 3 (pid ${pid}) SIGKILL\n`));
  assertEquals((await session.flux(["getattr", "size"], { rank: 2 })).stdout, "4\n");
  assertEquals((await session.stop()).code, 0, session.stderr);
});

Deno.test("without live the death of an inner broker takes what is below it along, which is reported", async () => {
  await using session = await startSession({ size: 7 });
  assertEquals((await session.flux(["module", "remove", "--rank", "all", "live"])).code, 0);
  const pid = session.pid(1);
  Deno.kill(pid, "SIGKILL");
  // Those that end within a tenth of a second share a line.
  const lost = /ranks 3-4 ended: lost connection to parent\n|(rank [34] ended: lost connection to parent\n[^]*){2}/;
  await until("both are reported", () => lost.test(session.stderr));
  assert(session.stderr.includes(`flux-start: 1 (pid ${pid}) SIGKILL\n`), session.stderr);
  assertEquals((await session.flux(["getattr", "size"], { rank: 6 })).stdout, "7\n");
  assertEquals((await session.stop()).code, 0, session.stderr);
});

Deno.test("the death of an inner broker takes nobody along, and the session ends in order afterwards", async () => {
  await using session = await startSession({ size: 7 });
  const pid = session.pid(1);
  Deno.kill(pid, "SIGKILL");
  await until("it is reported", () => session.stderr.includes(`flux-start: 1 (pid ${pid}) SIGKILL\n`));
  for (const rank of [3, 4, 6]) assertEquals((await session.flux(["getattr", "size"], { rank })).stdout, "7\n");
  const { code, stderr } = await session.stop();
  assertEquals([code, stderr], [0, `flux-start: 1 (pid ${pid}) SIGKILL\n`]);
});

Deno.test("the death of the initial program ends the session with its signal", async () => {
  await using session = await startSession({ size: 2, program: ["sh", "-c", "echo $FLUX_URI; kill -KILL $$"] });
  assertEquals((await session.ended).code, 137);
});

Deno.test("the death of all brokers at once leaves nothing behind", async () => {
  await using session = await startSession({ size: 4 });
  for (const rank of [0, 1, 2, 3]) Deno.kill(session.pid(rank), "SIGKILL");
  assertEquals((await session.ended).code, 137);
  await session.gone();
});

Deno.test("what the initial program has started dies with rank 0", async () => {
  const program = ["sh", "-c", 'echo "$FLUX_URI"; setsid sh -c "sleep 1000 & wait" & sleep 1000'];
  await using session = await startSession({ program });
  await until("all of it runs", () => remains(session.rundir).filter((line) => line.includes("sleep")).length >= 2);
  Deno.kill(session.pid(0), "SIGKILL");
  await session.ended;
  await session.gone();
});

for (const [name, rank] of [["a leaf", 3], ["an inner broker", 1], ["rank 0", 0]] as const) {
  Deno.test(`a session ends although ${name} hangs`, async () => {
    await using session = await startSession({ size: 4 });
    // Rank 0 has said by then which process the program is.
    assertEquals((await session.flux(["ping", "--count=1", "0"])).code, 0);
    Deno.kill(session.pid(rank), "SIGSTOP");
    const before = performance.now();
    const { code, stderr } = await session.stop();
    assertEquals(code, 0, stderr);
    assert(stderr.includes(rank === 0 ? "does not react" : "did not end within 1 s: killed"), stderr);
    assert(performance.now() - before < 20_000);
  });
}

Deno.test("a rank that does not come up is named, with those that wait for it", async () => {
  await using work = await workDirectory();
  const child = spawnFlux(["start", "-s4", "--timeout=3", "true"], { cwd: work.path, env: { FLUX_TMPDIR: work.path } });
  let pid: number | undefined;
  await until("rank 1 is started", () => (pid = brokerOf(child.pid, 1)) !== undefined);
  Deno.kill(pid!, "SIGSTOP");
  const { code, stderr } = await child.output();
  const text = new TextDecoder().decode(stderr);
  assertEquals(code, 1, text);
  const line = `pid ${pid}) did not come up within 3 s: the process is stopped; 1 rank below it waits for it`;
  assert(text.startsWith("flux-start: rank 1 (") && text.includes(line), text);
  assert(text.includes("\nflux-start: pmi: 0 > cmd=barrier_in\n"), text);
  assertEquals([...Deno.readDirSync(work.path)].filter(({ isDirectory }) => isDirectory), []);
});

Deno.test("ranks that cannot come up say why", async () => {
  await using work = await workDirectory();
  const { code, stderr } = await runFlux(["start", "-s3", "-Mno-such-module[2]", "true"], { cwd: work.path });
  assertEquals(code, 1);
  assert(stderr.endsWith("flux-start: rank 2: no-such-module: module not found in search path\n"), stderr);
});

Deno.test("a broker that dies before the session is up ends it and is named", async () => {
  await using work = await workDirectory();
  const child = spawnFlux(["start", "-s4", "true"], { cwd: work.path, env: { FLUX_TMPDIR: work.path } });
  let pid: number | undefined;
  await until("rank 2 is started", () => (pid = brokerOf(child.pid, 2)) !== undefined);
  Deno.kill(pid!, "SIGKILL");
  const { code, stderr } = await child.output();
  const text = new TextDecoder().decode(stderr);
  // It may have come up in the meantime; then its end is reported, and the session is none the worse.
  assert(text.includes(`flux-start: 2 (pid ${pid}) SIGKILL\n`) || code === 0, text);
  assertEquals(runDirectories(work.path), []);
});

for (const brokers of [0, 1, 4]) {
  Deno.test(`flux start that is killed when ${brokers} of its brokers have begun leaves nothing behind`, async () => {
    await using work = await workDirectory();
    const child = spawnFlux(["start", "-s6", "cat"], {
      cwd: work.path,
      env: { FLUX_TMPDIR: work.path },
      stdin: "piped",
    });
    const begun = () =>
      runDirectories(work.path).some((path) => count(path, /^broker-.*pid$/) >= brokers && count(path, /^start$/) > 0);
    await until("they have begun", begun);
    Deno.kill(child.pid, "SIGKILL");
    await child.stdin.close();
    await child.output();
    await until("nothing is left", () => runDirectories(work.path).length === 0);
    await until("no process is left", () => remains(`${work.path}/flux-`).length === 0);
  });
}

Deno.test("flux start that is killed at any moment after rank 0 has begun leaves nothing behind", async () => {
  const seed = Number(Deno.env.get("FLUX_TEST_SEED") ?? Math.floor(Math.random() * 1e9));
  console.log(`seed ${seed}`);
  const random = seededRandom(seed);
  for (let run = 0; run < 12; run++) {
    await using work = await workDirectory();
    const child = spawnFlux(["start", "-s3", "sleep", "600"], { cwd: work.path, env: { FLUX_TMPDIR: work.path } });
    await until("rank 0 begins", () => remains(`${work.path}/flux-`).length > 0);
    // The moment is the fault that is tried, so it is a time.
    await new Promise((resolve) => setTimeout(resolve, random.float() * 150));
    Deno.kill(child.pid, "SIGKILL");
    await child.output();
    await until(`nothing is left (run ${run}, seed ${seed})`, () => runDirectories(work.path).length === 0);
    await until(`no process is left (run ${run}, seed ${seed})`, () => remains(`${work.path}/flux-`).length === 0);
  }
});

Deno.test("flux start is not disturbed by who talks nonsense to its socket", async () => {
  await using session = await startSession({ size: 2 });
  for (const text of ["nonsense\n", "{\n", '{"hello":7}\n', '{"hello":0}\n', "cmd=init\n", "x".repeat(100_000)]) {
    const conn = await Deno.connect({ transport: "unix", path: `${session.rundir}/start` });
    await conn.write(new TextEncoder().encode(text)).catch(() => {});
    conn.close();
  }
  assertEquals((await session.flux(["getattr", "rank"], { rank: 1 })).stdout, "1\n");
  assertEquals((await session.stop()).code, 0);
});

function runDirectories(base: string): string[] {
  return [...Deno.readDirSync(base)].filter(({ name }) => name.startsWith("flux-")).map(({ name }) =>
    `${base}/${name}`
  );
}

function count(path: string, name: RegExp): number {
  try {
    return [...Deno.readDirSync(path)].filter((entry) => name.test(entry.name)).length;
  } catch {
    return 0;
  }
}

/** The process that a `flux start` has started as one of its brokers. */
function brokerOf(parent: number, rank: number): number | undefined {
  for (const { name } of Deno.readDirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const stat = Deno.readTextFileSync(`/proc/${name}/stat`);
      if (Number(/\) \w (\d+)/.exec(stat)?.[1]) !== parent) continue;
      if (Deno.readTextFileSync(`/proc/${name}/environ`).split("\0").includes(`PMI_RANK=${rank}`)) return Number(name);
    } catch {
      // Gone meanwhile.
    }
  }
  return undefined;
}
