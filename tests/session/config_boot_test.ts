/** Brokers that a system starts by itself, after what `[bootstrap]` says. */

import { assert, assertEquals } from "../assert.ts";
import { testUnless } from "../skip.ts";
import { type Hosts, startHosts, withoutHosts } from "./hosts.ts";
import { executable, runFlux, until, workDirectory } from "./session.ts";

/** Brokers of one session, each started on its host by hand. */
class System {
  readonly hosts: Hosts;
  readonly path: string;
  readonly #children = new Map<number, Deno.ChildProcess>();

  constructor(hosts: Hosts, config: string) {
    this.hosts = hosts;
    this.path = `${hosts.directory}/system.toml`;
    Deno.writeTextFileSync(this.path, config);
  }

  get env(): Record<string, string> {
    return { FLUX_SEC_DIRECTORY: `${this.hosts.directory}/keys` };
  }

  log(host: number): string {
    return Deno.readTextFileSync(`${this.hosts.tmpdir(host)}/log`);
  }

  start(host: number, ...more: string[]): Deno.ChildProcess {
    const log = Deno.openSync(`${this.hosts.tmpdir(host)}/log`, { create: true, append: true });
    log.close();
    const words = [executable, "broker", `--config-path=${this.path}`, "--heartrate=100ms", ...more];
    const line = `exec "$@" 2>> ${this.hosts.tmpdir(host)}/log`;
    const child = this.hosts.spawn(host, ["sh", "-c", line, "sh", ...words], { env: this.env });
    void child.stdout.cancel();
    void child.stderr.cancel();
    this.#children.set(host, child);
    return child;
  }

  async kill(host: number): Promise<void> {
    await this.hosts.kill(host);
    await this.#children.get(host)!.status;
  }

  /** Runs a command against the broker of a host, there. */
  async flux(host: number, ...words: string[]): Promise<string> {
    const directory = [...Deno.readDirSync(this.hosts.tmpdir(host))].find(({ name }) => /^flux-\w{6}$/.test(name))
      ?.name;
    const env = { FLUX_URI: `local://${this.hosts.tmpdir(host)}/${directory}/local-${host}` };
    const { stdout, stderr } = await this.hosts.flux(host, words, { env });
    return stdout + stderr;
  }

