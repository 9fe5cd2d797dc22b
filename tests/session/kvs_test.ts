/** `flux kvs` on a real session: texts, statuses, values, versions, namespaces (cli.md §4.2). */

import { assert, assertEquals } from "../assert.ts";
import { kvs, piped, refused } from "./kvs_session.ts";
import { runFlux, startSession } from "./session.ts";

/** The first line of what a wrong use is answered with. */
const USAGE: readonly (readonly [string, string])[] = [
  ["get", "get: specify one or more keys"],
  ["type", "type: specify one or more keys"],
  ["put", "put: specify one or more key=value pairs"],
  ["put a", "put: you must specify a value as key=value"],
  ["unlink", "unlink: specify one or more keys"],
  ["link a", "link: specify target and link_name"],
  ["link a b c", "link: specify target and link_name"],
  ["readlink", "readlink: specify one or more keys"],
  ["mkdir", "mkdir: specify one or more directories"],
  ["exists", "exist: specify one or more keys"],
  ["version 1", "version: takes no arguments"],
  ["wait", "wait: specify a version"],
  ["wait x", "wait: specify a version"],
  ["watch", "watch: specify one key"],
  ["watch a b", "watch: specify one key"],
  ["watch-dir", "watchdir: specify one directory"],
  ["dir a b", "dir: specify zero or one directory"],
  ["dirsize", "dirsize: specify one directory"],
  ["copy-tokvs a", "copy-tokvs: specify key and filename"],
  ["copy-fromkvs a", "copy-fromkvs: specify key and filename"],
  ["dropcache x", "dropcache: takes no arguments"],
  ["dropcache-all x", "dropcache-all: takes no arguments"],
  ["", "missing subcommand"],
  ["frobnicate", "Unknown subcommand: frobnicate"],
];

Deno.test("flux kvs answers wrong use with its text, the usage and status 1", async () => {
  for (const [words, text] of USAGE) {
    const { code, stdout, stderr } = await runFlux(["kvs", ...words.split(" ").filter(Boolean)]);
    assertEquals([code, stdout, stderr.split("\n")[0]], [1, "", `flux-kvs: ${text}`]);
    assert(/^Usage: flux-kvs /m.test(stderr), stderr);
  }
  const help = await runFlux(["kvs", "namespace", "create", "--help"]);
  assert(help.stdout.startsWith("Usage: flux-kvs namespace create [OPTIONS] NAME...\n"), help.stdout);
});

Deno.test("flux kvs stores and prints values of every kind", async () => {
  await using session = await startSession();
  const values: readonly (readonly [string, string, string])[] = [
    ["42", "42", "int"],
    ["-1.50", "-1.50", "double"],
    ["1152921504606846976", "1152921504606846976", "int"],
    ["true", "true", "boolean"],
    ["null", "null", "null"],
    ["hello world", "hello world", "string"],
    ['"quoted"', "quoted", "string"],
    ["", "", "string"],
    ["a=b=c", "a=b=c", "string"],
    ["äöü 日本 🙂", "äöü 日本 🙂", "string"],
    ['{"x":[1,2.0]}', '{"x":[1,2.0]}', "object"],
    ["[]", "[]", "array"],
  ];
  assertEquals(await kvs(session, ["put", ...values.map(([value], i) => `v.k${i}=${value}`)]), "");
  const keys = values.map((_value, i) => `v.k${i}`);
  assertEquals(await kvs(session, ["get", ...keys]), values.map(([, shown]) => `${shown}\n`).join(""));
  assertEquals(await kvs(session, ["type", ...keys]), values.map(([, , type]) => `${type}\n`).join(""));
  assertEquals(await kvs(session, ["get", "-l", "v.k0", "v.k7"]), "v.k0=42\nv.k7=\n");
  assertEquals(await kvs(session, ["get", "--raw", "v.k5", "v.k0"]), '"hello world"42');
  assertEquals(
    await kvs(session, ["get", "--json", "v.k2", "v.k5"]),
    '{"key":"v.k2","value":1152921504606846976}\n{"key":"v.k5","value":"hello world"}\n',
  );
  assertEquals(await kvs(session, ["get", "-t", "v.k0"]), '{"data":"NDI=","type":"val","ver":1}\n');
});

