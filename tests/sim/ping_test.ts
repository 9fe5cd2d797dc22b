import ping from "../../commands/ping.ts";
import { pingTarget } from "../../commands/ping_target.ts";
import { UsageError } from "../../commands/mod.ts";
import { NODEID_ANY, NODEID_UPSTREAM } from "../../broker/message/mod.ts";
import { assert, assertEquals } from "../assert.ts";
import { run, RunningCommand } from "./run_command.ts";
import { simSession } from "./session.ts";

const ID = "[0-9a-f]{8}";

function target(word: string, option?: string) {
  try {
    const { label, rank } = pingTarget(word, option);
    return [label, rank];
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    return error.message;
  }
}

Deno.test("pingTarget() reads a service, a rank, both, and --rank", () => {
  assertEquals(target("kvs"), ["kvs.ping", NODEID_ANY]);
  assertEquals(target("3"), ["3!broker.ping", 3]);
  assertEquals(target("3!kvs"), ["3!kvs.ping", 3]);
  assertEquals(target("3!"), ["3!broker.ping", 3]);
  assertEquals(target("any!kvs"), ["kvs.ping", NODEID_ANY]);
  assertEquals(target("kvs", "2"), ["2!kvs.ping", 2]);
  assertEquals(target("broker", "upstream"), ["upstream!broker.ping", NODEID_UPSTREAM]);
  assertEquals(target("17", "any"), ["17.ping", NODEID_ANY]);
});

Deno.test("pingTarget() refuses what is none", () => {
  assertEquals(target(""), "the target is empty");
  assertEquals(target("x!kvs"), "'x' is not a rank: a number, any, or upstream");
  assertEquals(target("kvs", "-1"), "'-1' is not a rank: a number, any, or upstream");
  assertEquals(target("4294967295!kvs"), "'4294967295' is not a rank: a number, any, or upstream");
  assertEquals(target("1!kvs", "1"), "1!kvs names a rank, and so does --rank 1");
});

Deno.test("flux ping prints a line for each round trip, with the way it took", async () => {
  const session = await simSession({ size: 7 });
  const { status, out, err } = await run(session, 3, ping, "-c", "3", "-d", "0", "2!broker");
  const lines = out.split("\n").slice(0, -1);
  assertEquals([status, err, lines.length], [0, "", 3]);
  for (const [seq, line] of lines.entries()) {
    const route = `${ID}(!${ID}){4}`;
    assert(new RegExp(`^2!broker\\.ping pad=0 seq=${seq} time=\\d+\\.\\d{3} ms \\(${route}\\)$`).test(line), line);
  }
});

Deno.test("flux ping asks the nearest, a rank, the broker upstream, and around the ring", async () => {
  const session = await simSession({ size: 7 });
  const hops = async (...words: string[]) => {
    const { out } = await run(session, 3, ping, "-c1", "-d0", "--json", ...words);
    const { topic, route } = JSON.parse(out);
    return [topic, route.split("!").length];
  };
  assertEquals(await hops("broker"), ["broker.ping", 2]);
  assertEquals(await hops("3"), ["3!broker.ping", 2]);
  assertEquals(await hops("--rank", "upstream", "broker"), ["upstream!broker.ping", 3]);
  assertEquals(await hops("4"), ["4!broker.ping", 4]);
  assertEquals((await hops("--ring", "2"))[0], "2!broker.ping");
});

Deno.test("flux ping --batch sends all at once", async () => {
  const session = await simSession({ size: 3 });
  let open = 0;
  session.brokers[2]!.router.tap((direction, _id, { topic }, point) => {
    if (topic === "broker.ping" && point === "endpoint") open = Math.max(open, direction === "rx" ? open + 1 : 0);
  });
  const { out } = await run(session, 0, ping, "-b", "-c", "20", "-p", "100", "2");
  assertEquals(
    out.split("\n").slice(0, -1).map((line) => line.split(" ").slice(1, 3).join()),
    Array.from({ length: 20 }, (_, seq) => `pad=100,seq=${seq}`),
  );
  const { status, err } = await run(session, 0, ping, "-b", "2");
  assertEquals([status, err.split("\n")[0]], [1, "flux-ping: --batch should only be used with --count"]);
});

Deno.test("flux ping ends where no later request can fare better", async () => {
  const session = await simSession({ size: 3 });
  assertEquals(await run(session, 1, ping, "-d0", "nosuch"), {
    status: 1,
    out: "",
    err: "flux-ping: nosuch.ping: Function not implemented\nhint: No service matching nosuch.ping is registered\n",
  });
  assertEquals(await run(session, 1, ping, "-d0", "3"), {
    status: 1,
    out: "",
    err: "flux-ping: 3!broker.ping: No route to host\nhint: the session has ranks 0 to 2\n",
  });
});

Deno.test("flux ping goes on when a rank cannot be reached now, and its status tells", async () => {
  const session = await simSession({ size: 3 });
  session.kill(2);
  await session.run(100);
  const { status, out, err } = await run(session, 1, ping, "-d0", "-c2", "2");
  assertEquals([status, out, err], [1, "", "flux-ping: 2!broker.ping: No route to host\n".repeat(2)]);
});

Deno.test("flux ping --timeout gives a stuck rank up", async () => {
  const session = await simSession({ size: 2 });
  session.network.oneWay(session.host(0), session.host(1));
  const { status, err } = await run(session, 0, ping, "-d0", "-c1", "--timeout=3", "1");
  assertEquals([status, err], [1, "flux-ping: 1!broker.ping: Connection timed out\n"]);
});

Deno.test("flux ping ends with status 130 when it is interrupted", async () => {
  const session = await simSession({ size: 1 });
  const running = new RunningCommand(session, 0, ping, ["broker"]);
  while (running.lines.length === 0) await new Promise((resolve) => setImmediate(resolve));
  running.around.send("SIGINT");
  assertEquals(await running.status, 130);
  assertEquals(running.around.err, "");
});
