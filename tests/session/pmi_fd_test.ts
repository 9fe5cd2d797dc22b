/** A session whose ranks another launcher starts: PMI-1 at an inherited file descriptor. */

import { type ChildProcess, spawn } from "node:child_process";
import type { Socket } from "node:net";
import { assert, assertEquals } from "../assert.ts";
import { PmiServer } from "../../broker/pmi/mod.ts";
import { testUnless, unlessProgram } from "../skip.ts";
import { executable, plainEnvironment, runFlux, workDirectory } from "./session.ts";

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Starts tasks of a job of `size` with a PMI server behind file descriptor 3 of each, and waits for their end. The job is over when a
 * task fails.
 */
async function launch(
  tasks: number,
  size: number,
  words: string[],
  cwd: string,
  env: (rank: number) => Record<string, string> = () => ({}),
): Promise<Ended[]> {
  const server = new PmiServer({ size, kvsname: "test" });
  const sockets: Socket[] = [];
  const ends = Array.from({ length: tasks }, (_, rank) => {
    const child = spawn(executable, words, {
      cwd,
      env: {
        ...plainEnvironment({ TMPDIR: cwd }),
        ...env(rank),
        PMI_FD: "3",
        PMI_RANK: `${rank}`,
        PMI_SIZE: `${size}`,
      },
      stdio: ["ignore", "pipe", "pipe", "pipe"],
    });
    const socket = child.stdio[3] as Socket;
    sockets.push(socket);
    let held = "";
    socket.on("error", () => {});
    socket.on("data", (bytes) => {
      const lines = (held + bytes).split("\n");
      held = lines.pop()!;
      for (const line of lines) {
        for (const action of server.receive(rank, line)) {
          if (action.kind === "reply") sockets[action.rank]!.write(`${action.line}\n`);
          else sockets[action.rank]!.end();
        }
      }
    });
    child.on("exit", (code) => code !== 0 && sockets.forEach((socket) => socket.end()));
    return ended(child);
  });
  return await Promise.all(ends);
}

function ended(child: ChildProcess): Promise<Ended> {
  let stdout = "", stderr = "";
  child.stdout!.on("data", (bytes) => stdout += bytes);
  child.stderr!.on("data", (bytes) => stderr += bytes);
  return new Promise((resolve) => child.on("close", (code) => resolve({ code, stdout, stderr })));
}

Deno.test("flux broker makes one session of the tasks of a PMI launcher", async () => {
  await using work = await workDirectory();
  const [root, ...others] = await launch(3, 3, ["broker", "flux getattr size; env | grep ^PMI_; exit 6"], work.path);
  assertEquals([root!.code, root!.stdout], [6, "3\n"], root!.stderr);
  assertEquals(others.map(({ code, stdout }) => [code, stdout]), [[0, ""], [0, ""]]);
  assertEquals([...Deno.readDirSync(work.path)], []);
});

Deno.test("flux start as a task of a PMI launcher is a broker of that session", async () => {
  await using work = await workDirectory();
  const [root] = await launch(2, 2, ["start", "flux getattr size"], work.path);
  assertEquals([root!.code, root!.stdout], [0, "2\n"], root!.stderr);
});

testUnless(
  unlessProgram("mpiexec.hydra", "mpich"),
  "mpiexec.hydra flux start is a session of its processes",
  async () => {
    await using work = await workDirectory();
    const script = "flux getattr size; flux getattr broker.mapping; flux exec -r all true; exit 6";
    const { code, stdout, stderr } = await new Deno.Command("mpiexec.hydra", {
      args: ["-n", "3", executable, "start", script],
      cwd: work.path,
      clearEnv: true,
      env: plainEnvironment({ FLUX_TMPDIR: work.path }),
    }).output();
    const text = new TextDecoder().decode(stdout);
    assertEquals([code, text.split("\n").slice(0, 2)], [6, ["3", "[[0,1,3,1]]"]], new TextDecoder().decode(stderr));
    assertEquals([...Deno.readDirSync(work.path)].map(({ name }) => name), ["cmbd.log"]);
  },
);

Deno.test("flux broker gives up when not all ranks come within its timeout", async () => {
  await using work = await workDirectory();
  const [one] = await launch(1, 2, ["broker", "--timeout=1", "true"], work.path);
  assertEquals(one!.code, 1);
  assert(one!.stderr.includes("rank 0: not up within 1 s"), one!.stderr);
  // What was said last tells where it hangs.
  const said = one!.stderr.split("\n").filter((line) => line.startsWith("flux-broker: pmi: "));
  assertEquals([said[0], said.at(-1)], [
    "flux-broker: pmi: > cmd=init pmi_version=1 pmi_subversion=1",
    "flux-broker: pmi: > cmd=barrier_in",
  ]);
  assertEquals([...Deno.readDirSync(work.path)], []);
});

Deno.test("flux broker says what is wrong with the descriptor it was given", async () => {
  await using work = await workDirectory();
  const env = { ...plainEnvironment({ TMPDIR: work.path }), PMI_FD: "99", PMI_RANK: "0", PMI_SIZE: "1" };
  const options = {
    args: ["broker", "true"],
    cwd: work.path,
    clearEnv: true,
    env,
    stdin: "null",
  } satisfies Deno.CommandOptions;
  const { code, stderr } = await new Deno.Command(executable, options).output();
  assertEquals(code, 1);
  assertEquals(new TextDecoder().decode(stderr), "flux-broker: PMI_FD=99 is not an open file descriptor\n");
});

Deno.test("flux broker under a launcher seals its card with the user's keys, and takes no rank that has other ones or none", async () => {
  await using keys = await workDirectory();
  for (const name of ["mine", "other"]) await runFlux(["keygen", "--secdir", `${keys.path}/${name}`]);
  const run = async (second: string) => {
    await using work = await workDirectory();
    const env = (rank: number) => ({ FLUX_SEC_DIRECTORY: `${keys.path}/${rank === 0 ? "mine" : second}` });
    return await launch(2, 2, ["broker", "--timeout=20", "flux getattr size"], work.path, env);
  };
  const [same] = await run("mine");
  assertEquals([same!.code, same!.stdout], [0, "2\n"], same!.stderr);
  for (const [second, why] of [["other", "the seal is wrong"], ["none", "not sealed"]] as const) {
    const [root] = await run(second);
    assertEquals([root!.code, root!.stdout], [1, ""]);
    assert(root!.stderr.includes(`business card of rank 1 (${Deno.hostname()}): ${why}`), root!.stderr);
  }
});

Deno.test("flux broker under a launcher refuses keys that others can read", async () => {
  await using work = await workDirectory();
  await runFlux(["keygen", "--secdir", `${work.path}/sec`]);
  Deno.chmodSync(`${work.path}/sec/curve`, 0o755);
  const [root] = await launch(2, 2, ["broker", "true"], work.path, () => ({ FLUX_SEC_DIRECTORY: `${work.path}/sec` }));
  assertEquals([root!.code, root!.stderr], [1, `flux-broker: ${work.path}/sec/curve: mode should be 0700\n`]);
});
