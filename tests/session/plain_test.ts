/** Sessions whose brokers know each other by passwords (`--security plain`). */

import { assert, assertEquals } from "../assert.ts";
import { testUnless } from "../skip.ts";
import { readBootstrap, readUserKey } from "../../broker/boot/mod.ts";
import { mismatch } from "../../broker/ports/mod.ts";
import { startHosts, withoutHosts } from "./hosts.ts";
import { answer, settled } from "./live_session.ts";
import { ELSEWHERE, rootOf, said, stranger } from "./outsider.ts";
import { executable, runFlux, startSession, until } from "./session.ts";
import { startSlurm, withoutSlurm } from "./slurm.ts";

const PLAIN = "--security=plain";
const OPEN =
  "links are not encrypted (--security plain): whoever is on the way between the hosts reads all that is said";

function read(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    return ""; // not yet
  }
}

Deno.test("a session with passwords works as any other: events, the ring, a broker that moves, one that comes back", async () => {
  await using session = await startSession({ size: 8, args: [PLAIN] });
  const run = async (words: readonly string[], rank = 0) => {
    const { code, stdout, stderr } = await session.flux(words, { rank });
    assertEquals({ code, stderr }, { code: 0, stderr: "" }, words.join(" "));
    return stdout.trim();
  };
  await run(["kvs", "put", "a=1"], 7);
  assertEquals(await run(["kvs", "get", "a"], 5), "1");
  await run(["ping", "--ring", "-c", "1", "3"]);
  const root = await run(["getattr", "tbon.endpoint"]);
  await run(["comms", "reparent", root], 4);
  assertEquals(await run(["getattr", "tbon.parent-endpoint"], 4), root);
  Deno.kill(session.pid(1), "SIGKILL");
  await settled(session, "1");
  await run(["overlay", "restart", "1"]);
  await settled(session, "");
  assert(await answer(session, [1, 2, 3, 4, 5, 6, 7]));
  await run(["ping", "--ring", "-c", "1", "1"]);
  // On one machine nobody is on the way.
  assert(!session.log.includes(OPEN), session.log);
});

testUnless(
  withoutHosts(),
  "between hosts passwords keep strangers out, and rank 0 says what they do not do",
  async () => {
    await using hosts = await startHosts(4);
    await using session = await hosts.startSession({ on: [0, 1, 2], args: [PLAIN] });
    assert(session.log.includes(OPEN), session.log);
    const { ports: [port = ""], key = "" } = await rootOf(session);
    assertEquals(await said(stranger(hosts, "keyless", port)), [`refused: ${mismatch(undefined)}`]);
    const [keys] = await said(stranger(hosts, "keyed", port, key, "1")) as string[];
    assertEquals(keys, "refused: this side uses keys (curve), the other does not");
    const passwords = await said(stranger(hosts, "keyed", port, key, "3", "plain"));
    assertEquals(passwords, Array(3).fill("refused: the key of this side is not admitted"));
    const lines = () => session.log.split("\n").filter((line) => line.includes(`refused ${hosts.address(ELSEWHERE)}`));
    await until("they are told of", () => lines().some((line) => /key .{40} is not admitted$/.test(line)));
    assertEquals((await session.flux(["exec", "-r", "all", "true"])).code, 0);
    // A broker that comes back has another password, of which the others are told.
    await hosts.kill(2);
    await settled(session, "2");
    assertEquals((await session.flux(["overlay", "restart", "2"])).code, 0);
    await settled(session, "");
    assertEquals((await session.flux(["exec", "-r", "2", "hostname"])).stdout, "host2\n");
  },
);

testUnless(
  withoutHosts(),
  "with [bootstrap] each rank has a password of its own, and a broker with another --security is told apart",
  async () => {
    await using hosts = await startHosts(4);
    const table = { default_port: 9000, hosts: [{ host: "host[0-3]" }] };
    const path = `${hosts.directory}/system.toml`, keys = `${hosts.directory}/keys`;
    Deno.writeTextFileSync(path, '[bootstrap]\ndefault_port = 9000\nhosts = [{ host = "host[0-3]" }]\n');
    await runFlux(["keygen", "--secdir", keys]);
    const start = (host: number, security: string) => {
      const log = `--logdest=${hosts.tmpdir(host)}/log`;
      const words = [executable, "broker", `--config-path=${path}`, "--quorum=3", `--security=${security}`, log];
      const line = `exec "$@" 2>> ${hosts.tmpdir(host)}/said`;
      const child = hosts.spawn(host, ["sh", "-c", line, "sh", ...words], { env: { FLUX_SEC_DIRECTORY: keys } });
      void child.stdout.cancel();
      void child.stderr.cancel();
      return child;
    };
    const log = () => read(`${hosts.tmpdir(0)}/log`);
    const brokers = [0, 1, 2].map((host) => start(host, "plain"));
    await until("those with passwords run", () => log().includes("nodeset: [0-2] (quorum of 3)"));
    const odd = start(3, "curve");
    const refused = `refused ${hosts.address(3)}: this side uses passwords (plain), the other does not`;
    await until("it is refused", () => log().includes(refused));
    const said3 = () => read(`${hosts.tmpdir(3)}/said`) + read(`${hosts.tmpdir(3)}/log`);
    await until("it says so itself", () => said3().includes(": this side uses keys (curve), the other does not"));
    await hosts.kill(3);
    await odd.status;

    const { session } = readBootstrap(table);
    const two = (await readUserKey(keys))!.linkKeys({ session, size: 4, rank: 2 }, "plain");
    const words = [two.publicKey, two.publicKey, two.secretKey, "1", "plain"];
    const text = "evil says it is rank 1, but has the key of rank 2";
    const claim = await said(stranger(hosts, "claim", "tcp://10.77.0.1:9000", ...words));
    assertEquals(claim, ["up", `answer 1: ${text}`, "down: closed by the listener"]);
    await until("it is told of", () => log().includes(`hello refused: ${text}`));
    Deno.kill((await hosts.processes(0))[0]!, "SIGTERM");
    for (const broker of brokers) await broker.status;
  },
);

testUnless(
  withoutSlurm() ?? withoutHosts(),
  "under Slurm brokers have passwords with and without its PMI, and must agree on that",
  async () => {
    await using hosts = await startHosts(4);
    await using slurm = await startSlurm(3, hosts);
    const script = "flux exec -r all hostname | wc -l";
    for (const env of [{}, { SLURM_MPI_TYPE: "none" }]) {
      const { code, stdout, stderr } = await slurm.run([executable, "start", "-N3", PLAIN, script], { env });
      assertEquals([code, stdout, stderr], [0, "3\n", ""]);
    }
    const words = `${executable} start --security $(test $SLURM_PROCID = 1 && echo none || echo plain) true`;
    const mixed = await slurm.run(["srun", "-N3", "--mpi=pmi2", "sh", "-c", words]);
    assert(mixed.code !== 0, mixed.stderr);
    const text = "--security is none at rank 1 (host1), plain at rank 0 (host0): it must be the same everywhere";
    assert(mixed.stderr.includes(text), mixed.stderr);
    await slurm.quiet();
    assertEquals(slurm.rundirs(), []);
  },
);