Deno.test("flux kvs leaves bytes alone: raw, appended, and files", async () => {
  await using session = await startSession();
  const binary = Uint8Array.from({ length: 1 << 20 }, (_, i) => (i * 7919) >> 3 & 0xff);
  await piped(session, ["put", "--raw", "bin=-"], binary);
  assertEquals(await piped(session, ["get", "--raw", "bin"]), binary);
  assertEquals(await piped(session, ["get", "--stream", "bin"]), binary);
  assertEquals(await kvs(session, ["type", "bin"]), "bytes\n");
  await kvs(session, ["put", "--raw", "empty=", "text=no json"]);
  assertEquals(await kvs(session, ["get", "empty"]), "");
  assertEquals(await kvs(session, ["get", "text"]), "no json\n");
  await kvs(session, ["put", "--append", "log=one\n"]);
  await kvs(session, ["put", "-A", "log=two\n"]);
  assertEquals(await kvs(session, ["get", "log"]), "one\ntwo\n");
  await kvs(session, ["link", "log", "link"]);
  const said = await refused(session, ["put", "-A", "link=three"]);
  assert(said.startsWith("flux-kvs: link: Operation not supported\nhint: nothing can be appended to a link"), said);
  await Deno.writeFile(`${session.directory}/in`, binary);
  await kvs(session, ["copy-tokvs", "file", "in"]);
  await kvs(session, ["copy-fromkvs", "file", "out"]);
  assertEquals(await Deno.readFile(`${session.directory}/out`), binary);
  assertEquals((await Deno.stat(`${session.directory}/out`)).mode! & 0o777, 0o644);
  await piped(session, ["copy-tokvs", "file", "-"], binary.subarray(0, 100));
  assertEquals(await piped(session, ["copy-fromkvs", "file", "-"]), binary.slice(0, 100));
  assertEquals(
    (await refused(session, ["copy-fromkvs", "text", "out"])).split("\n")[0],
    "flux-kvs: text: decode error",
  );
  assertEquals(
    await refused(session, ["copy-tokvs", "file", "nosuch"]),
    "flux-kvs: nosuch: No such file or directory\n",
  );
});

Deno.test("flux kvs lists directories and tells what is under keys", async () => {
  await using session = await startSession();
  await kvs(session, ["put", "a.b=42", "a.c.d=x", "top=true"]);
  await kvs(session, ["link", "a.b", "a.l"]);
  await kvs(session, ["link", "--target-namespace=other", "far", "a.o"]);
  await kvs(session, ["mkdir", "empty", "a.c"]);
  assertEquals(await kvs(session, ["dir"]), "a.\nempty.\ntop = true\n");
  assertEquals(await kvs(session, ["dir", "a"]), "a.b = 42\na.c.\na.l -> a.b\na.o -> other::far\n");
  const all = "a.b = 42\na.c.d = x\na.l -> a.b\na.o -> other::far\ntop = true\n";
  assertEquals(await kvs(session, ["dir", "-r"]), all);
  assertEquals(await kvs(session, ["dir", "-R", "."]), all);
  assertEquals(await kvs(session, ["dir", "-d", "a"]), "a.b\na.c.\na.l -> a.b\na.o -> other::far\n");
  assertEquals(await kvs(session, ["dirsize", "a"]), "4\n");
  assertEquals(await kvs(session, ["readlink", "a.l", "a.o"]), "a.b\nother::far\n");
  assertEquals(await kvs(session, ["get", "a.l"]), "42\n");
  assertEquals(await kvs(session, ["ls"]), "a\nempty\ntop\n");
  assertEquals(await kvs(session, ["ls", "-F", "a"]), "b\nc.\nl@\no@\n");
  assertEquals(await kvs(session, ["ls", "-R", "a"]), "a:\nb\nc\nl\no\n\na.c:\nd\n");
  assertEquals(await kvs(session, ["ls", "-w", "20", "a"]), "b  c  l  o\n");
  assertEquals(await kvs(session, ["ls", "-d", "a", "top"]), "a\ntop\n");
  assertEquals(await kvs(session, ["ls", "top", "empty"]), "top\n\nempty:\n");
  await kvs(session, ["exists", "a", "a.b", "a.o", "."]);
  assertEquals(await refused(session, ["exists", "a", "nosuch"]), "");
  assertEquals(await refused(session, ["exists", "top.x"]), "");
  const said = async (...args: string[]) => (await refused(session, args)).split("\n")[0];
  assertEquals(await said("get", "nosuch"), "flux-kvs: nosuch: No such file or directory");
  assertEquals(await said("get", "a"), "flux-kvs: a: Is a directory");
  assertEquals(await said("type", "a"), "flux-kvs: a: Is a directory");
  assertEquals(await said("dir", "nosuch"), "flux-kvs: nosuch: No such file or directory");
  assertEquals(await said("dir", "top"), "flux-kvs: top: Not a directory");
  assertEquals(await said("ls", "nosuch"), "flux-kvs: nosuch: No such file or directory");
  assertEquals(await said("readlink", "top"), "flux-kvs: top: Invalid argument");
  assertEquals(await said("readlink", "nosuch"), "flux-kvs: nosuch: No such file or directory");
  const partly = await session.flux(["kvs", "get", "top", "nosuch"]);
  assertEquals([partly.code, partly.stdout], [1, "true\n"]);
});

