import getattr from "../../commands/getattr.ts";
import lsattr from "../../commands/lsattr.ts";
import setattr from "../../commands/setattr.ts";
import { assert, assertEquals } from "../assert.ts";
import { run } from "./run_command.ts";
import { simSession } from "./session.ts";

Deno.test("flux getattr prints the value", async () => {
  const session = await simSession({ size: 3 });
  assertEquals(await run(session, 2, getattr, "rank"), { status: 0, out: "2\n", err: "" });
  assertEquals((await run(session, 2, getattr, "--json", "size")).out, '{"name":"size","value":"3"}\n');
  assertEquals((await run(session, 1, getattr, "tbon-parent-uri")).out, "ipc:///sim/tbon-0\n");
});

Deno.test("flux getattr says that there is no such attribute, and what may be meant", async () => {
  const session = await simSession({ size: 1 });
  const error = async (name: string) => (await run(session, 0, getattr, name)).err;
  assertEquals(await error("rnk"), "flux: rnk: No such file or directory\nhint: did you mean 'rank'?\n");
  assertEquals(
    await error("parent-uri"),
    "flux: parent-uri: No such file or directory\nhint: the attribute parent-uri has no value\n",
  );
  assert((await error("nonsense")).startsWith("flux: nonsense: No such file or directory\nhint: 'flux lsattr'"));
  const { status, err } = await run(session, 0, getattr, "a", "b");
  assertEquals([status, err.split("\n")[0]], [1, "flux: getattr needs the name of one attribute"]);
});

Deno.test("flux setattr creates, changes and removes attributes, and says nothing", async () => {
  const session = await simSession({ size: 1 });
  const silent = { status: 0, out: "", err: "" };
  assertEquals(await run(session, 0, setattr, "my.note", "a"), silent);
  assertEquals(await run(session, 0, setattr, "my.note", "b c"), silent);
  assertEquals((await run(session, 0, getattr, "my.note")).out, "b c\n");
  assertEquals(await run(session, 0, setattr, "-e", "my.note"), silent);
  assertEquals((await run(session, 0, setattr, "--expunge", "my.note")).status, 1);
  assertEquals(await run(session, 0, setattr, "log-level", "debug"), silent);
  assertEquals((await run(session, 0, getattr, "log-level")).out, "7\n");
});

Deno.test("flux setattr refuses what the broker decides", async () => {
  const session = await simSession({ size: 1 });
  for (const words of [["rank", "3"], ["-e", "rank"], ["version", "2"]]) {
    const { status, err } = await run(session, 0, setattr, ...words);
    assertEquals([status, err], [1, `flux: ${words.at(words[0] === "-e" ? 1 : 0)}: Operation not permitted\n`]);
  }
  const { err } = await run(session, 0, setattr, "log-bufcount", "3");
  assertEquals(err, "flux: log-bufcount: No such file or directory\n");
});

Deno.test("flux setattr needs a name and a value, or --expunge and a name", async () => {
  const session = await simSession({ size: 1 });
  for (const words of [[], ["a"], ["a", "b", "c"], ["-e"], ["-e", "a", "b"]]) {
    const { status, err } = await run(session, 0, setattr, ...words);
    assertEquals([status, /^flux: setattr .*needs/.test(err)], [1, true], words.join(" "));
  }
});

Deno.test("flux lsattr lists names, with values in column 41, or as one JSON document", async () => {
  const session = await simSession({ size: 2 });
  const names = (await run(session, 1, lsattr)).out.split("\n").slice(0, -1);
  assertEquals(names, names.toSorted());
  const lines = (await run(session, 1, lsattr, "-v")).out.split("\n").slice(0, -1);
  assertEquals(lines.length, names.length);
  assert(lines.includes(`${"rank".padEnd(40)}1`) && lines.includes(`${"parent-uri".padEnd(40)}-`));
  const records = JSON.parse((await run(session, 1, lsattr, "--json")).out) as { name: string; value: string | null }[];
  assertEquals(records.map(({ name }) => name), names);
  assertEquals(records.find(({ name }) => name === "rank"), { name: "rank", value: "1" });
  assertEquals(records.find(({ name }) => name === "parent-uri"), { name: "parent-uri", value: null });
});

Deno.test("A broker has the attributes of wire.md and those of the 0.1.0 tools", async () => {
  const session = await simSession({ size: 3, attributes: { "test.given": "x", "broker.quorum-warn": "5s" } });
  const value = async (name: string) => (await run(session, 1, getattr, name)).out.trimEnd();
  const expected: Record<string, string> = {
    "broker.boot-method": "single",
    "broker.mapping": "[[0,1,3,1]]",
    "broker.quorum": "3",
    "broker.quorum-warn": "5s",
    "broker.starttime": "1767225600.00",
    "content.hash": "sha1",
    hostlist: "node[1,1,1]",
    "instance-level": "0",
    "jobid-path": "/",
    "local-uri": "local:///sim/local-1",
    "snoop-uri": "local:///sim/local-1",
    "security.owner": "1000",
    "session-id": "sim",
    "tbon-arity": "2",
    "tbon.endpoint": "ipc:///sim/tbon-1",
    "tbon.level": "1",
    "tbon.maxlevel": "1",
    "tbon.topo": "kary:2",
    "test.given": "x",
  };
  for (const [name, text] of Object.entries(expected)) assertEquals(await value(name), text, name);
});
