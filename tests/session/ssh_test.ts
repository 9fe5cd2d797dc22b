/** `flux start --hosts` through a real ssh: a server of Debian's on a loopback port, with keys and settings of its own. */

import { assert, assertEquals } from "../assert.ts";
import { testUnless } from "../skip.ts";
import { executable, runFlux, spawnFlux, startSession, until, workDirectory } from "./session.ts";

const SSHD = "/usr/sbin/sshd";

function withoutSshd(): string | undefined {
  if (Deno.uid() !== 0) return "an ssh server of one's own needs root";
  for (const path of [SSHD, "/usr/bin/ssh", "/usr/bin/ssh-keygen"]) {
    try {
      Deno.statSync(path);
    } catch {
      return `${path} is not installed`;
    }
  }
  return undefined;
}

/** An ssh server, and the words of a client that knows it as `one`, `two` and `three`. */
class Sshd implements AsyncDisposable {
  readonly rsh: string;
  readonly #child: Deno.ChildProcess;

  private constructor(rsh: string, child: Deno.ChildProcess) {
    this.rsh = rsh;
    this.#child = child;
  }

  static async start(directory: string): Promise<Sshd> {
    for (const name of ["host", "user"]) {
      const args = ["-q", "-t", "ed25519", "-N", "", "-f", `${directory}/${name}`];
      await new Deno.Command("ssh-keygen", { args }).output();
    }
    const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const { port } = listener.addr as Deno.NetAddr;
    listener.close();
    const server = [
      `ListenAddress 127.0.0.1:${port}`,
      `HostKey ${directory}/host`,
      `AuthorizedKeysFile ${directory}/user.pub`,
      "PidFile none",
      "StrictModes no",
      "UsePAM no",
      "PermitRootLogin yes",
      "AcceptEnv FLUX_*",
    ];
    const client = [
      "Host one two three closed",
      `  IdentityFile ${directory}/user`,
      "Host nokey",
      "  IdentityFile none",
      "  IdentityAgent none",
      "Host *",
      "  HostName 127.0.0.1",
      `  Port ${port}`,
      `  UserKnownHostsFile ${directory}/known`,
      "  StrictHostKeyChecking no",
      "  LogLevel ERROR",
    ];
    Deno.writeTextFileSync(`${directory}/sshd_config`, `${server.join("\n")}\n`);
    Deno.writeTextFileSync(`${directory}/ssh_config`, `Host closed\n  Port 1\n${client.join("\n")}\n`);
    // It wants a directory under /run, which a machine without the service does not have.
    const line = `mount -t tmpfs none /run && mkdir /run/sshd && exec ${SSHD} -D -e -f ${directory}/sshd_config`;
    const args = ["--mount", "sh", "-c", line];
    const child = new Deno.Command("unshare", { args, stdin: "null", stdout: "null", stderr: "null" }).spawn();
    const sshd = new Sshd(`ssh -F ${directory}/ssh_config -o BatchMode=yes -T`, child);
    await until("the ssh server answers", async () => {
      try {
        (await Deno.connect({ hostname: "127.0.0.1", port })).close();
        return true;
      } catch {
        return false;
      }
    });
    return sshd;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#child.status;
  }
}

/** The child of a process that has a word on its command line. */
function childWith(parent: number, word: string): number | undefined {
  const children = Deno.readTextFileSync(`/proc/${parent}/task/${parent}/children`).split(" ").filter(Boolean);
  return children.map(Number).find((pid) => Deno.readTextFileSync(`/proc/${pid}/cmdline`).split("\0").includes(word));
}

testUnless(withoutSshd(), "flux start --hosts starts brokers by ssh, and whatever ssh does they end", async () => {
  await using keys = await workDirectory();
  await using sshd = await Sshd.start(keys.path);
  await using session = await startSession({
    size: 4,
    where: ["--hosts=localhost,one,two,three", `--rsh=${sshd.rsh}`],
  });
  const ask = async (...words: string[]) => (await session.flux(words)).stdout.trim();
  assertEquals(await ask("getattr", "size"), "4");
  assertEquals(
    (await ask("exec", "-r", "all", "-l", "echo", "here")).split("\n").sort().join(" "),
    "0: here 1: here 2: here 3: here",
  );
  const rundirs = new Set((await ask("exec", "-r", "1-3", "flux", "getattr", "rundir")).split("\n"));
  assertEquals(rundirs.size, 1);
  const [rundir] = rundirs;
  // The ssh of a leaf dies: so does its rank, and the session goes on.
  const pid = Number(Deno.readTextFileSync(`${rundir}/broker-3.pid`));
  Deno.kill(childWith(session.startPid, "three")!, "SIGKILL");
  await until("rank 3 has ended", () => !isThere(`/proc/${pid}/exe`));
  await until("it is told of", () => session.stderr.includes("rank 3 (three): ssh SIGKILL"));
  assertEquals(await ask("getattr", "size"), "4");
  assertEquals((await session.stop()).code, 0);
  await until("the directory of the others is gone", () => !isThere(rundir!));
});

testUnless(withoutSshd(), "flux start --hosts shows what ssh said of a host, and the line to try", async () => {
  await using keys = await workDirectory();
  await using sshd = await Sshd.start(keys.path);
  const words = ["start", "--hosts=localhost,one,closed", `--rsh=${sshd.rsh}`, "true"];
  const { code, stderr } = await runFlux(words, { cwd: keys.path, env: { FLUX_TMPDIR: keys.path } });
  const lines = stderr.split("\n");
  const said = "ssh: connect to host 127.0.0.1 port 1: Connection refused";
  assertEquals([code, lines[0]], [1, `flux-start: rank 2 (closed): ssh exited with rc=255: ${said}`], stderr);
  assert(
    lines[1]!.startsWith(`flux-start:   ${sshd.rsh} closed 'exec /bin/sh -c `) && lines[1]!.includes(executable),
    stderr,
  );
});