Deno.test("flux kvs removes, copies and moves", async () => {
  await using session = await startSession();
  await kvs(session, ["put", "a.b=1", "a.c=2"]);
  await kvs(session, ["unlink", "nosuch", "a.c"]);
  await kvs(session, ["copy", "a", "copy"]);
  await kvs(session, ["move", "copy.b", "moved"]);
  assertEquals(await kvs(session, ["dir", "-r"]), "a.b = 1\nmoved = 1\n");
  await kvs(session, ["namespace", "create", "n"]);
  await kvs(session, ["move", "-D", "n", "a", "x"]);
  assertEquals(await kvs(session, ["dir", "-r"]), "moved = 1\n");
  assertEquals(await kvs(session, ["-N", "n", "dir", "-r"]), "x.b = 1\n");
  await kvs(session, ["unlink", "-N", "n", "-R", "x"]);
  assertEquals(await kvs(session, ["dir", "-N", "n"]), "");
  assertEquals(
    await refused(session, ["move", "moved", "moved.x"]),
    "flux-kvs: moved: cannot be moved into itself, moved.x\n",
  );
  assertEquals(
    await refused(session, ["move", "moved", "moved."]),
    "flux-kvs: moved: source and destination are the same\n",
  );
  assertEquals(await refused(session, ["copy", "nosuch", "b"]), "flux-kvs: nosuch: No such file or directory\n");
  assertEquals(await kvs(session, ["get", "moved"]), "1\n");
});

Deno.test("flux kvs takes needless dots for nothing and refuses what is no key", async () => {
  await using session = await startSession();
  await kvs(session, ["put", "a..b.=1", ".c=2"]);
  assertEquals(await kvs(session, ["get", "a.b", ".a.b", "c."]), "1\n1\n2\n");
  for (const args of [["put", "=1"], ["get", ""], ["unlink", ""], ["mkdir", ""], ["link", "a", ""], ["dir", ""]]) {
    assertEquals(await refused(session, args), "flux-kvs: '': the empty string is no key\n");
  }
  const long = "k".repeat(100_000);
  for (const args of [["put", `${long}=1`], ["get", long], ["watch", long]]) {
    const said = await refused(session, args);
    assert(/^flux-kvs: k{200}\.\.\.: .*at most 65536/.test(said), said);
  }
  assert((await refused(session, ["put", ".=1"])).startsWith("flux-kvs: .: "));
  assert((await refused(session, ["unlink", "."])).startsWith("flux-kvs: .: "));
  assertEquals((await refused(session, ["get", "."])).split("\n")[0], "flux-kvs: .: Is a directory");
  await kvs(session, ["put", `${"n".repeat(60_000)}=long`]);
  assertEquals(await kvs(session, ["get", "n".repeat(60_000)]), "long\n");
});

