/** `flux start` on a terminal: interrupts, job control, settings (tests/session/terminal.py plays the user). */

import { assert, assertEquals } from "../assert.ts";
import { testUnless } from "../skip.ts";
import { play as playSteps, type Played, pythonObstacle, type Step } from "./player.ts";
import { executable, plainEnvironment, remains, spawnFlux, startSession, until, workDirectory } from "./session.ts";

const obstacle = await pythonObstacle();

/** Plays `steps` against `flux start WORDS`. */
function play(steps: Step[], words: string[], cwd: string): Promise<Played> {
  const env = plainEnvironment({ HOME: cwd, SHELL: "/bin/bash", FLUX_TMPDIR: cwd, TERM: "dumb" });
  return playSteps(steps, [executable, "start", ...words], env, cwd);
}

const CTRL_C = "\x03", CTRL_Z = "\x1a", CTRL_BACKSLASH = "\x1c";

testUnless(obstacle, "Ctrl-C reaches the initial program once, and nothing else dies of it", async () => {
  await using work = await workDirectory();
  // Not a shell: that may miss a signal while it forks.
  const program = "import os, signal, sys\n" +
    "signal.signal(signal.SIGINT, lambda *_: os.write(1, b'caught\\n'))\n" +
    "signal.signal(signal.SIGQUIT, lambda *_: sys.exit(7))\n" +
    "os.write(1, b'ready\\n')\n" +
    "while True: signal.pause()";
  const steps: Step[] = [["expect", "ready"], ["send", CTRL_C], ["expect", "caught"]];
  const again: Step[] = [["send", CTRL_C], ["expect", "caught"], ["send", CTRL_BACKSLASH]];
  const { status, output } = await play([...steps, ...again], ["-s2", "python3", "-c", program], work.path);
  assertEquals([status, output.match(/caught/g)?.length], [7, 2], output);
  assert(!output.includes("another signal"), output);
});

testUnless(obstacle, "a program that dies of Ctrl-C ends the session with 130 and no further words", async () => {
  await using work = await workDirectory();
  const steps: Step[] = [["expect", "ready"], ["send", CTRL_C]];
  const { status, output } = await play(steps, ["-s2", "sh", "-c", "echo ready; exec sleep 100"], work.path);
  assertEquals([status, output], [130, "ready\r\n^C"]);
});

testUnless(obstacle, "the shell of a session has job control", async () => {
  await using work = await workDirectory();
  Deno.writeTextFileSync(`${work.path}/.bashrc`, "PS1='ready> '\n");
  // Says when it has the terminal, so that no key is struck too early.
  const job = "import signal\n" +
    "signal.signal(signal.SIGCONT, lambda *_: print('continued', flush=True))\n" +
    "signal.signal(signal.SIGINT, signal.SIG_DFL)\n" +
    "print('started', flush=True)\n" +
    "while True: signal.pause()\n";
  Deno.writeTextFileSync(`${work.path}/job.py`, job);
  const { status } = await play(
    [
      ["expect", "ready> "],
      ["send", "python3 job.py\n"],
      ["expect", "started"],
      ["send", CTRL_Z],
      ["expect", "Stopped.*ready> "],
      ["send", "fg\n"],
      ["expect", "continued"],
      ["send", CTRL_C],
      ["expect", "\\^C.*ready> "],
      ["send", "flux getattr size; exit 9\n"],
      ["expect", "\n2\r\n"],
    ],
    ["-s2"],
    work.path,
  );
  assertEquals(status, 9);
});

testUnless(obstacle, "flux start puts the terminal back as it was", async () => {
  await using work = await workDirectory();
  const { status, restored } = await play([], ["-s2", "stty raw -echo; kill -KILL $$"], work.path);
  assertEquals([status, restored], [137, true]);
});

testUnless(obstacle, "the end of rank 0 ends the shell and gives the terminal back", async () => {
  await using work = await workDirectory();
  Deno.writeTextFileSync(`${work.path}/.bashrc`, "PS1='ready> '\n");
  const { status, restored, output } = await play(
    [
      ["expect", "ready> "],
      ["send", "kill -KILL $(flux getattr broker.pid); sleep 100\n"],
      ["expect", "flux-start: 0 \\(pid \\d+\\) SIGKILL"],
    ],
    ["-s2"],
    work.path,
  );
  assertEquals([status, restored], [137, true], output);
});

