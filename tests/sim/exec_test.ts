/** Programs run over trees of simulated brokers, with processes and time of our own making. */

import exec from "../../commands/exec.ts";
import ps from "../../commands/ps.ts";
import { assert, assertEquals, assertRejects } from "../assert.ts";
import { errnum, type JsonObject } from "../../broker/message/mod.ts";
import { type Program } from "./spawner.ts";
import { run, RunningCommand } from "./run_command.ts";
import { forSeeds, type SimSession, simSession } from "./session.ts";

const HOSTS = { hostlist: "node0,node1,node2" };
const lines = (text: string) => text.split("\n").sort().slice(1);
const idle = (session: SimSession) =>
  session.brokers.every((broker, rank) => !session.isAlive(rank) || broker.launcher.list.all.length === 0);

Deno.test("flux exec runs a program on every rank of a tree", async () => {
  const session = await simSession({ size: 7 });
  const { status, out, err } = await run(session, 3, exec, "-l", "echo", "hi");
  assertEquals([status, lines(out), err], [0, [0, 1, 2, 3, 4, 5, 6].map((rank) => `${rank}: hi`), ""]);
  assertEquals(idle(session), true);
});

Deno.test("flux exec takes the highest status, and names ranks that are not there", async () => {
  const session = await simSession({ size: 3 });
  assertEquals((await run(session, 1, exec, "exit", "3")).status, 3);
  const { status, err } = await run(session, 1, exec, "-r", "0,7", "true");
  assertEquals([status, err], [68, "exec: Error: rank 7: No route to host\n"]);
  const missing = await run(session, 2, exec, "-r", "0", "nosuch");
  assertEquals([missing.status, missing.err], [127, "exec: Error: rank 0: No such file or directory\n"]);
  const wrong = await run(session, 2, exec, "-r", "x", "true");
  assertEquals([wrong.status, wrong.err.split("\n")[0]], [1, "exec: --rank x: not a set of ranks"]);
  const nobody = await run(session, 2, exec, "-r", "0-1", "-x", "all", "true");
  assertEquals([nobody.status, nobody.err.split("\n")[0]], [1, "exec: no rank to run on"]);
});

Deno.test("flux exec gives standard input to all tasks, through any number of brokers", async () => {
  const session = await simSession({ size: 5, arity: 1 });
  const running = new RunningCommand(session, 0, exec, ["-l", "cat"]);
  running.around.input = new TextEncoder().encode("one\ntwo\n");
  assertEquals(await session.settle(running.status), 0);
  const expected = [0, 1, 2, 3, 4].flatMap((rank) => [`${rank}: one`, `${rank}: two`]);
  assertEquals(lines(running.around.out), expected);
});

Deno.test("flux exec --collapse and --json tell who wrote what", async () => {
  const where: Program = ({ env, print }) => {
    print(env.FLUX_URI!.endsWith("2") ? "two\n" : "other\n");
    return Promise.resolve(0);
  };
  const session = await simSession({ size: 3, programs: { where }, attributes: HOSTS });
  const rule = "-".repeat(16);
  const { out } = await run(session, 0, exec, "--collapse", "where");
  assertEquals(
    out,
    `${rule}\n[0-1] (2 ranks on node[0-1])\n${rule}\nother\n${rule}\n2 (1 rank on node2)\n${rule}\ntwo\n`,
  );
  const json = await run(session, 0, exec, "--json", "--collapse", "where");
  const first = JSON.parse(json.out.split("\n")[0]!);
  assertEquals(first, { ranks: "0-1", hosts: ["node0", "node1"], stream: "stdout", data: "other\n", codes: [0] });
  const each = await run(session, 0, exec, "--json", "-r", "2", "where");
  assertEquals(each.out.split("\n"), ['{"stream":"stdout","rank":2,"data":"two\\n"}', '{"rank":2,"code":0}', ""]);
});

Deno.test("flux ps lists the tasks of all ranks", async () => {
  const session = await simSession({ size: 3, attributes: HOSTS });
  const running = new RunningCommand(session, 1, exec, ["-n", "sleep", "60"]);
  await session.until(() => session.spawners.every(({ running }) => running.size === 1));
  const { out } = await run(session, 0, ps);
  assertEquals(
    out.split("\n").map((line) => line.slice(5)).slice(1, 4),
    [0, 1, 2].map((rank) => `        ${rank}       100  sleep`),
  );
  const [row] = JSON.parse((await run(session, 0, ps, "-r", "2", "--json")).out);
  assertEquals([row.rank, row.host, row.command], [2, "node2", ["sleep", "60"]]);
  assertEquals(await session.settle(running.status), 0);
});

