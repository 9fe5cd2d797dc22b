/** `flux start` and a real Slurm. */

import { processState } from "../../broker/boot/process_tree.ts";
import { assert, assertEquals } from "../assert.ts";
import { testUnless, unlessLong } from "../skip.ts";
import { startHosts, withoutHosts } from "./hosts.ts";
import { play, pythonObstacle, type Step } from "./player.ts";
import { executable, until } from "./session.ts";
import { outcome, type Slurm, startSlurm, withoutControlGroups, withoutSlurm } from "./slurm.ts";

const obstacle = withoutSlurm();

/** Starts a session of four that waits for the end of its input; resolves when it is up. */
async function startFour(slurm: Slurm, ...more: string[]) {
  const words = [executable, "start", "-N4", ...more, "echo up; exec cat"];
  const child = slurm.spawn(words, { stdin: "piped", detached: true });
  const stderr = new Response(child.stderr).text();
  const reader = child.stdout.getReader();
  await reader.read();
  void reader.cancel();
  const ended = child.status.then(async ({ code }) => ({ code, stderr: await stderr }));
  return { child, ended, stop: () => child.stdin.close().catch(() => {}) };
}

function wordsOf(pid: number): string[] {
  try {
    return Deno.readTextFileSync(`/proc/${pid}/cmdline`).split("\0");
  } catch {
    return []; // gone
  }
}

testUnless(obstacle, "flux start -N starts a broker on each node through srun", async () => {
  await using slurm = await startSlurm(4);
  const flux = async (words: string[], stdin?: string) => {
    const child = slurm.spawn([executable, ...words], { stdin: stdin === undefined ? "null" : "piped" });
    if (stdin !== undefined) {
      const writer = child.stdin.getWriter();
      await writer.write(new TextEncoder().encode(stdin));
      await writer.close();
    }
    return await outcome(child);
  };
  const script = "flux getattr hostlist; flux getattr broker.boot-method; flux getattr tbon.endpoint; env; exit 3";
  const { code, stdout, stderr } = await flux(["start", "-N", "4", script]);
  const [hosts, method, endpoint = ""] = stdout.split("\n");
  assertEquals([code, hosts, method], [3, "node[1-4]", "simple"], stderr);
  assert(endpoint.includes(",tcp://"), endpoint);
  assert(!/^(SLURM|PMI)_/m.test(stdout), stdout);
  assert(/shutdown: initial program \(pid \d+\) exited with rc=3\n/.test(slurm.log), slurm.log);
  // Standard input is the program's, and the shell's when there is none.
  assertEquals((await flux(["start", "-N2", "cat; flux getattr size"], "hello\n")).stdout, "hello\n2\n");
  assertEquals((await flux(["start", "-N2"], "flux getattr size\nexit 4\n")).stdout, "2\n");
  // More than one on a node, and more than there are processors.
  assertEquals((await flux(["start", "-N2", "-n4", "-k1", "flux getattr tbon.maxlevel"])).stdout, "3\n");
  // What Slurm refuses is told in its own words.
  const refused = await flux(["start", "-N2", "-p", "nowhere", "true"]);
  assert(refused.code === 1 && refused.stderr.includes("invalid partition"), refused.stderr);
  // A copy of the program, for nodes that do not see this one.
  const copied = await flux(["start", "-N2", `--bcast=${slurm.work}/copy`, "readlink $(which flux)"]);
  assertEquals([copied.code, copied.stdout], [0, `${slurm.work}/copy\n`], copied.stderr);
  assertEquals(slurm.rundirs(), []);
});

testUnless(obstacle, "--overcommit starts more brokers than there are processors", async () => {
  await using slurm = await startSlurm(2, undefined, { cpus: 1 });
  const script = "flux getattr size; flux exec -r all -l true; flux wreckrun -n 5 echo here";
  const over = await slurm.run([executable, "start", "-N2", "-n5", "--overcommit", script]);
  assertEquals([over.code, over.stdout], [0, `5\n${"here\n".repeat(5)}`], over.stderr);
  // Inside an allocation srun says at once that there are too few.
  const { code, stderr } = await slurm.run(["salloc", "-N2", executable, "start", "-n5", "true"]);
  assert(code === 1 && stderr.includes("More processors requested than permitted"), stderr);
  await slurm.quiet();
  assertEquals(slurm.rundirs(), []);
});

