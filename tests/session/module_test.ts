/** Modules, and looking into brokers, from the command line of a real session over libzmq with CURVE. */

import { open } from "../../broker/handle/mod.ts";
import { assert, assertEquals } from "../assert.ts";
import { type Session, startSession, until } from "./session.ts";

const FIXTURES = new URL("../fixtures/modules", import.meta.url).pathname;
const env = { FLUX_MODULE_PATH: FIXTURES };

/** Runs a command that must succeed and print nothing on standard error. */
async function flux(session: Session, ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await session.flux(args);
  assertEquals([code, stderr], [0, ""], args.join(" "));
  return stdout;
}

/** Runs a command that must fail; returns what it says. */
async function fails(session: Session, ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await session.flux(args);
  assertEquals([code, stdout], [1, ""], `${args.join(" ")}: ${stderr}`);
  return stderr;
}

Deno.test("flux module loads, lists, describes and removes modules on one rank and on all", async () => {
  await using session = await startSession({ size: 3, env });
  const table = await flux(session, "module", "list");
  assert(/^Module {17}Size {2}Digest Idle Nodeset\napi {23}0 [0-9A-F]{7} {4}\d 0\n/.test(table), table);
  assertEquals(await flux(session, "module", "load", "counter", "5"), "");
  assertEquals(await flux(session, "module", "load", "-r", "1-2", `${FIXTURES}/counter.js`, "7"), "");
  const all = await flux(session, "module", "list", "-r", "all");
  assert(/^counter +\d+ [0-9A-F]{7} +\d \[0-2\]$/m.test(all), all);
  const long = await flux(session, "module", "list", "-l", "-r", "0,2");
  assert(long.includes(` R [0,2] ${FIXTURES}/counter.js counter,tally\n`), long);
  const [first] = JSON.parse(await flux(session, "module", "list", "--json", "-r", "2")) as { name: string }[];
  assertEquals(first!.name, "api");
  for (const [rank, count] of [[0, 5], [2, 7]]) {
    using handle = await open(session.uri(rank));
    assertEquals(await handle.rpc("tally.get"), { count: count! });
  }
  const info = (await flux(session, "module", "info", "counter")).split("\n");
  assertEquals(info.slice(0, 2), ["Module name:  counter", `Module path:  ${FIXTURES}/counter.js`]);
  assert(/^SHA1 Digest: {2}[0-9a-f]{40}$/.test(info[2]!) && /^Size: {9}\d+ bytes$/.test(info[3]!), info.join("\n"));
  assertEquals(await flux(session, "module", "reload", "counter"), "");
  assertEquals(await flux(session, "module", "remove", "-r", "all", "counter"), "");
  assert(!(await flux(session, "module", "list", "-r", "all")).includes("counter"));
});

Deno.test("flux module says what is wrong in one line, and on which ranks", async () => {
  await using session = await startSession({ size: 3, env });
  const load = (...args: string[]) => fails(session, "module", "load", ...args);
  assertEquals(await load("nosuch"), "flux-module: nosuch: not found in module search path\n");
  assertEquals(await load("/no/such.js"), "flux-module: /no/such.js: No such file or directory\n");
  assertEquals(await load("api"), "flux-module: api: module/service name already in use\n");
  assertEquals(await load("-d", "api"), "flux-module: cmb.insmod[-1]: module/service name already in use\n");
  assertEquals(await load("-d", "-r", "1", "api"), "flux-module: cmb.insmod[1]: module/service name already in use\n");
  await flux(session, "module", "load", "-r", "1", "counter");
  assertEquals(
    await load("-r", "all", "counter"),
    "flux-module: counter: module/service name already in use\nhint: this is so on rank 1 only; rank [0,2] removed it again\n",
  );
  assert(!(await flux(session, "module", "list", "-r", "0,2")).includes("counter"));
  assert((await load("nothing")).startsWith(`flux-module: ${FIXTURES}/nothing.js: there is no default export`));
  await Deno.writeTextFile(`${session.directory}/broken.js`, "export default {\n  start( {},\n};\n");
  const broken = await load("./broken.js");
  assert(
    broken.startsWith(`flux-module: ${session.directory}/./broken.js:3:1: cannot be loaded: SyntaxError`) ||
      broken.startsWith(`flux-module: ${session.directory}/broken.js:3:1: cannot be loaded: SyntaxError`),
    broken,
  );
  assertEquals(await fails(session, "module", "remove", "nosuch"), "flux-module: nosuch: No such file or directory\n");
  const direct = await session.flux(["module", "remove", "-d", "-r", "2", "nosuch"]);
  assertEquals([direct.code, direct.stderr], [0, "flux-module: cmb.rmmod[2]: No such file or directory\n"]);
  assertEquals(await fails(session, "module", "list", "-r", "9"), "flux-module: cmb.lsmod[9]: No route to host\n");
  assert((await fails(session, "module", "list", "-r", "1-9")).includes("--rank 1-9: "));
  assert((await fails(session, "module", "list", "-r", "x")).startsWith("flux-module: --rank x: not a set of ranks\n"));
  assert((await fails(session, "module", "frobnicate")).startsWith("flux-module: unknown function 'frobnicate'\n"));
});

