/** Sessions over hosts whose cables are taken out, and put in again. */

import { assert, assertEquals } from "../assert.ts";
import { testUnless } from "../skip.ts";
import { type Hosts, startHosts, withoutHosts } from "./hosts.ts";
import { answer, settled } from "./live_session.ts";
import { executable, type Outcome, type Session, until } from "./session.ts";

/** Three seconds of silence are too many, and who is cut off has time to see it before it is given up. */
const PATIENT = ["-o", "-H0.5", "-O", "live:max-cutoff=200"];

/** A client waits so long for what cannot be served, s; `timeout` says 124 of that. */
const PATIENCE = 5, LATE = 124;

/** Runs a command on the host of a rank, against its broker. */
async function at(hosts: Hosts, rundirs: readonly string[], rank: number, words: readonly string[]): Promise<Outcome> {
  return await hosts.flux(rank, ["--uri", `local://${rundirs[rank]}/local-${rank}`, ...words]);
}

/** Whether a rank answers a write. One that is cut off keeps it, in case that it is taken back soon. */
async function writes(hosts: Hosts, rundirs: readonly string[], rank: number, what: string): Promise<boolean> {
  const words = [executable, "--uri", `local://${rundirs[rank]}/local-${rank}`, "kvs", "put", what];
  const { code, stderr } = await hosts.run(rank, ["timeout", `${PATIENCE}`, ...words]);
  assert(code === 0 || code === LATE || stderr !== "", `status ${code}`);
  return code === 0;
}

async function rundirs(session: Session): Promise<string[]> {
  const { stdout } = await session.flux(["exec", "-r", "all", "-l", "flux", "getattr", "rundir"]);
  const found: string[] = [];
  for (const [, rank, path] of stdout.matchAll(/^(\d+): (.*)$/gm)) found[Number(rank)] = path!;
  return found;
}

testUnless(
  withoutHosts(),
  "a host whose cable is taken out serves no writes, and is taken back when it is in again",
  async () => {
    await using hosts = await startHosts(5);
    await using session = await hosts.startSession({ args: PATIENT });
    const places = await rundirs(session);
    await hosts.cut(1);
    await settled(session, "1");
    // Those below it have gone elsewhere.
    assert(await answer(session, [3, 4]));
    assert(!await writes(hosts, places, 1, "cut=1"), "a rank that is cut off has served a write");
    assertEquals((await session.flux(["kvs", "put", "meanwhile=2"])).code, 0);
    await hosts.heal(1);
    await settled(session, "");
    assertEquals((await at(hosts, places, 1, ["kvs", "get", "meanwhile"])).stdout, "2\n");
    assert(await writes(hosts, places, 1, "after=3"));
    assertEquals((await session.flux(["kvs", "get", "after"])).stdout, "3\n");
  },
);

testUnless(
  withoutHosts(),
  "a half that is cut off comes back when it can, and otherwise ends by itself",
  async () => {
    await using hosts = await startHosts(5);
    await using session = await hosts.startSession({ args: PATIENT });
    const places = await rundirs(session), half = [1, 3, 4];
    await hosts.split(half);
    const served = await Promise.all(half.map((rank) => writes(hosts, places, rank, `cut${rank}=1`)));
    assertEquals(served, [false, false, false]);
    assertEquals((await session.flux(["kvs", "put", "meanwhile=2"])).code, 0);
    await hosts.join(half);
    await settled(session, "");
    for (const rank of half) assertEquals((await session.flux(["ping", "-c", "1", "-t", "20", `${rank}`])).code, 0);
    assertEquals((await at(hosts, places, 4, ["kvs", "get", "meanwhile"])).stdout, "2\n");

    assertEquals((await session.flux(["setattr", "live.max-cutoff", "10"])).code, 0);
    await until("rank 4 to know of it", async () => {
      const { stdout } = await at(hosts, places, 4, ["getattr", "live.max-cutoff"]);
      return stdout === "10\n";
    });
    await hosts.split(half);
    for (const host of half) {
      await until(`rank ${host} to end`, async () => (await hosts.processes(host)).length === 0);
    }
    await settled(session, "1,3-4");
    assertEquals((await session.flux(["kvs", "get", "meanwhile"])).stdout, "2\n");
    assertEquals((await session.flux(["exec", "-r", "2", "flux", "kvs", "put", "alone=4"])).code, 0);
    const { code, stderr } = await session.stop();
    assertEquals(code, 0, stderr);
  },
);
