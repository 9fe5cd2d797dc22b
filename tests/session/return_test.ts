/** Brokers of a real session that are started anew after they have died. */

import { open } from "../../broker/handle/mod.ts";
import { assert, assertEquals } from "../assert.ts";
import { answer, BEAT, settled, states } from "./live_session.ts";
import { type Session, startSession, until } from "./session.ts";

/** Runs a command that must succeed, and gives what it printed. */
async function run(session: Session, args: readonly string[], rank = 0): Promise<string> {
  const { code, stdout, stderr } = await session.flux(args, { rank });
  assertEquals({ code, stderr }, { code: 0, stderr: "" }, args.join(" "));
  return stdout;
}

Deno.test("a broker that is started anew has its place again: requests, events, the key-value store and its children", async () => {
  await using session = await startSession({ size: 8 });
  await run(session, ["kvs", "put", "before=1"]);
  const former = session.pid(1);
  Deno.kill(former, "SIGKILL");
  await settled(session, "1");
  await run(session, ["kvs", "put", "meanwhile=2"]);
  await run(session, ["overlay", "restart", "1"]);
  assert(session.pid(1) !== former);
  assertEquals(await states(session), { ok: "0-7", slow: "", fail: "", unknown: "" });

  assertEquals(await run(session, ["kvs", "get", "before"], 1), "1\n");
  assertEquals(await run(session, ["kvs", "get", "meanwhile"], 1), "2\n");
  await run(session, ["kvs", "put", "after=3"], 1);
  assertEquals(await run(session, ["kvs", "get", "after"], 7), "3\n");
  assertEquals(await run(session, ["exec", "-r", "1", "echo", "here"]), "here\n");
  await using flux = await open(session.uri(1));
  const heard: string[] = [];
  await flux.listen("return-test", ({ topic }) => void heard.push(topic));
  await run(session, ["event", "pub", "return-test"], 6);
  await until("the event to come to rank 1", () => heard.length === 1);

  await run(session, ["comms", "recover-all"]);
  await run(session, ["overlay", "status", "--wait", "full", "--timeout", "20s"]);
  await until("rank 3 to go home", async () => await run(session, ["overlay", "parentof", "3"]) === "1\n");
  await until("rank 4 to go home", async () => await run(session, ["overlay", "parentof", "4"]) === "1\n");
  assert(await answer(session, [1, 2, 3, 4, 5, 6, 7]));
  // Around the ring, over links to and from the new process.
  await run(session, ["ping", "--ring", "-c", "1", "1"]);
});

Deno.test("a rank is started anew again and again, and below a parent that was started anew", async () => {
  await using session = await startSession({ size: 8 });
  for (const rank of [1, 3, 1]) {
    Deno.kill(session.pid(rank), "SIGKILL");
    await settled(session, `${rank}`);
    await run(session, ["overlay", "restart", `${rank}`]);
  }
  await settled(session, "");
  Deno.kill(session.pid(1), "SIGKILL");
  Deno.kill(session.pid(3), "SIGKILL");
  await settled(session, "1,3");
  await run(session, ["overlay", "restart", "[1,3]"]);
  assertEquals(await run(session, ["overlay", "parentof", "3"]), "1\n");
  assert(await answer(session, [1, 2, 3, 4, 5, 6, 7]));
});

Deno.test("a process that is stopped is killed before its rank is started anew", async () => {
  await using session = await startSession({ size: 4, args: BEAT });
  const former = session.pid(1);
  Deno.kill(former, "SIGSTOP");
  await settled(session, "1");
  await run(session, ["overlay", "restart", "1"]);
  await settled(session, "");
  await Deno.stat(`/proc/${former}`).then(() => assert(false, "the former process is there"), () => {});
  assert(await answer(session, [1, 2, 3]));
});

Deno.test("overlay restart says why it cannot", async () => {
  await using session = await startSession({ size: 2 });
  const refused = async (args: string[], text: string) => {
    const { code, stderr } = await session.flux(["overlay", "restart", ...args]);
    assertEquals({ code, stderr }, { code: 1, stderr: `flux-overlay: ${text}\n` });
  };
  await refused(["1"], "rank 1 is up\nhint: --force kills it first");
  await refused(["0"], "rank 0 is the session: it cannot be started anew");
  await refused(["7"], "7: the session has ranks 0 to 1");
  const former = session.pid(1);
  await run(session, ["overlay", "restart", "--force", "1"]);
  assert(session.pid(1) !== former);
});

Deno.test("with --respawn a broker that dies is started anew by itself", async () => {
  await using session = await startSession({ size: 4, args: ["--respawn"] });
  const former = session.pid(1);
  Deno.kill(former, "SIGKILL");
  await until("rank 1 to be another process", async () => session.pid(1) !== former && await answer(session, [1]));
  await settled(session, "");
  assert(session.stderr.includes("rank 1 is started anew in 1 s\n"), session.stderr);
});
