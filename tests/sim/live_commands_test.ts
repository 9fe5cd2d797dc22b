import comms from "../../commands/comms.ts";
import overlay from "../../commands/overlay.ts";
import shutdown from "../../commands/shutdown.ts";
import topo from "../../commands/topo.ts";
import up from "../../commands/up.ts";
import { assert, assertEquals } from "../assert.ts";
import { parentsOf } from "./live.ts";
import { run } from "./run_command.ts";
import { simSession } from "./session.ts";

const session = (size: number, modules: string[] = ["live"]) => simSession({ size, modules, heartrate: 2000 });

Deno.test("flux up prints the four sets as cli.md has them", async () => {
  const s = await session(7);
  assertEquals((await run(s, 3, up)).out, "ok:     [0-6]\nslow:   \nfail:   \nunknown:\n");
  s.kill(1);
  await s.run(1000);
  assertEquals((await run(s, 3, up)).out, "ok:     [0,2-6]\nslow:   \nfail:   1\nunknown:\n");
  assertEquals((await run(s, 3, up, "--up", "--comma")).out, "[0,2,3,4,5,6]\n");
  assertEquals((await run(s, 3, up, "-d")).out, "1\n");
  assertEquals((await run(s, 3, up, "-u", "-n")).out, "0\n2\n3\n4\n5\n6\n");
  const { out } = await run(s, 3, up, "-v");
  assertEquals(out.split("\n")[1], "1 node1 fail for 1.0s: connection lost");
  assertEquals(JSON.parse((await run(s, 3, up, "--json")).out).ranks[1].reason, "connection lost");
});

Deno.test("flux up without live knows of its own rank", async () => {
  assertEquals((await run(await session(4, []), 2, up)).out, "ok:     2\nslow:   \nfail:   \nunknown:[0-1,3]\n");
});

Deno.test("flux overlay status prints the tree as it is, with reasons", async () => {
  const s = await session(7);
  assertEquals((await run(s, 3, overlay, "status", "--summary")).out, "full\n");
  s.kill(1);
  await s.run(1000);
  assertEquals(
    (await run(s, 3, overlay, "status")).out,
    [
      "0 node0: degraded",
      "├─ 1 node1: lost: connection lost",
      "├─ 2 node2: full",
      "│  ├─ 5 node5: full",
      "│  └─ 6 node6: full",
      "├─ 3 node3: full",
      "└─ 4 node4: full",
      "",
    ].join("\n"),
  );
  assertEquals((await run(s, 3, overlay, "errors")).out, "1 node1: connection lost\n");
  assertEquals(
    (await run(s, 3, overlay, "status", "--down")).out,
    "0 node0: degraded\n1 node1: lost: connection lost\n",
  );
  assertEquals((await run(s, 3, overlay, "parentof", "3")).out, "0\n");
  assertEquals((await run(s, 3, overlay, "parentof", "-v", "3")).out, "0 node0\n");
  assertEquals(JSON.parse((await run(s, 3, overlay, "parentof", "--json", "3")).out), { rank: 0, host: "node0" });
  assertEquals((await run(s, 3, overlay, "lookup", "2-3")).out, "node2,node3\n");
  assertEquals((await run(s, 3, overlay, "lookup", "node4,node2")).out, "2,4\n");
  assertEquals((await run(s, 3, overlay, "lookup", "-v", "node4,node2")).out, "2 node2\n4 node4\n");
});

Deno.test("flux overlay health has hosts and reasons, in words and as JSON", async () => {
  const s = await session(3);
  s.kill(1);
  await s.run(1000);
  assertEquals(
    (await run(s, 2, overlay, "health")).out,
    "0 node0: degraded\n  1 node1: lost: connection lost\n  2 node2: full\n",
  );
  const lines = (await run(s, 2, overlay, "health", "-v")).out.split("\n");
  assertEquals(lines[1], "  1 node1: lost for 1.0s: connection lost");
  const { host, children: [lost] } = JSON.parse((await run(s, 2, overlay, "health", "--json")).out);
  assertEquals([host, lost.rank, lost.host, lost.status, lost.error], [
    "node0",
    1,
    "node1",
    "lost",
    "connection lost",
  ]);
  assertEquals((await run(s, 0, overlay, "health", "--rank", "2")).out, "2 node2: full\n");
});

Deno.test("flux overlay status --wait ends when the status is there", async () => {
  const s = await session(3);
  assertEquals((await run(s, 1, overlay, "status", "--wait", "full", "--summary")).out, "full\n");
});

Deno.test("flux overlay disconnect ends a broker with all below it", async () => {
  const s = await session(7);
  const { status, out } = await run(s, 0, overlay, "disconnect", "-v", "1");
  assertEquals([status, out], [0, "1 node1: disconnected from 0 node0\n"]);
  await s.run(3000);
  assertEquals(Object.keys(parentsOf(s)).map(Number), [0, 2, 5, 6]);
  assertEquals(
    (await run(s, 0, overlay, "disconnect", "9")).err,
    "flux-overlay: 9: there is no such rank in the tree\n",
  );
});