Deno.test("flux kvs follows versions through all ranks", async () => {
  await using session = await startSession({ size: 4 });
  assertEquals(await kvs(session, ["version"]), "0\n");
  for (const [rank, other] of [[0, 3], [3, 0], [2, 1]] as const) {
    const version = (await kvs(session, ["put", "-s", `r.k=${rank}`], { rank })).trim();
    assertEquals(await kvs(session, ["get", "r.k"], { rank }), `${rank}\n`);
    assertEquals(await kvs(session, ["wait", version], { rank: other }), "");
    assertEquals(await kvs(session, ["get", "r.k"], { rank: other }), `${rank}\n`);
  }
  const root = (await kvs(session, ["getroot", "-b"], { rank: 1 })).trim();
  const treeobj = (await kvs(session, ["getroot"])).trim();
  assertEquals(treeobj, `{"data":["${root}"],"type":"dirref","ver":1}`);
  assertEquals(await kvs(session, ["getroot", "-o"]), `${Deno.uid()}\n`);
  await kvs(session, ["put", "r.k=new", "r.l=1"]);
  for (const at of [root, treeobj]) {
    assertEquals(await kvs(session, ["get", "--at", at, "r.k"], { rank: 3 }), "2\n");
    assertEquals(await kvs(session, ["dir", "--at", at, "r"]), "r.k = 2\n");
  }
  assertEquals(
    (await refused(session, ["get", "--at", "x", "r.k"])).split("\n")[0],
    "flux-kvs: --at x: not a version of the store",
  );
  assertEquals(
    await refused(session, ["wait", "-t", "0.1", "99"], { rank: 2 }),
    "flux-kvs: version 99 was not reached within 0.1 s\n",
  );
  const waiting = kvs(session, ["wait", "5"], { rank: 3 });
  await kvs(session, ["put", "r.m=1"]);
  assertEquals(await waiting, "");
  for (const rank of [0, 3]) {
    await kvs(session, ["dropcache"], { rank });
    assertEquals(await kvs(session, ["get", "r.k"], { rank }), "new\n");
  }
  await kvs(session, ["dropcache-all"], { rank: 2 });
  assertEquals(await kvs(session, ["get", "r.k"], { rank: 1 }), "new\n");
  assert(/^\d+ blobs deleted, \d+ bytes; \d+ bytes are kept\n$/.test(await kvs(session, ["gc"], { rank: 3 })));
});

Deno.test("flux kvs keeps namespaces and snapshots apart", async () => {
  await using session = await startSession({ size: 2 });
  await kvs(session, ["put", "a=primary"]);
  await kvs(session, ["namespace", "create", "one", "two"], { rank: 1 });
  await kvs(session, ["put", "-N", "one", "a=one"], { rank: 1 });
  await kvs(session, ["put", "a=two"], { env: { FLUX_KVS_NAMESPACE: "two" } });
  assertEquals(await kvs(session, ["get", "a"]), "primary\n");
  assertEquals(await kvs(session, ["--namespace", "two", "get", "a"]), "two\n");
  assertEquals(await kvs(session, ["get", "--namespace=one", "a"], { env: { FLUX_KVS_NAMESPACE: "two" } }), "one\n");
  const list = (await kvs(session, ["namespace", "list"])).split("\n");
  assertEquals(list[0], "NAMESPACE                                 OWNER      FLAGS");
  assertEquals(list.slice(1, -1).map((line) => line.split(" ")[0]).sort(), ["one", "primary", "two"]);
  assertEquals((await refused(session, ["namespace", "create", "one"])).split("\n")[0], "flux-kvs: one: File exists");
  await kvs(session, ["namespace", "remove", "two"]);
  assertEquals(
    await refused(session, ["get", "-N", "two", "a"]),
    "flux-kvs: a: Operation not supported\nhint: there is no such namespace, see 'flux kvs namespace list'\n",
  );
  assertEquals(
    await refused(session, ["namespace", "remove", "primary"]),
    "flux-kvs: primary: Operation not supported\nhint: this namespace is always there\n",
  );
  await kvs(session, ["snapshot", "create", "before"]);
  await kvs(session, ["put", "a=after"]);
  assertEquals(await kvs(session, ["get", "-N", "snapshot-before", "a"]), "primary\n");
  assert(/^before sha1-[0-9a-f]{40}\n$/.test(await kvs(session, ["snapshot", "list"], { rank: 1 })));
  await kvs(session, ["snapshot", "remove", "before"]);
  assertEquals(await kvs(session, ["snapshot", "list"]), "");
});