Deno.test("a rank that dies is named, and those that live go on", async () => {
  const session = await simSession({ size: 3 });
  const running = new RunningCommand(session, 0, exec, ["-n", "sleep", "60"]);
  await session.until(() => session.spawners.every(({ running }) => running.size === 1));
  session.kill(2);
  assertEquals(await session.settle(running.status), 68);
  assertEquals(running.around.err, "exec: Error: rank 2: No route to host: overlay disconnect\n");
});

Deno.test("a broker that shuts down asks its tasks to end, and kills those that do not", async () => {
  const session = await simSession({ size: 3 });
  const polite = new RunningCommand(session, 0, exec, ["-n", "-r", "0,2", "sleep", "1000"]);
  const stubborn = new RunningCommand(session, 0, exec, ["-n", "-r", "1", "stubborn"]);
  await session.until(() => session.spawners.every(({ running }) => running.size === 1));
  void session.brokers[0]!.shutdown(0, "test");
  assertEquals(await session.settle(Promise.all([polite.status, stubborn.status])), [143, 137]);
  await session.settle(session.brokers[0]!.exited);
  assertEquals(session.spawners.map(({ running }) => running.size), [0, 0, 0]);
  await assertRejects(
    session.settle(
      Promise.resolve().then(() => {
        return session.brokers[0]!.launcher.launch({
          command: { argv: ["true"], cwd: undefined, env: {}, opts: {}, channels: [], label: "" },
          client: undefined,
          background: true,
          waitable: false,
          flags: 0,
          fallthrough: false,
          credit: {},
          tellsStops: false,
          tell() {},
        }).done;
      }),
    ),
    { errno: "ESHUTDOWN" },
  );
});

Deno.test("whoever dies, tasks whose client is gone are killed and clients hear of lost ranks", async () => {
  await forSeeds(12, async (seed) => {
    const session = await simSession({ size: 10, seed });
    const { random } = session;
    const pick = () => 1 + Math.floor(random.float() * 9);
    const client = pick();
    const running = new RunningCommand(session, client, exec, ["-n", "sleep", "20"]);
    await session.run(random.float() * 50);
    for (let i = 0; i < 3; i++) {
      session.kill(pick());
      await session.run(random.float() * 3000);
    }
    if (session.isAlive(client)) {
      // Who has lost its parent ends, and its clients with it: in both cases the command comes to its end.
      const status = await session.settle(
        Promise.race([running.status, session.brokers[client]!.exited.then(() => 1)]),
      );
      assert(status === 68 || status === 1, `status ${status}`);
    }
    await session.until(() => idle(session));
    assertEquals(session.spawners.map(({ running }) => running.size), Array(10).fill(0));
  });
});

Deno.test("cmb.exec answers as the 0.1.0 tools expect, and its companions find the task by pid", async () => {
  const session = await simSession({ size: 1 });
  const handle = session.handle(0);
  const heard: JsonObject[] = [];
  const done = (async () => {
    for await (const answer of handle.stream("cmb.exec", { cmdline: ["cat"] })) heard.push(answer);
  })();
  await session.until(() => heard.length > 0);
  const pid = Number(heard[0]!.pid);
  assertEquals(heard, [{ rank: 0, pid, state: "Running" }]);
  const { procs } = await session.settle(handle.rpc("cmb.processes"));
  const [{ sender, ...rest }] = procs as [JsonObject];
  assertEquals([rest, typeof sender], [{ pid, cmdline: ["cat"], cwd: "" }, "string"]);
  const write = (stdin: object) => session.settle(handle.rpc("cmb.exec.write", { pid, stdin }));
  assertEquals(await write({ data: btoa("hello\n"), eof: true }), { code: 0 });
  await session.settle(done);
  assertEquals(heard.filter(({ type }) => type === "io"), [
    { type: "io", rank: 0, pid, name: "stdout", data: btoa("hello\n") },
    { type: "io", rank: 0, pid, name: "stdout", eof: true },
    { type: "io", rank: 0, pid, name: "stderr", eof: true },
  ]);
  assertEquals(heard.find(({ state }) => state === "Exited"), { rank: 0, pid, state: "Exited", status: 0, code: 0 });
  assertEquals(await session.settle(handle.rpc("cmb.exec.signal", { pid })), { code: 71 });
  const failed: JsonObject[] = [];
  await session.settle((async () => {
    for await (const answer of handle.stream("cmb.exec", { cmdline: ["nosuch"] })) failed.push(answer);
  })());
  assertEquals(failed.at(-1), { rank: 0, pid: -1, state: "Exec Failure", status: 127 << 8, code: 127, exec_errno: 2 });
  assertEquals(await session.settle(handle.rpc("cmb.exec", {})), {});
});