testUnless(withoutSshd(), "FLUX_SSH names the remote shell, and a file the hosts", async () => {
  await using keys = await workDirectory();
  await using sshd = await Sshd.start(keys.path);
  Deno.writeTextFileSync(`${keys.path}/hosts`, "# mine\nlocalhost\none two\n");
  const env = { FLUX_TMPDIR: keys.path, FLUX_SSH: sshd.rsh };
  const words = ["start", `--hosts=${keys.path}/hosts`, "flux getattr size"];
  const { code, stdout, stderr } = await runFlux(words, { cwd: keys.path, env });
  assertEquals([code, stdout], [0, "3\n"], stderr);
});

testUnless(
  withoutSshd(),
  "flux start --hosts runs the session on the first host, also when that is another machine",
  async () => {
    await using keys = await workDirectory();
    await using sshd = await Sshd.start(keys.path);
    Deno.mkdirSync(`${keys.path}/my place`);
    const ask = 'flux getattr size; env | grep -c ^FLUX_START_HOST; cat; exit "$1"';
    const words = ["start", "--hosts=one,two", `--rsh=${sshd.rsh}`, "sh", "-c", `pwd; ${ask}`, "sh", "7"];
    const env = { FLUX_TMPDIR: keys.path };
    const cwd = `${keys.path}/my place`;
    const { code, stdout, stderr } = await runFlux(words, { cwd, env, stdin: 'it\'s "input"\n' });
    assertEquals([code, stdout], [7, `${cwd}\n2\n0\nit's "input"\n`], stderr);

    const closed = await runFlux(["start", "--hosts=closed,one", `--rsh=${sshd.rsh}`, "true"], { cwd, env });
    const lines = closed.stderr.split("\n");
    assertEquals(
      [closed.code, lines[0], lines[1]],
      [
        255,
        "ssh: connect to host 127.0.0.1 port 1: Connection refused\r",
        "flux-start: closed: ssh exited with rc=255",
      ],
      closed.stderr,
    );
    assert(lines[2]!.startsWith(`flux-start:   ${sshd.rsh} closed 'exec /bin/sh -c `), closed.stderr);
    assert(
      lines[3]!.startsWith("hint: you need a key for closed; ") && lines[3]!.includes("FLUX_SSH='ssh -A'"),
      closed.stderr,
    );
  },
);

testUnless(withoutSshd(), "a first host that has no key for another says how to lend it one", async () => {
  await using keys = await workDirectory();
  await using sshd = await Sshd.start(keys.path);
  const words = ["start", "--hosts=one,nokey", `--rsh=${sshd.rsh}`, "true"];
  const { code, stderr } = await runFlux(words, { cwd: keys.path, env: { FLUX_TMPDIR: keys.path } });
  const [what, , help] = stderr.split("\n");
  assert(
    what!.startsWith("flux-start: rank 1 (nokey): ssh exited with rc=255: ") && what!.includes("Permission denied"),
    stderr,
  );
  assertEquals([code, help?.includes("FLUX_SSH='ssh -A'")], [1, true], stderr);
});

/** Ends a session whose `flux start` was given these hosts by `signal`; resolves when nothing of it is there any more. */
async function endBy(signal: "SIGTERM" | "SIGKILL", hosts: string): Promise<number> {
  await using keys = await workDirectory();
  await using sshd = await Sshd.start(keys.path);
  const child = spawnFlux([
    "start",
    `--hosts=${hosts}`,
    `--rsh=${sshd.rsh}`,
    "flux getattr size; echo $$; exec sleep 600",
  ], {
    cwd: keys.path,
    env: { FLUX_TMPDIR: keys.path },
  });
  const reader = child.stdout.getReader();
  let said = "";
  while (!/^\d+\n\d+\n/.test(said)) said += new TextDecoder().decode((await reader.read()).value);
  const pid = said.split("\n")[1];
  assert(isThere(`/proc/${pid}/exe`), pid);
  const ssh = childWith(child.pid, hosts.startsWith("one") ? "one" : "two")!;
  assert(isThere(`/proc/${ssh}/exe`));
  child.kill(signal);
  const [{ code }] = await Promise.all([child.status, reader.cancel(), child.stderr.cancel()]);
  await until("the program has ended", () => !isThere(`/proc/${pid}/exe`));
  const why = hosts.startsWith("one")
    ? "the connection that has brought flux start here is gone"
    : "flux start is gone";
  if (signal === "SIGKILL") {
    await until("the log says why", () => Deno.readTextFileSync(`${keys.path}/cmbd.log`).includes(why));
  }
  await until("the remote shell has ended", () => !isThere(`/proc/${ssh}/exe`));
  await until(
    "the directories are gone",
    () => ![...Deno.readDirSync(keys.path)].some(({ name }) => name.startsWith("flux-")),
  );
  return code;
}

for (const [signal, code] of [["SIGTERM", 128 + 15], ["SIGKILL", 128 + 9]] as const) {
  testUnless(
    withoutSshd(),
    `flux start that is ended by ${signal} takes the session on the first host along`,
    async () => {
      assertEquals(await endBy(signal, "one,two"), code);
    },
  );
  testUnless(
    withoutSshd(),
    `flux start that is ended by ${signal} on the first host leaves nothing on the others`,
    async () => {
      assertEquals(await endBy(signal, "localhost,one,two"), code);
    },
  );
}

function isThere(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch {
    return false;
  }
}