testUnless(
  obstacle ?? withoutControlGroups(),
  "where Slurm knows tasks by control groups, nothing that a program has detached outlives the session, however it ends",
  async () => {
    await using slurm = await startSlurm(2, undefined, { controlGroups: true });
    for (const end of ["in order", "srun is killed", "rank 0 is killed"] as const) {
      const script = "setsid sleep 1000 >/dev/null 2>&1 & echo $!; flux exec -r all true && echo up; exec cat";
      const child = slurm.spawn([executable, "start", "-N2", script], { stdin: "piped", detached: true });
      const reader = child.stdout.getReader();
      let said = "";
      while (!said.includes("up\n")) said += new TextDecoder().decode((await reader.read()).value);
      const detached = Number(said.split("\n")[0]);
      assert(wordsOf(detached).includes("sleep"), said);
      if (end === "srun is killed") child.kill("SIGKILL");
      else if (end === "rank 0 is killed") Deno.kill(slurm.pid(0)!, "SIGKILL");
      await child.stdin.close().catch(() => {});
      await Promise.all([child.status, reader.cancel(), child.stderr.cancel()]);
      await until(`what was detached is gone when ${end}`, () => wordsOf(detached).length === 0);
      await slurm.quiet();
    }
  },
);

testUnless(obstacle, "flux start alone uses the allocation it is in", async () => {
  await using slurm = await startSlurm(3);
  const flux = `${executable} start 'flux getattr hostlist'`;
  const file = `${slurm.work}/out`;
  for (
    const words of [
      ["sbatch", "--wait", "-N3", `--output=${file}`, `--wrap=${flux}`],
      ["sbatch", "--wait", "-N3", `--output=${file}`, `--wrap=srun --mpi=pmi2 ${flux}`],
      ["sh", "-c", `salloc -N3 ${flux} > ${file}`],
    ]
  ) {
    const { code, stderr } = await slurm.run(words);
    assertEquals([words, code, Deno.readTextFileSync(file)], [words, 0, "node[1-3]\n"], stderr);
  }
});

testUnless(
  obstacle ?? await pythonObstacle(),
  "the shell of flux start -N has the terminal, and nobody else",
  async () => {
    await using slurm = await startSlurm(2);
    Deno.writeTextFileSync(`${slurm.work}/.bashrc`, "PS1='ready> '\n");
    // Says when it can be interrupted, so that no key is struck too early.
    const job =
      "import signal\nsignal.signal(signal.SIGINT, signal.SIG_DFL)\nprint('started', flush=True)\nsignal.pause()\n";
    Deno.writeTextFileSync(`${slurm.work}/job.py`, job);
    const env = { ...slurm.environment, HOME: slurm.work, SHELL: "/bin/bash", TERM: "dumb" };
    const steps: Step[] = [
      ["expect", "ready> "],
      ["send", "flux exec -r 1 -l tty; tty\n"],
      ["expect", "1: not a tty.*/dev/pts/\\d+.*ready> "],
      ["send", "python3 job.py\n"],
      ["expect", "started"],
      ["send", "\x03"],
      ["expect", "\\^C.*ready> "],
      ["send", "exit 7\n"],
    ];
    const { status, output } = await play(steps, [executable, "start", "-N2"], env, slurm.work);
    assertEquals(status, 7, output);
    assertEquals(slurm.rundirs(), []);
  },
);

/** A process is over, and has let go of its files: as a zombie it does so when its last thread has ended. */
function isOver(pid: number): boolean {
  try {
    return (processState(pid)?.state ?? "Z") === "Z" && [...Deno.readDirSync(`/proc/${pid}/task`)].length <= 1;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return true;
    throw error;
  }
}

testUnless(obstacle, "a session under Slurm ends however it is ended", async () => {
  await using slurm = await startSlurm(4);
  {
    // Told by Slurm, brokers end in order.
    const { ended, stop } = await startFour(slurm);
    assertEquals((await slurm.run(["scancel", "--name=flux"])).code, 0);
    const { code, stderr } = await ended;
    assertEquals(code, 143, stderr);
    await slurm.quiet();
    assertEquals(slurm.rundirs(), []);
    await stop();
  }
  {
    // A broker that dies is no end; srun takes the largest status of any task for its own.
    const { ended, stop } = await startFour(slurm);
    Deno.kill(slurm.pid(3)!, "SIGKILL");
    await until("it is told of", () => slurm.log.includes("rank 3 (node4) is lost"));
    await stop();
    assertEquals((await ended).code, 137);
    await slurm.quiet();
  }
  {
    // The death of rank 0 is.
    const { ended, stop } = await startFour(slurm);
    Deno.kill(slurm.pid(0)!, "SIGKILL");
    await stop();
    assertEquals((await ended).code, 137);
    await slurm.quiet();
  }
  // srun that is ended takes all along, without a word to them; what they leave, the next session removes.
  for (const signal of ["SIGTERM", "SIGKILL"] as const) {
    const { child, ended, stop } = await startFour(slurm);
    const pids = [0, 1, 2, 3].map((rank) => slurm.pid(rank)!);
    Deno.kill(child.pid, signal);
    await ended;
    await stop();
    await until("no broker is left", () => pids.every(isOver));
    await slurm.quiet();
  }
  assertEquals((await slurm.run([executable, "start", "-N4", "true"])).code, 0);
  assertEquals(slurm.rundirs(), []);
});

