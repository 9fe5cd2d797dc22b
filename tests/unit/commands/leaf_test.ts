import { type Command, command } from "../../../commands/mod.ts";
import { ownSubcommands, rootLeaf } from "../../../commands/leaf.ts";
import { runCommand } from "../../../commands/runner.ts";
import { assert, assertEquals } from "../../assert.ts";
import { FakeSurroundings } from "./fake_surroundings.ts";

const COMMON = { rank: { short: "r", type: "integer", help: "Rank" } } as const;

const pub = command({
  name: "pub",
  summary: "Publish",
  usage: ["[OPTIONS] TOPIC"],
  options: { ...COMMON, raw: { type: "flag", help: "Raw" } },
  async *run({ opts, args }) {
    yield { rank: opts.rank, raw: opts.raw, args };
  },
  human: (record) => JSON.stringify(record),
});
const remove = command({
  name: "remove",
  summary: "Remove",
  usage: ["NAME"],
  options: {},
  run: () => Promise.resolve(5),
});
const event = command({
  name: "event",
  summary: "Events",
  usage: [],
  options: COMMON,
  subcommands: { remove, rm: remove, pub },
});

async function run(words: string[], definition: Command = event) {
  const around = new FakeSurroundings();
  const status = await runCommand(definition, words, around);
  return { status, out: around.out, err: around.err };
}

Deno.test("a subcommand gets options from before and behind its name", async () => {
  const out = '{"rank":3,"raw":true,"args":["t"]}\n';
  assertEquals(await run(["-r3", "pub", "--raw", "t"]), { status: 0, out, err: "" });
  assertEquals(await run(["pub", "-r", "3", "--raw", "t"]), { status: 0, out, err: "" });
});

Deno.test("an option behind the subcommand's name overrides the same one before it", async () => {
  assertEquals(JSON.parse((await run(["-r3", "pub", "-r4"])).out).rank, 4);
});

Deno.test("-- before a subcommand does not end the subcommand's options", async () => {
  assertEquals(JSON.parse((await run(["--", "pub", "--raw", "t"])).out).raw, true);
});

Deno.test("an option of a subcommand is unknown before its name", async () => {
  assertEquals((await run(["--raw", "pub", "t"])).err.split("\n")[0], "flux-event: unrecognized option '--raw'");
});

Deno.test("an unknown option of a subcommand is told in its full name", async () => {
  assertEquals(
    (await run(["pub", "-x"])).err,
    "flux-event pub: unrecognized option '-x'\nTry `flux-event pub --help' for more information.\n",
  );
});

Deno.test("a subcommand has its own help", async () => {
  const { status, out } = await run(["pub", "-h"]);
  assertEquals(status, 0);
  assert(out.startsWith("Usage: flux-event pub [OPTIONS] TOPIC\n"), out);
});

Deno.test("help of a command lists its subcommands in alphabetical order, second names left out", async () => {
  const { out } = await run(["--help"]);
  assertEquals(
    out,
    [
      "Usage: flux-event pub [OPTIONS] TOPIC",
      "   or: flux-event remove NAME",
      "  -h, --help             Display this message",
      "  -r, --rank=ARG         Rank",
      "",
      "Supported commands:",
      "   pub                Publish",
      "   remove             Remove",
      "",
    ].join("\n"),
  );
});

Deno.test("a missing subcommand is told with the usage", async () => {
  const { status, err } = await run([]);
  assertEquals(status, 1);
  assert(err.startsWith("flux-event: missing subcommand\nUsage: flux-event pub"), err);
});

Deno.test("an unknown subcommand is told with the nearest one and the usage", async () => {
  const { status, err } = await run(["pbu"]);
  assertEquals(status, 1);
  assert(err.startsWith("flux-event: Unknown subcommand: pbu\nhint: did you mean 'pub'?\nUsage: "), err);
});

Deno.test("a command may word the error of an unknown subcommand itself", async () => {
  const module: Command = { ...event, name: "module", unknownSubcommand: (name) => `unknown function '${name}'` };
  assertEquals((await run(["foo"], module)).err.split("\n")[0], "flux-module: unknown function 'foo'");
});

Deno.test("names of Object.prototype are no subcommands", async () => {
  assertEquals((await run(["toString"])).err.split("\n")[0], "flux-event: Unknown subcommand: toString");
});

Deno.test("a second name runs the same subcommand", async () => {
  assertEquals((await run(["rm", "x"])).status, 5);
  assertEquals(ownSubcommands(event).map(({ name }) => name), ["pub", "remove"]);
});

Deno.test("rootLeaf() calls a command of prog `flux` by two words", () => {
  assertEquals(rootLeaf({ ...pub, name: "getattr", prog: "flux" }).title, "flux getattr");
  assertEquals(rootLeaf(pub).title, "flux-pub");
});
