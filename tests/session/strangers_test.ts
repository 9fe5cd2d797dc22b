/** What a stranger gets who reaches the ports of a session, from a host that is none of its own: nothing. */

import { assert, assertEquals } from "../assert.ts";
import { testUnless } from "../skip.ts";
import { readBootstrap, readUserKey } from "../../broker/boot/mod.ts";
import { startHosts, withoutHosts } from "./hosts.ts";
import { ELSEWHERE, rootOf, said, stranger } from "./outsider.ts";
import { executable, runFlux, startSession, until, workDirectory } from "./session.ts";

/** Why nobody can become another user here; undefined when that can be. */
function withoutOthers(): string | undefined {
  if (Deno.uid() !== 0) return "becoming another user needs root";
  const missing = ["/usr/bin/python3", "/usr/bin/setpriv"].find((path) => !isThere(path));
  return missing && `${missing} is not installed`;
}

function isThere(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}

const descriptors = (pid: number) => [...Deno.readDirSync(`/proc/${pid}/fd`)].length;
const memory = (pid: number) => Number(/VmRSS:\s+(\d+)/.exec(Deno.readTextFileSync(`/proc/${pid}/status`))![1]) / 1024;

testUnless(withoutHosts(), "a stranger with the port and without a key gets nothing, and is named once", async () => {
  await using hosts = await startHosts(4);
  await using session = await hosts.startSession({ on: [0, 1, 2] });
  const { ports, key } = await rootOf(session);
  assertEquals(ports.length, 3);
  for (const port of ports) {
    assertEquals(await said(stranger(hosts, "keyless", port)), [
      "refused: the other side uses keys or passwords, this one does not",
    ]);
    const heard = await said(stranger(hosts, "keyed", port, key!, "3"));
    assertEquals(heard, Array(3).fill("refused: the key of this side is not admitted"));
    // A greeting of the protocol, the same for everybody: no more comes back.
    assert(Number(await said(stranger(hosts, "babble", port))) <= 3 * 64);
  }
  const address = hosts.address(ELSEWHERE);
  const lines = () => session.log.split("\n").filter((line) => line.includes(`refused ${address}`));
  await until("it is told of", () => lines().length >= 2);
  assert(lines().some((line) => /key .{40} is not admitted$/.test(line)), lines().join("\n"));
  assert(lines().length <= 6, lines().join("\n"));
  assertEquals((await session.flux(["exec", "-r", "all", "true"])).code, 0);
  assertEquals((await session.flux(["getattr", "hostlist"])).stdout, "host[0-2]\n");
});

testUnless(withoutHosts(), "without keys a session over hosts is open to strangers, and says so", async () => {
  await using hosts = await startHosts(4);
  await using session = await hosts.startSession({ on: [0, 1], args: ["--security=none"] });
  const { ports: [port], key } = await rootOf(session);
  assertEquals(key, undefined);
  assert(session.log.includes("whoever reaches a port of this session acts as its owner"), session.log);
  assertEquals((await said(stranger(hosts, "keyless", port!)) as string[])[0], "up");
});

testUnless(
  withoutHosts(),
  "a port scanner and mute connections neither fill a broker nor keep others out",
  async () => {
    await using hosts = await startHosts(4);
    await using session = await hosts.startSession({ on: [0, 1, 2], args: ["-o", "--heartrate=0.5"] });
    const { ports: [port] } = await rootOf(session);
    const pid = session.pid(0);
    const before = { descriptors: descriptors(pid), memory: memory(pid) };
    assertEquals(await said(stranger(hosts, "scan", port!, "2000")), "done");
    const mute = stranger(hosts, "mute", port!, "1200");
    const reader = mute.stdout.getReader();
    await reader.read();
    // 512 may wait, and those that make way for others are on their way out.
    await until("room is made", () => descriptors(pid) <= before.descriptors + 520);
    assertEquals((await session.flux(["exec", "-r", "all", "true"])).code, 0);
    // A broker of the session gets in all the same.
    const ask = async (rank: number, ...words: string[]) =>
      (await session.flux(["exec", "-r", `${rank}`, "flux", ...words])).stdout.trim();
    const [root, other] = [await ask(0, "getattr", "tbon.endpoint"), await ask(1, "getattr", "tbon.endpoint")];
    for (const uri of [other, root]) {
      await ask(2, "comms", "reparent", uri);
      assertEquals(await ask(2, "getattr", "tbon.parent-endpoint"), uri);
    }
    assert(memory(pid) < before.memory + 64, `${memory(pid)} MiB, ${before.memory} before`);
    reader.releaseLock();
    await mute.stdin.close();
    await mute.status;
    await mute.stdout.cancel();
    await mute.stderr.cancel();
    await until("all is as before", () => descriptors(pid) <= before.descriptors + 8);
    assertEquals((await session.flux(["overlay", "status"])).stdout.split("\n")[0], "0 host0: full");
    const { code } = await session.stop();
    assertEquals(code, 0);
  },
);