Deno.test("rexec refuses what is no command, unknown processes and other users", async () => {
  const session = await simSession({ size: 1 });
  const handle = session.handle(0);
  const rpc = (topic: string, payload: object) => session.settle(handle.rpc(topic, payload));
  const exec = (cmd: object) => rpc("rexec.exec", { cmd, flags: 0, local_flags: 0 });
  await assertRejects(exec({}), { errno: "EPROTO", text: '"cmdline"' });
  await assertRejects(exec({ cmdline: [] }), { errno: "EINVAL" });
  await assertRejects(exec({ cmdline: ["a\0b"] }), { errno: "EINVAL", text: "NUL" });
  await assertRejects(exec({ cmdline: ["a"], env: { A: 1 } }), { errno: "EPROTO", text: '"env.A"' });
  await assertRejects(exec({ cmdline: ["nosuch"] }), {
    errno: "ENOENT",
    text: "error launching process: No such file",
  });
  await assertRejects(rpc("rexec.kill", { pid: 5, signum: 9 }), { errno: "ESRCH", text: "pid 5 does not belong" });
  await assertRejects(rpc("rexec.kill", { pid: 5, signum: 99 }), { errno: "ESRCH" });
  const { pid } = await rpc("rexec.exec", { cmd: { cmdline: ["sleep", "100"] }, flags: 0, local_flags: 0 });
  for (const signum of [0, -9, 99, 1e300]) {
    await assertRejects(rpc("rexec.kill", { pid: Number(pid), signum }), { errno: "EINVAL", text: "is no signal" });
    assertEquals(await rpc("cmb.exec.signal", { pid: Number(pid), signum }), { code: errnum("EINVAL") });
  }
  await assertRejects(rpc("rexec.wait", { pid: 5 }), { errno: "ESRCH" });
  await assertRejects(rpc("rexec.attach", { pid: 5 }), { errno: "EPROTO", text: "streaming" });
  const guest = session.handle(0, { userid: 7, rolemask: 2 | 4 });
  for (const topic of ["rexec.exec", "rexec.list", "rexec.kill", "cmb.exec", "cmb.processes"]) {
    await assertRejects(session.settle(guest.rpc(topic, {})), { errno: "EPERM" });
  }
});

Deno.test("rexec keeps a background task that is to be waited for, and forgets one that is not", async () => {
  const session = await simSession({ size: 1 });
  const handle = session.handle(0);
  const exec = async (argv: string[], flags: number) =>
    Number((await session.settle(handle.rpc("rexec.exec", { cmd: { cmdline: argv }, flags, local_flags: 0 }))).pid);
  const list = async () =>
    ((await session.settle(handle.rpc("rexec.list"))).procs as JsonObject[]).map(({ state }) => state);
  await exec(["echo", "gone"], 0);
  await session.run(1);
  assertEquals(await list(), []);
  const pid = await exec(["exit", "4"], 16);
  await session.run(1);
  assertEquals(await list(), ["Z"]);
  assertEquals(await session.settle(handle.rpc("rexec.wait", { pid })), { status: 4 << 8 });
  assertEquals(await list(), []);
});

Deno.test("what a rank says at its end reaches a client before modules are stopped, though its goodbye comes along with it", async () => {
  const session = await simSession({ size: 2 });
  const root = session.brokers[0]!, child = session.brokers[1]!;
  const stubborn = new RunningCommand(session, 0, exec, ["-n", "-r", "1", "stubborn"]);
  await session.until(() => session.spawners[1]!.running.size === 1);
  void root.shutdown(0, "test");
  await session.until(() => child.machine.reached("shutdown"));
  session.network.stop(session.host(0));
  await session.until(() => child.machine.reached("goodbye"));
  await session.run(50);
  const states: string[] = [];
  using _ = root.router.tap((direction, _id, { topic }, point) => {
    if (direction === "rx" && point === "endpoint" && topic === "mrpc.call") states.push(root.machine.state);
  });
  session.network.go(session.host(0));
  assertEquals(await session.settle(stubborn.status), 137);
  assertEquals(states.at(-1), "shutdown");
  await session.settle(root.exited);
});