Deno.test("a module that makes mistakes is unloaded and logged, and its broker lives", async () => {
  await using session = await startSession({ size: 1, env });
  using handle = await open(session.uri());
  assert((await fails(session, "module", "load", "faulty", "start")).includes("faulty: start failed: no start"));
  for (
    const [topic, text] of [["handler", "no handler"], ["promise", "no promise"], ["timer", "no timer"], [
      "stray",
      "no catch",
    ]]
  ) {
    await flux(session, "module", "load", "faulty");
    const waiting = handle.rpc("faulty.wait").catch((error) => error.code);
    await handle.rpc(`faulty.${topic}`).catch(() => {});
    assertEquals(await waiting, "ENOSYS", topic);
    await until(`${text} in the log`, () => session.log.includes(`TypeError: ${text}`));
    assert(!(await flux(session, "module", "list")).includes("faulty"), topic);
  }
  assert(session.log.includes("module faulty is unloaded, since it threw in an unhandled rejection"), session.log);
  await flux(session, "module", "load", "faulty", "stop");
  await flux(session, "module", "remove", "faulty");
  await until("the failed stop in the log", () => session.log.includes("TypeError: no stop"));
});

Deno.test("flux comms-stats and flux module stats print figures, pick one and clear them", async () => {
  await using session = await startSession({ size: 2 });
  const json = JSON.parse(await flux(session, "comms-stats", "api"));
  assertEquals(Object.keys(json).length, 8);
  assert(/^\{\n {2}"#request \(tx\)":\d+,\n/.test(await flux(session, "comms-stats", "-r", "1", "api")));
  const pick = (...args: string[]) => flux(session, "comms-stats", "-p", "#request (tx)", ...args, "api");
  assert(/^\d+\n$/.test(await pick("-t", "int")));
  assert(/^\d+\.\d{6}\n$/.test(await pick("-t", "double", "-s", "0.5")));
  const usage = JSON.parse(await flux(session, "comms-stats", "-R", "api")) as { utime: number };
  assert(usage.utime > 0);
  assertEquals(Object.keys(JSON.parse(await flux(session, "module", "stats", "api"))), ["tx", "rx"]);
  assertEquals(await flux(session, "comms-stats", "-c", "api"), "");
  assertEquals(await flux(session, "comms-stats", "-C", "api"), "");
  assertEquals(await flux(session, "module", "debug", "--set", "0x11", "api"), "0x11\n");
  assertEquals(await flux(session, "module", "debug", "--clearbit", "1", "api"), "0x10\n");
  const wrong = (...args: string[]) => fails(session, "comms-stats", ...args);
  assert((await wrong("-p", "a.b", "api")).startsWith("flux-stats: `a.b' not found in response\n"));
  assert((await wrong("-s", "2", "api")).startsWith("flux-stats: Use --scale only with --type int or --type double\n"));
  assert(
    (await wrong("-C", "-r", "1", "api")).startsWith(
      "flux-stats: Use --clear not --clear-all to clear a single node.\n",
    ),
  );
  assert((await wrong("nosuch")).startsWith("flux-stats: No service matching nosuch.stats.get is registered\n"));
});

Deno.test("flux comms tells of a broker's place, and gives it another parent", async () => {
  await using session = await startSession({ size: 4 });
  assertEquals(await flux(session, "comms", "info"), "rank=0\nsize=4\narity=2\n");
  assert(/^\{ "1": \{ "idle": \d \}, "2": \{ "idle": \d \} \}\n$/.test(await flux(session, "comms", "idle")));
  assertEquals(await flux(session, "comms", "idle", "--rank", "3"), "{ }\n");
  const endpoint = async (rank: number) => {
    using handle = await open(session.uri(rank));
    return (await handle.rpc<{ value: string }>("attr.get", { name: "tbon.endpoint" })).value;
  };
  using root = await open(session.uri(0));
  using moved = await open(session.uri(3));
  const seen: number[] = [];
  using _events = await moved.listen("count", ({ payload }) => seen.push(Number(payload.n)));
  let published = 0;
  const pings: Promise<unknown>[] = [];
  const traffic = setInterval(() => {
    root.publish("count", { n: published++ });
    pings.push(root.rpc("broker.ping", {}, { rank: 3 }), moved.rpc("broker.ping", {}, { rank: 2 }));
  }, 2);
  try {
    for (const to of [2, 0, 1, 2]) await flux(session, "comms", "-r", "3", "reparent", await endpoint(to));
    const topology = JSON.stringify(await root.rpc("overlay.topology", { rank: 0 }));
    assert(topology.includes('{"rank":2,"size":2,"children":[{"rank":3,'), topology);
    await until("the old link to be gone", async () => {
      const stats = await root.rpc("overlay.stats-get");
      return stats["child-connected"] === 2;
    });
  } finally {
    clearInterval(traffic);
  }
  await Promise.all(pings);
  await until("all events", () => seen.length >= published);
  assertEquals(seen, Array.from({ length: published }, (_, n) => n));
  const kinds = () => [...session.log.matchAll(/reparent .* \((new|restored)\)/g)].map(([, kind]) => kind);
  await until("what rank 3 has logged to be at rank 0", () => kinds().length >= 4);
  assertEquals(kinds(), ["new", "new", "restored", "restored"]);
  const uri = `ipc://${session.rundir}/no-such-endpoint`;
  assert(
    (await fails(session, "comms", "-r", "3", "reparent", uri)).startsWith(
      `flux-comms: ${uri}: no broker of this session listens on ${uri}\n`,
    ),
  );
  assert((await fails(session, "comms", "-r", "3", "reparent", "x")).startsWith('flux-comms: x: "x" is no URI\n'));
});

Deno.test("flux comms --ring reaches a rank when the tree is stuck", async () => {
  await using session = await startSession({ size: 7 });
  // 6 is behind 2 in the tree, and the right neighbour of 0 on the ring.
  const stopped = session.pid(2);
  Deno.kill(stopped, "SIGSTOP");
  try {
    assertEquals(await flux(session, "comms", "--ring", "-r", "6", "idle"), "{ }\n");
    const idle = await flux(session, "comms", "--ring", "-r", "3", "idle");
    assertEquals(idle, "{ }\n");
  } finally {
    Deno.kill(stopped, "SIGCONT");
  }
  assert((await fails(session, "comms", "--ring", "-r", "7", "idle")).includes("No route to host"));
});

Deno.test("flux comms panic ends a broker at once", async () => {
  const session = await startSession({ size: 3 });
  const { code, stderr } = await session.flux(["comms", "-r", "2", "panic", "out", "of", "cheese"]);
  assertEquals([code, stderr], [0, ""]);
  await until("PANIC", () => (session.stderr + session.log).includes("PANIC: out of cheese"));
  await until("rank 2 is lost", () => (session.stderr + session.log).includes("rank 2"));
  await session[Symbol.asyncDispose]();
});

Deno.test("flux snoop shows messages as they go through a broker", async () => {
  await using session = await startSession({ size: 2 });
  using handle = await open(session.uri());
  const talk = setInterval(() => {
    handle.rpc("attr.get", { name: "rank" }).catch(() => {});
    handle.rpc("broker.ping", { pad: "x".repeat(100) }, { rank: 1 }).catch(() => {});
  }, 20);
  try {
    const dump = await flux(session, "snoop", "-c", "20", "attr.get");
    assert(
      /^-{38}\n>\[036\] \|[0-9a-f]{5}\|\n>\[008\] attr\.get\n>\[016\] \{"name":"rank"\}\n>\[020\] 8E01010B[0-9A-F]{32}\n/m
        .test(dump),
      dump,
    );
    assert(!dump.includes("broker.ping"));
    const cut = await flux(session, "snoop", "-c", "20", "broker.ping");
    assert(/^>\[\d{3}\] \{"pad":"x{62}\.\.\.$/m.test(cut), cut);
    const whole = await flux(session, "snoop", "-l", "-c", "20", "broker.ping");
    assert(whole.includes("x".repeat(100)), whole);
    const lines = (await flux(session, "snoop", "--json", "-r", "1", "-c", "20", "broker.ping")).trimEnd().split("\n");
    const records = lines.map((line) => JSON.parse(line) as { type: string; nodeid?: number });
    assert(records.some(({ type, nodeid }) => type === "request" && nodeid === 1), lines[0]);
  } finally {
    clearInterval(talk);
  }
  const { stderr } = await session.flux(["snoop", "-v", "-a", "-c", "1", "-n", "-N", "x"]);
  assertEquals(stderr, `flux-snoop: connecting to ${session.uri()}...\nflux-snoop: disconnecting\n`);
});