Deno.test("flux topo prints DOT, a tree or a picture", async () => {
  const s = await session(4);
  s.kill(2);
  await s.run(1000);
  const color = (rank: number, name: string) => `${rank} [style=filled,fillcolor=${name}]`;
  const nodes = [color(0, "green"), color(1, "green"), color(2, "red"), color(3, "green")];
  assertEquals((await run(s, 3, topo)).out, `graph flux {\n${nodes.join("\n")}\n0 -- 1\n1 -- 3\n}\n`);
  assertEquals((await run(s, 3, topo, "--tree", "-H")).out, "0 node0\n└─ 1 node1\n   └─ 3 node3\n2 node2 (fail)\n");
  assertEquals(
    (await run(s, 3, topo, "--tree", "-v")).out,
    "0 node0\n└─ 1 node1\n   └─ 3 node3\n2 node2 (fail: connection lost)\n",
  );
  const named = (await run(s, 3, topo, "-v")).out.split("\n");
  assertEquals(named[3], '2 [style=filled,fillcolor=red,label="2 node2 (fail: connection lost)"]');
  const { out } = await run(s, 3, topo, "--svg");
  assertEquals([out.match(/<circle/g)?.length, out.match(/<line/g)?.length], [4, 2]);
});

Deno.test("flux topo without live says so", async () => {
  const { status, err } = await run(await session(2, []), 0, topo);
  assertEquals(status, 1);
  assert(err.startsWith("flux-topo: 'live' comms module not loaded, cannot determine topology\n"), err);
});

Deno.test("flux comms failover goes one up, recover goes back, recover-all brings everyone home", async () => {
  const s = await session(7);
  assertEquals((await run(s, 0, comms, "-r", "3", "failover")).status, 0);
  await s.run(500);
  assertEquals(parentsOf(s)[3], 0);
  assertEquals((await run(s, 0, comms, "-r", "1", "failover")).err, "flux-comms: no failover candidates\n");
  assertEquals((await run(s, 0, comms, "-r", "3", "recover")).status, 0);
  await s.run(500);
  assertEquals(parentsOf(s)[3], 1);
  for (const rank of [3, 5]) await run(s, 0, comms, "-r", `${rank}`, "failover");
  await s.run(500);
  assertEquals((await run(s, 4, comms, "recover-all")).status, 0);
  await s.run(3000);
  assertEquals([parentsOf(s)[3], parentsOf(s)[5]], [1, 2]);
});

Deno.test("flux comms -v and --json tell of moves with ranks and hosts", async () => {
  const s = await session(7);
  const went = await run(s, 0, comms, "-r", "3", "failover", "-v");
  assertEquals(went.out, "3 node3: from 1 node1 to 0 node0\n");
  await s.run(500);
  const all = await run(s, 2, comms, "recover-all", "-v");
  assertEquals(all.out, "3 node3: from 0 node0 to 1 node1\n");
  await s.run(3000);
  assertEquals((await run(s, 3, comms, "recover", "-v")).out, "3 node3: stays below 1 node1\n");
  await s.run(500);
  s.kill(2);
  await s.run(3000);
  assertEquals((await run(s, 3, comms, "recover-all", "-v")).out, "", "nobody goes back to one that has failed");
  const { out } = await run(s, 0, comms, "-r", "3", "reparent", "--json", "ipc:///sim/tbon-4");
  const [from, to] = [1, 4].map((rank) => ({ rank, host: `node${rank}` }));
  assertEquals(JSON.parse(out), { rank: 3, host: "node3", from, to });
});

Deno.test("commands that ask one rank name it when it is not there", async () => {
  const s = await session(3);
  const asked = [[overlay, "status"], [overlay, "health"], [overlay, "errors"], [comms, "failover"]] as const;
  for (const [command, word] of asked) {
    const { status, err } = await run(s, 0, command, ...command === comms ? ["-r", "9", word] : [word, "-r", "9"]);
    assertEquals([status, err.split(": ").slice(1).join(": ")], [
      1,
      "rank 9: No route to host\nhint: flux up -v tells which ranks are there\n",
    ]);
  }
});

Deno.test("flux shutdown ends the session, and names who does not leave in time", async () => {
  const s = await session(7);
  s.network.partition(["node5"], ["node0", "node1", "node2", "node3", "node4", "node6"]);
  const { status, out } = await run(s, 0, shutdown);
  assertEquals(status, 0);
  assert(
    out.includes("rank 5 (node5) did not leave in time") || out.includes("rank 2 (node2) did not leave in time"),
    out,
  );
  await s.settle(s.brokers[0]!.exited);
});

Deno.test("flux shutdown --background does not wait", async () => {
  const s = await session(2);
  assertEquals((await run(s, 1, shutdown, "--background")).status, 0);
  await s.settle(s.brokers[0]!.exited);
});