Deno.test("flux kvs prints the version that a commit made when it is asked to", async () => {
  await using session = await startSession();
  for (const args of [["put", "-O", "-b", "-s", "a=1"], ["link", "-O", "-b", "-s", "a", "l"], ["mkdir", "-Obs", "d"]]) {
    const [treeobj, blobref, sequence] = (await kvs(session, args)).split("\n");
    assertEquals(treeobj, `{"data":["${blobref}"],"type":"dirref","ver":1}`);
    assertEquals([`${blobref}\n`, `${sequence}\n`], [
      await kvs(session, ["getroot", "-b"]),
      await kvs(session, ["version"]),
    ]);
  }
  const answer = JSON.parse(await kvs(session, ["unlink", "--json", "--sync", "--no-merge", "d"]));
  assertEquals(answer, { rootref: (await kvs(session, ["getroot", "-b"])).trim(), rootseq: 4 });
  const treeobj = (await kvs(session, ["get", "-t", "a"])).trim();
  await kvs(session, ["put", "-t", `b=${treeobj}`]);
  assertEquals(await kvs(session, ["get", "b"]), "1\n");
  assert((await refused(session, ["put", "-t", "b={}"])).startsWith("flux-kvs: b: malformed tree object"));
});

Deno.test("flux kvs writes, prints and waits for events of an eventlog", async () => {
  await using session = await startSession({ size: 2 });
  await kvs(session, ["eventlog", "append", "-t", "1.5", "log", "begin"]);
  const waiting = kvs(session, ["eventlog", "wait-event", "log", "end"], { rank: 1 });
  await kvs(session, ["eventlog", "append", "-t", "2", "log", "end", '{"rank":', "1}"]);
  assertEquals(await waiting, '2.000000 end {"rank":1}\n');
  assertEquals(await kvs(session, ["eventlog", "get", "log"]), '1.500000 begin\n2.000000 end {"rank":1}\n');
  assertEquals(
    await kvs(session, ["eventlog", "get", "-u", "log"]),
    '{"timestamp":1.5,"name":"begin"}\n{"timestamp":2.0,"name":"end","context":{"rank":1}}\n',
  );
  assertEquals(
    await kvs(session, ["eventlog", "get", "-w", "-c", "2", "log"]),
    '1.500000 begin\n2.000000 end {"rank":1}\n',
  );
  assertEquals(
    await kvs(session, ["eventlog", "wait-event", "-v", "log", "end"]),
    '1.500000 begin\n2.000000 end {"rank":1}\n',
  );
  assertEquals(await kvs(session, ["eventlog", "wait-event", "-q", "log", "begin"]), "");
  assertEquals(
    await kvs(session, ["eventlog", "get", "--json", "log"]),
    '{"timestamp":1.5,"name":"begin"}\n{"timestamp":2,"name":"end","context":{"rank":1}}\n',
  );
  const created = kvs(session, ["eventlog", "get", "-W", "later"], { rank: 1 });
  await kvs(session, ["eventlog", "append", "-t", "3", "later", "now"]);
  assertEquals(await created, "3.000000 now\n");
  assertEquals(
    await refused(session, ["eventlog", "wait-event", "-t", "0.1", "log", "never"]),
    "flux-kvs: log: no event 'never' within 0.1 s\n",
  );
  assertEquals(await refused(session, ["eventlog", "get", "nosuch"]), "flux-kvs: nosuch: No such file or directory\n");
  assert(
    (await refused(session, ["eventlog", "append", "log", "x", "{"])).startsWith("flux-kvs: context: not JSON: {\n"),
  );
  await kvs(session, ["put", "value=1"]);
  assert((await refused(session, ["eventlog", "get", "value"])).startsWith("flux-kvs: value: not an eventlog: "));
});

Deno.test("flux kvs says that there is no session", async () => {
  const { code, stderr } = await runFlux(["kvs", "get", "a"]);
  assertEquals(code, 1);
  assert(stderr.startsWith("flux-kvs: FLUX_URI is not set"), stderr);
});

Deno.test("flux kvs tells when the store is not there", async () => {
  await using session = await startSession();
  await session.flux(["module", "remove", "kvs"]);
  const said = await refused(session, ["get", "a"]);
  assert(said.startsWith("flux-kvs: a: ") && said.includes("\nhint: the module kvs is not loaded"), said);
});