  /** Ends rank 0 in order, and with it all. */
  async stop(): Promise<number[]> {
    Deno.kill((await this.hosts.processes(0))[0]!, "SIGTERM");
    const ends = [...this.#children.values()].map((child) => child.status);
    return (await Promise.all(ends)).map(({ code }) => code);
  }
}

const CONFIG = '[bootstrap]\ndefault_port = 9000\nhosts = [{ host = "host[0-3]" }]\n\n[other]\nkey = 1\n';

testUnless(withoutHosts(), "brokers of [bootstrap] may start in any order, die, and be started again", async () => {
  await using hosts = await startHosts(4);
  const system = new System(hosts, CONFIG);
  assertEquals((await hosts.flux(0, ["keygen"], { env: system.env })).code, 0);
  for (const host of [3, 1, 2]) system.start(host);
  system.start(0);
  const up = async (host: number) => (await system.flux(host, "getattr", "hostlist")) === "host[0-3]\n";
  await until("rank 0 runs", () => system.log(0).includes("nodeset: [0-3] (complete)"));
  assertEquals(await system.flux(3, "getattr", "tbon.parent-endpoint"), "tcp://host1:9000\n");
  assertEquals(await system.flux(3, "getattr", "broker.boot-method"), "config\n");
  assertEquals(
    (await system.flux(2, "exec", "-r", "all", "-l", "hostname")).split("\n").sort().join(" "),
    " 0: host0 1: host1 2: host2 3: host3",
  );
  await system.flux(1, "kvs", "put", "a=42");

  await system.kill(3);
  await until("rank 3 is missed", async () => /3 host3.*lost/.test(await system.flux(0, "overlay", "status")));
  system.start(3);
  await until(
    "rank 3 is back",
    async () => await up(3) && /3 host3: full/.test(await system.flux(0, "overlay", "status")),
  );
  await until("it sees what the others see", async () => (await system.flux(3, "kvs", "get", "a")) === "42\n");

  // An inner one: whoever is below it finds another parent, and it comes back below its own.
  await system.kill(1);
  await until(
    "rank 3 has found another parent",
    async () => (await system.flux(3, "ping", "-c1", "0!broker")).includes("time="),
  );
  system.start(1);
  await until("rank 1 is back", async () => (await system.flux(0, "ping", "-c1", "1!broker")).includes("time="));
  assertEquals((await system.stop()).slice(-1), [143]);
  await hosts.quiet();
});

testUnless(withoutHosts(), "hosts that do not come are named, those below them counted", async () => {
  await using hosts = await startHosts(1);
  const system = new System(hosts, CONFIG);
  await hosts.flux(0, ["keygen"], { env: system.env });
  system.start(0);
  const text = "flux-broker: waiting for host1 (rank 1) and 1 below it, host2 (rank 2)\n";
  await until("they are named", () => system.log(0).includes(text));
  await system.stop();
});

testUnless(withoutHosts(), "a broker that does not find its parent says so", async () => {
  await using hosts = await startHosts(2);
  const system = new System(hosts, CONFIG);
  await hosts.flux(0, ["keygen"], { env: system.env });
  system.start(1);
  await until("it says so", () => system.log(1).includes("flux-broker: rank 1 waits for its parent, host0 (rank 0)\n"));
  await system.kill(1);
});

testUnless(withoutHosts(), "--quorum lets a session run before all its brokers are there", async () => {
  await using hosts = await startHosts(4);
  const system = new System(hosts, CONFIG);
  await hosts.flux(0, ["keygen"], { env: system.env });
  for (const host of [0, 2]) system.start(host, "--quorum=2");
  await until("rank 0 runs", () => system.log(0).includes("nodeset: [0,2] (quorum of 2)"));
  assertEquals(await system.flux(0, "getattr", "broker.quorum"), "2\n");
  system.start(1, "--quorum=2");
  system.start(3, "--quorum=2");
  await until("the others come", async () => (await system.flux(0, "ping", "-c1", "3!broker")).includes("time="));
  await system.stop();
});

testUnless(withoutHosts(), "a broker of [bootstrap] waits for a name that is not known yet", async () => {
  await using hosts = await startHosts(2);
  const system = new System(
    hosts,
    '[bootstrap]\nhosts = [{ host = "host0", connect = "tcp://late:8050" }, { host = "host1" }]\n',
  );
  await hosts.flux(0, ["keygen"], { env: system.env });
  system.start(0);
  system.start(1);
  await until("it is said", () => system.log(1).includes("tcp://late:8050: late: "));
  Deno.writeTextFileSync(`${hosts.directory}/hosts`, `${hosts.address(0)} late\n`, { append: true });
  await until("rank 0 runs", () => system.log(0).includes("nodeset: [0-1] (complete)"));
  await system.stop();
});

for (
  const [config, words, text, hint] of [
    ["[bootstrap]\nhosts = []", [], '[bootstrap]: "hosts" must be an array of tables', undefined],
    ["[bootstrap]\nhosts = [", [], "Invalid TOML document", undefined],
    ["x = 1", ["--rank=1"], "--rank is a place in [bootstrap], and --config-path gives none", undefined],
    [
      '[bootstrap]\nhosts = [{ host = "a", bind = "tcp://nosuch0:%p" }, { host = "b" }]',
      ["--rank=0", "--security=none"],
      "cannot listen on tcp://nosuch0:8050: No such device",
      undefined,
    ],
    ['[bootstrap]\nhosts = [{ host = "elsewhere" }]', [], "is not among the hosts", undefined],
    ['[bootstrap]\nhosts = [{ host = "a" }]', ["--rank=7"], "--rank 7: [bootstrap] has 1 brokers", undefined],
    [
      '[bootstrap]\nhosts = [{ host = "a" }, { host = "b" }]',
      ["--rank=0"],
      "[bootstrap] names no curve_cert, and you have no keys of flux keygen",
      "hint: each host needs the same ones: flux keygen, or curve_cert = PATH",
    ],
    [
      '[bootstrap]\ncurve_cert = "/no/cert"\nhosts = [{ host = "a" }, { host = "b" }]',
      ["--rank=0"],
      "curve_cert /no/cert: No such file or directory",
      undefined,
    ],
  ] as const
) {
  Deno.test(`flux broker --config-path says: ${text}`, async () => {
    await using work = await workDirectory();
    Deno.writeTextFileSync(`${work.path}/a.toml`, config);
    const env = { FLUX_SEC_DIRECTORY: work.path, FLUX_TMPDIR: work.path };
    const { code, stderr } = await runFlux(["broker", "-c", `${work.path}/a.toml`, ...words, "true"], { env });
    assertEquals([code, stderr.split("\n")[1]], [1, hint ?? stderr.split("\n")[1]]);
    assert(stderr.split("\n")[0]!.includes(text), stderr);
  });
}

Deno.test("a session of one by [bootstrap] opens no port, and needs no keys", async () => {
  await using work = await workDirectory();
  Deno.writeTextFileSync(`${work.path}/a.toml`, '[bootstrap]\nhosts = [{ host = "a" }]\n');
  const env = { FLUX_SEC_DIRECTORY: work.path, FLUX_TMPDIR: work.path };
  const words = ["broker", "-c", `${work.path}/a.toml`, "--rank=0", "flux getattr size"];
  const { code, stdout, stderr } = await runFlux(words, { env });
  assertEquals([code, stdout, stderr.includes("warning")], [0, "1\n", false], stderr);
});
