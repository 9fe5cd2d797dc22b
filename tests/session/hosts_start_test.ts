/** `flux start --hosts`: one session over several hosts. */

import { assert, assertEquals } from "../assert.ts";
import { testUnless } from "../skip.ts";
import { type Hosts, startHosts, withoutHosts } from "./hosts.ts";
import { type Session, until } from "./session.ts";

/** Run directories that are left in the place of all of them. */
function left(session: Session): string[] {
  return [...Deno.readDirSync(session.directory)].map(({ name }) => name).filter((name) => name.startsWith("flux-"));
}

/** The remote shell that `flux start` has started for a host. */
function shellOf(session: Session, host: string): number {
  const children = Deno.readTextFileSync(`/proc/${session.startPid}/task/${session.startPid}/children`).split(" ");
  const shell = children.find((pid) => pid && Deno.readTextFileSync(`/proc/${pid}/cmdline`).split("\0").includes(host));
  assert(shell, `no remote shell for ${host}`);
  return Number(shell);
}

async function ended(hosts: Hosts, session: Session): Promise<void> {
  await hosts.quiet();
  assertEquals(left(session), []);
}

testUnless(withoutHosts(), "flux start --hosts joins brokers of several hosts over TCP", async () => {
  await using hosts = await startHosts(4);
  await using session = await hosts.startSession();
  const ask = async (...words: string[]) => (await session.flux(words)).stdout.trim();
  assertEquals(await ask("getattr", "hostlist"), "host[0-3]");
  assertEquals(await ask("getattr", "broker.mapping"), "[[0,4,1,1]]");
  assertEquals((await ask("exec", "-r", "all", "-l", "hostname")).split("\n").sort(), [
    "0: host0",
    "1: host1",
    "2: host2",
    "3: host3",
  ]);
  const parent = await ask("exec", "-r", "3", "flux", "getattr", "tbon.parent-endpoint");
  assert(/^ipc:.*,tcp:\/\/10\.77\.0\.2:\d+,tcp:\/\/\[fd77::2\]:\d+$/.test(parent), parent);
  assertEquals(await ask("exec", "-r", "3", "flux", "getattr", "hostlist"), "host[0-3]");
  // Everybody hears everybody: up the tree, down the tree, by events and around the ring.
  assert((await ask("ping", "-c", "1", "3!broker")).includes("3!broker"));
  assert((await ask("exec", "-r", "3", "flux", "ping", "-c", "1", "2!broker")).includes("2!broker"));
  assert((await ask("ping", "--ring", "-c", "1", "2!broker")).includes("2!broker"));
  assertEquals((await session.flux(["kvs", "put", "a=42"])).code, 0);
  assertEquals(await ask("exec", "-r", "3", "flux", "kvs", "get", "a"), "42");
  const { code, stderr } = await session.stop();
  assertEquals([code, stderr], [0, ""]);
  await ended(hosts, session);
});

testUnless(withoutHosts(), "ranks of one host use its sockets, and share its directory", async () => {
  await using hosts = await startHosts(2);
  await using session = await hosts.startSession({ on: [0, 1, 1, 0] });
  const ask = async (...words: string[]) => (await session.flux(words)).stdout.trim();
  assertEquals(await ask("getattr", "hostlist"), "host[0-1,1,0]");
  const directories = await ask("exec", "-r", "1-2", "flux", "getattr", "rundir");
  assertEquals(new Set(directories.split("\n")).size, 1);
  const { code, stderr } = await session.stop();
  assertEquals([code, stderr], [0, ""]);
  await ended(hosts, session);
});

testUnless(withoutHosts(), "a rank on another host is started anew, though what was there is stopped", async () => {
  await using hosts = await startHosts(3);
  await using session = await hosts.startSession();
  const [pid] = await hosts.processes(1) as [number];
  Deno.kill(pid, "SIGSTOP");
  const { code, stderr } = await session.flux(["overlay", "restart", "--force", "1"]);
  assertEquals([code, stderr], [0, ""]);
  assertEquals((await session.flux(["up", "--up"])).stdout, "[0-2]\n");
  assertEquals((await hosts.processes(1)).includes(pid), false);
  assertEquals((await session.stop()).code, 0);
  await ended(hosts, session);
});

testUnless(withoutHosts(), "--interface chooses the address that others are given", async () => {
  await using hosts = await startHosts(2);
  await using session = await hosts.startSession({ args: ["--interface=fd77::/64"] });
  const { stdout } = await session.flux(["getattr", "tbon.endpoint"]);
  assert(/^ipc:[^,]*,tcp:\/\/\[fd77::1\]:\d+\n$/.test(stdout), stdout);
  assertEquals((await session.flux(["getattr", "tbon.interface-hint"])).stdout, "fd77::/64\n");
});

testUnless(withoutHosts(), "a host without the interface asked for says which there are", async () => {
  await using hosts = await startHosts(2);
  const words = ["start", "--hosts=host[0-1]", `--rsh=${hosts.rsh}`, "--interface=ib0", "true"];
  const { code, stderr } = await hosts.flux(0, words);
  const text = 'no interface matches "ib0"; there are lo 127.0.0.1, ';
  assertEquals([code, stderr.includes(text)], [1, true], stderr);
  await hosts.quiet();
});

testUnless(
  withoutHosts(),
  "a host that cannot be reached is named, with what ssh said and the line to try",
  async () => {
    await using hosts = await startHosts(2);
    const words = ["start", "--hosts=host[0-1],gone", `--rsh=${hosts.rsh}`, "true"];
    const { code, stderr } = await hosts.flux(0, words);
    const [what = "", line = "", ...rest] = stderr.trimEnd().split("\n");
    const reason = `/run/netns/${hosts.prefix}-gone: No such file or directory`;
    assert(
      what.startsWith(`flux-start: rank 2 (gone): ${hosts.rsh} exited with rc=1: `) && what.endsWith(reason),
      stderr,
    );
    assert(line.startsWith(`flux-start:   ${hosts.rsh} gone 'exec /bin/sh -c `), stderr);
    assertEquals([code, rest], [1, []]);
    await hosts.quiet();
  },
);

testUnless(withoutHosts(), "a rank ends when the remote shell that started it dies", async () => {
  await using hosts = await startHosts(3);
  await using session = await hosts.startSession();
  Deno.kill(shellOf(session, hosts.name(2)), "SIGKILL");
  await until("nothing runs there", async () => (await hosts.processes(2)).length === 0);
  await until("it is told of", () => session.stderr.includes("rank 2 (host2)"));
  assertEquals((await session.flux(["getattr", "size"])).code, 0);
  const { code } = await session.stop();
  assertEquals(code, 0);
  await ended(hosts, session);
});

testUnless(withoutHosts(), "flux start that is killed takes all hosts along", async () => {
  await using hosts = await startHosts(3);
  await using session = await hosts.startSession();
  Deno.kill(session.startPid, "SIGKILL");
  await session.ended;
  await ended(hosts, session);
});