/** Goes on in raw mode; `then` is done at the first key. */
const rawProgram = (then: string) =>
  "import os, signal, subprocess, sys, tty\n" +
  "tty.setraw(0)\n" +
  "os.write(1, b'raw\\r\\n')\n" +
  "os.read(0, 1)\n" +
  `${then}\n` +
  "while True: signal.pause()\n";

/** What the shell around it does next; it changes no settings itself. A carriage return ends a line only if they are restored. */
const NEXT = `printf 'outer> '; read -r line; echo "got $line"`;
const TYPED: Step[] = [["expect", "outer> "], ["send", "typed\r"], ["expect", "got typed\r\n"]];

testUnless(
  obstacle,
  "the end of rank 0 under a program in raw mode gives the terminal back to the shell around",
  async () => {
    await using work = await workDirectory();
    Deno.writeTextFileSync(`${work.path}/.bashrc`, "PS1='ready> '\n");
    Deno.writeTextFileSync(
      `${work.path}/raw.py`,
      rawProgram("os.kill(int(subprocess.check_output(['flux', 'getattr', 'broker.pid'])), 9)"),
    );
    const steps: Step[] = [
      ["expect", "ready> "],
      ["send", "python3 raw.py\n"],
      ["expect", "raw\r\n"],
      ["send", "k"],
      ["expect", "flux-start: 0 \\(pid \\d+\\) SIGKILL"],
    ];
    const env = plainEnvironment({ HOME: work.path, SHELL: "/bin/bash", FLUX_TMPDIR: work.path, TERM: "dumb" });
    const shell = ["sh", "-c", `${executable} start -s2; ${NEXT}`];
    const { status, restored, output } = await playSteps([...steps, ...TYPED], shell, env, work.path);
    assertEquals([status, restored], [0, true], output);
  },
);

testUnless(
  obstacle,
  "the end of rank 0 under a program in raw mode that is attached to gives the terminal back",
  async () => {
    await using session = await startSession({ size: 2 });
    Deno.writeTextFileSync(`${session.directory}/raw.py`, rawProgram(`os.kill(${session.pid(0)}, 9)`));
    // By option and not by its environment, since flux start would end it too.
    const attached = `${executable} --uri ${session.uri()} zio run --rank 1 --key raw --pty python3 raw.py`;
    const shell = ["sh", "-c", `${attached}; echo "ended with $?"; ${NEXT}`];
    const steps: Step[] = [["expect", "raw\r\n"], ["send", "k"], ["expect", "lost connection"], [
      "expect",
      "ended with [1-9]",
    ]];
    const { status, restored, output } = await playSteps(
      [...steps, ...TYPED],
      shell,
      plainEnvironment({ TERM: "dumb" }),
      session.directory,
    );
    assertEquals([status, restored], [0, true], output);
  },
);

testUnless(obstacle, "a terminal that hangs up takes the whole session along", async () => {
  await using work = await workDirectory();
  const steps: Step[] = [["expect", "(local://\\S+)"], ["hangup"]];
  const { status, output } = await play(steps, ["-s3", 'echo "$FLUX_URI"; exec sleep 100'], work.path);
  const rundir = /local:\/\/(\S+)\/local-0/.exec(output)![1]!;
  assertEquals(status, 129);
  await until("nothing is left", () => remains(rundir).length === 0);
});

testUnless(obstacle, "Ctrl-C while a session comes up ends it", async () => {
  await using work = await workDirectory();
  const steps: Step[] = [["expect", "flux-start: 15: "], ["send", CTRL_C], [
    "expect",
    "SIGINT before the session was up",
  ]];
  const { status } = await play(steps, ["-v", "-s16", "echo not to be run"], work.path);
  assertEquals(status, 130);
});

Deno.test("a session whose rank 0 is interrupted first while it comes up is one that was interrupted", async () => {
  await using work = await workDirectory();
  const child = spawnFlux(["start", "-s16", "true"], { env: { FLUX_TMPDIR: work.path } });
  const words = (pid: string) => Deno.readTextFileSync(`/proc/${pid}/cmdline`).split("\0");
  const broker = () =>
    Deno.readTextFileSync(`/proc/${child.pid}/task/${child.pid}/children`).split(" ").find((pid) => {
      try {
        return pid !== "" && words(pid).includes("broker");
      } catch {
        return false; // gone meanwhile
      }
    });
  let pid: string | undefined;
  await until("rank 0 is there", () => (pid = broker()) !== undefined);
  Deno.kill(Number(pid), "SIGINT");
  const { code, stderr } = await child.output();
  assertEquals([code, new TextDecoder().decode(stderr)], [130, "flux-start: SIGINT before the session was up\n"]);
});