testUnless(obstacle, "srun -K ends the session when one broker dies", async () => {
  await using slurm = await startSlurm(3);
  const script = "kill -9 $(cat $FLUX_TMPDIR/flux-*/broker-2.pid); exec sleep 1000";
  const { code } = await slurm.run(["srun", "-K", "--mpi=pmi2", "-N3", executable, "start", script]);
  assert(code !== 0);
  await slurm.quiet();
});

testUnless(obstacle ?? withoutHosts(), "a node that dies is told of, and the session goes on", async () => {
  await using hosts = await startHosts(5);
  await using slurm = await startSlurm(4, hosts);
  const { child, ended, stop } = await startFour(slurm, "-o--heartrate=200ms");
  await hosts.cut(3);
  await hosts.kill(3);
  await until("it is told of", () => slurm.log.includes("rank 3 (host3) is lost"));
  await stop();
  await until("rank 0 has ended", () => /shutdown: initial program .* exited with rc=0/.test(slurm.log));
  await until("no broker is left", async () => {
    const left = await Promise.all([0, 1, 2].map((host) => hosts.processes(host)));
    return !left.flat().some((pid) => wordsOf(pid).includes("broker"));
  });
  // Slurm itself waits for the node, as long as its patience is.
  child.kill("SIGKILL");
  await ended;
});

testUnless(obstacle ?? withoutHosts(), "tasks that Slurm serves no PMI meet at rank 0's node", async () => {
  await using hosts = await startHosts(5);
  await using slurm = await startSlurm(4, hosts);
  const script = "flux getattr hostlist; flux exec -r all -l hostname";
  const words = ["srun", "--mpi=none", "-N4", "-n6", executable, "start", script];
  const strangers = await slurm.run(words);
  const lines = strangers.stderr.split("\n").filter((line) => !line.startsWith("srun: "));
  assertEquals([strangers.code, lines], [1, [
    "flux-broker: Slurm serves no PMI to these tasks, and they have no key by which to know each other",
    "hint: srun --mpi=pmi2 flux start …, or flux start -N …; or once: flux keygen",
    "",
  ]]);
  // flux start hands a key over to them.
  const given = slurm.spawn([executable, "start", "-N2", "flux getattr size; env | grep SECRET"], {
    env: { SLURM_MPI_TYPE: "none" },
  });
  const { stdout: two, stderr: said } = await outcome(given);
  assertEquals(two, "2\n", said);
  assertEquals((await slurm.run([executable, "keygen"])).code, 0);
  const { code, stdout, stderr } = await slurm.run(words);
  assertEquals(code, 0, stderr);
  assert(stdout.startsWith("host[0"), stdout);
  assertEquals(stdout.split("\n").length, 8, stdout);
  assertEquals(slurm.rundirs(), []);
});

testUnless(obstacle, "tasks without PMI find a node whose name only Slurm knows", async () => {
  await using slurm = await startSlurm(3);
  assertEquals((await slurm.run([executable, "keygen"])).code, 0);
  for (const [nodes, tasks] of [[1, 2], [3, 5]]) {
    const words = ["srun", "--mpi=none", `-N${nodes}`, `-n${tasks}`, executable, "start", "flux getattr size"];
    const { code, stdout, stderr } = await slurm.run(words);
    assertEquals([code, stdout], [0, `${tasks}\n`], stderr);
  }
  // A task that does not come is named by its node.
  const late = `case $SLURM_PROCID in 2) sleep 1000;; *) exec ${executable} broker --timeout=7 true;; esac`;
  const { code, stderr } = await slurm.run(["srun", "--mpi=none", "-K", "-N3", "sh", "-c", late]);
  assert(code !== 0 && stderr.includes("flux-broker: waiting for node3 (rank 2)\n"), stderr);
  assert(stderr.includes("flux-broker: rank 0: node3 (rank 2) did not join within 7 s\n"), stderr);
  await slurm.quiet();
  assertEquals(slurm.rundirs(), []);
});

testUnless(obstacle ?? unlessLong(), "flux start -N 64", async () => {
  await using slurm = await startSlurm(64);
  const script = "flux getattr hostlist; flux exec -r all true";
  const { code, stdout, stderr } = await slurm.run([executable, "start", "-N64", script]);
  assertEquals([code, stdout], [0, "node[1-64]\n"], stderr);
  assertEquals(slurm.rundirs(), []);
});