testUnless(
  withoutHosts(),
  "a host that is cut off while the session comes up is named, and joins when it is there again",
  async () => {
    await using hosts = await startHosts(3);
    await hosts.cut(2);
    const words = ["start", "--hosts=host[0-2]", `--rsh=${hosts.rsh}`, "--timeout=4", "true"];
    const { code, stderr } = await hosts.flux(0, words);
    assertEquals(code, 1);
    assert(/rank 2 .*host2/.test(stderr), stderr);
    await hosts.quiet();
    const child = hosts.spawn(0, [executable, ...words.with(3, "--timeout=60")]);
    await until("rank 2 is started", async () => (await hosts.processes(2)).length > 0);
    await hosts.heal(2);
    const output = await child.output();
    assertEquals([output.code, new TextDecoder().decode(output.stderr)], [0, ""]);
    await hosts.quiet();
  },
);

testUnless(
  withoutHosts(),
  "a host with other keys is kept out, and keys of one rank are of no use for another",
  async () => {
    await using hosts = await startHosts(4);
    const table = { default_port: 9000, hosts: [{ host: "host[0-3]" }] };
    const path = `${hosts.directory}/system.toml`;
    Deno.writeTextFileSync(path, '[bootstrap]\ndefault_port = 9000\nhosts = [{ host = "host[0-3]" }]\n');
    const keys = (name: string) => `${hosts.directory}/${name}`;
    for (const name of ["mine", "other"]) await runFlux(["keygen", "--secdir", keys(name)]);
    const log = `${hosts.directory}/log`;
    const words = ["broker", `--config-path=${path}`, "--quorum=3", `--logdest=${log}`];
    const brokers = [0, 1, 2, ELSEWHERE].map((host) => {
      const env = { FLUX_SEC_DIRECTORY: keys(host === ELSEWHERE ? "other" : "mine") };
      const child = hosts.spawn(host, [executable, ...words], { env });
      void child.stdout.cancel();
      void child.stderr.cancel();
      return child;
    });
    const lines = () => isThere(log) ? Deno.readTextFileSync(log) : "";
    await until("those with the right keys run", () => lines().includes("nodeset: [0-2] (quorum of 3)"));
    const refused = `refused ${hosts.address(ELSEWHERE)}: the peer has a wrong key of this listener`;
    await until("the other is refused", () => lines().includes(refused));

    const user = (await readUserKey(keys("mine")))!;
    const { session } = readBootstrap(table);
    const [root, two] = [0, 2].map((rank) => user.linkKeys({ session, size: 4, rank }));
    const claim = (rank: string) =>
      said(stranger(hosts, "claim", "tcp://10.77.0.1:9000", root!.publicKey, two!.publicKey, two!.secretKey, rank));
    const text = "evil says it is rank 1, but has the key of rank 2";
    assertEquals(await claim("1"), ["up", `answer 1: ${text}`, "down: closed by the listener"]);
    await until("it is told of", () => lines().includes(`hello refused: ${text}`));
    assert(!lines().includes("is lost"), lines());
    Deno.kill((await hosts.processes(0))[0]!, "SIGTERM");
    for (const broker of brokers.slice(0, 3)) await broker.status;
  },
);

Deno.test("flux broker takes no directory for its sockets that others can look into", async () => {
  await using work = await workDirectory();
  Deno.mkdirSync(`${work.path}/run`);
  Deno.chmodSync(`${work.path}/run`, 0o755);
  const words = ["broker", `--scratch-directory=${work.path}/run`, "true"];
  const refused = await runFlux(words);
  assertEquals([refused.code, refused.stderr], [1, `flux-broker: ${work.path}/run: mode should be 0700\n`]);
  Deno.chmodSync(`${work.path}/run`, 0o700);
  assertEquals((await runFlux(words)).code, 0);
});

testUnless(
  withoutOthers(),
  "another user of the host gets neither to the sockets nor past them",
  async () => {
    await using session = await startSession();
    const reach = async () => {
      const connect =
        `import socket; s = socket.socket(socket.AF_UNIX); s.connect("${session.rundir}/local-0"); print(s.recv(9))`;
      const args = ["--reuid=65534", "--regid=65534", "--clear-groups", "/usr/bin/python3", "-c", connect];
      const { stdout, stderr } = await new Deno.Command("setpriv", { args }).output();
      return new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr).trim().split("\n").at(-1);
    };
    assertEquals(Deno.statSync(session.rundir).mode! & 0o777, 0o700);
    assert((await reach()).includes("Permission denied"));
    // Even if somebody opens the directories.
    for (const path of [session.directory, session.rundir]) Deno.chmodSync(path, 0o755);
    assertEquals(await reach(), "b'\\x01'\n");
    await until(
      "it is told of",
      () => session.log.includes("connection of uid 65534 refused: only the owner may connect"),
    );
  },
);
