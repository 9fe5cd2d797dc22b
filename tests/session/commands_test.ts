import { assert, assertEquals } from "../assert.ts";
import { runFlux, startSession } from "./session.ts";

/** A command typed wrongly or at a bad moment: the words, and the first line it must say on standard error. */
const WRONG: readonly (readonly [words: string[], line: string])[] = [
  [["getattr", "nosuch"], "flux: nosuch: No such file or directory"],
  [["setattr", "rank", "3"], "flux: rank: Operation not permitted"],
  [["ping", "-c1", "9!broker"], "flux-ping: 9!broker.ping: No route to host"],
  [["ping", "-c1", "nosvc"], "flux-ping: nosvc.ping: Function not implemented"],
  [["ping", "--foo", "broker"], "flux-ping: unrecognized option '--foo'"],
  [["module", "load", "nosuch"], "flux-module: nosuch: not found in module search path"],
  [["module", "remove", "nosuch"], "flux-module: nosuch: No such file or directory"],
  [["module", "frobnicate"], "flux-module: unknown function 'frobnicate'"],
  [["mping", "-c1", "0-9"], "flux-mping: flux_mrpc_create: Invalid argument"],
  [["event", "pub"], "flux-event: a topic is required"],
  [["logger", "-p", "user.nosuch", "x"], "flux-logger: bad priority argument"],
  [["dmesg", "extra"], "flux-dmesg: flux-dmesg accepts no free arguments"],
  [["pingg"], "flux: `pingg' is not a flux command.  See 'flux --help'"],
];

Deno.test("every command says in one line what is wrong, and the session loses nothing", async (t) => {
  await using session = await startSession({ size: 2 });
  for (const [words, line] of WRONG) {
    await t.step(`flux ${words.join(" ")}`, async () => {
      const { code, stderr } = await session.flux(words);
      assertEquals(stderr.split("\n")[0], line);
      assert(code !== 0, "status is 0");
    });
  }
  assertEquals((await session.flux(["getattr", "size"])).stdout, "2\n");
});

Deno.test("every command that prints data prints it as JSON", async (t) => {
  await using session = await startSession({ size: 2 });
  const commands = [
    ["getattr", "--json", "size"],
    ["lsattr", "--json"],
    ["ping", "--json", "-c1", "broker"],
    ["mping", "--json", "-c1", "0-1"],
    ["module", "list", "--json"],
    ["dmesg", "--json"],
    ["comms", "info", "--json"],
    ["comms-stats", "--json", "api"],
    ["version", "--json"],
    ["event", "sub", "--json", "-c1", "heartbeat"],
  ];
  for (const words of commands) {
    await t.step(`flux ${words.join(" ")}`, async () => {
      const { code, stdout, stderr } = await session.flux(words);
      assertEquals([code, stderr], [0, ""]);
      const documents = stdout.startsWith("[") ? [stdout] : stdout.trim().split("\n");
      for (const text of documents) assert(JSON.parse(text) !== null);
    });
  }
});

Deno.test("flux -t prints the messages of a command", async () => {
  await using session = await startSession();
  const { stdout, stderr } = await session.flux(["-t", "getattr", "rank"]);
  assertEquals(stdout, "0\n");
  assert(stderr.includes('>[016] {"name":"rank"}') && stderr.includes('<[024] {"value":"0","flags":1}'), stderr);
});

Deno.test("flux getattr without a session says how to get one", async () => {
  const { code, stderr } = await runFlux(["getattr", "rank"]);
  assertEquals([code, stderr.split("\n")[0]], [1, "flux: FLUX_URI is not set, so there is no broker to talk to"]);
});
