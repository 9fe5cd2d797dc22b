/** The scripts are made from the tables; the one for bash is also driven as bash drives it. */

import { commandNames } from "../../../commands/registry.ts";
import { bashScript } from "../../../commands/render/completion_bash.ts";
import { fishScript } from "../../../commands/render/completion_fish.ts";
import { zshScript } from "../../../commands/render/completion_zsh.ts";
import type { Grammar } from "../../../commands/render/completion.ts";
import { grammar } from "../../../commands/completion.ts";
import { assert, assertEquals } from "../../assert.ts";
import { testUnless } from "../../skip.ts";

const HELP = { help: { short: "h", type: "flag", help: "Display this message" } } as const;

const SMALL: Grammar = {
  places: [
    {
      path: [],
      summary: "",
      options: {
        ...HELP,
        uri: { short: "u", type: "string", help: "Broker's URI" },
        config: { short: "c", type: "string", complete: "directory", help: "Where" },
        verbose: { short: "v", type: "count", help: "More" },
      },
      words: [["ping", "Send"], ["event", "Events: all"], ["getattr", "Read"], ["help", "Show"]],
      complete: "command",
    },
    {
      path: ["ping"],
      summary: "Send",
      options: {
        ...HELP,
        rank: { short: "r", type: "integer", complete: "rank", help: "Rank" },
        count: { short: "n", type: "integer", help: "How often" },
        level: { type: "string", complete: ["info", "debug"], help: "Level" },
      },
      words: [],
      complete: "module",
    },
    {
      path: ["event"],
      summary: "Events",
      options: HELP,
      words: [["pub", "Publish"], ["sub", "Watch"]],
      complete: "file",
    },
    {
      path: ["event", "pub"],
      summary: "Publish",
      options: { ...HELP, raw: { type: "flag", help: "Raw" } },
      words: [],
      complete: "file",
    },
    { path: ["event", "sub"], summary: "Watch", options: HELP, words: [], complete: "file" },
    { path: ["getattr"], summary: "Read", options: HELP, words: [], complete: "attr" },
    { path: ["help"], summary: "Show", options: HELP, words: [], complete: "command" },
  ],
};

const FAKE_FLUX = `flux() {
  case $2 in
    rank) printf '%s\\n' 0 1 2 ;;
    attr) printf '%s\\n' rank size ;;
    module) printf '%s\\n' kvs live ;;
    key) printf '%s\\n' a.b a.c. 'a.$(echo x >&2)' ;;
  esac
}
`;

/** What bash offers for a line, its words as bash would break them; the last one is being typed. */
async function offered(script: string, words: string[]): Promise<string[]> {
  const quoted = words.map((word) => `'${word}'`).join(" ");
  const drive = `${script}\n${FAKE_FLUX}\nCOMP_WORDS=(${quoted})\nCOMP_CWORD=${words.length - 1}
_flux\nprintf '%s\\n' "\${COMPREPLY[@]}"`;
  const command = new Deno.Command("bash", { args: ["--norc", "-c", drive], stdin: "null" });
  const { stdout, stderr } = await command.output();
  assertEquals(new TextDecoder().decode(stderr).replace(/.*compopt.*\n/g, ""), "");
  return new TextDecoder().decode(stdout).split("\n").filter(Boolean);
}

/** Why nothing can be tried with a shell, undefined if it is here. */
function missing(shell: string): string | undefined {
  try {
    if (new Deno.Command(shell, { args: ["-c", "exit 0"], stdin: "null" }).outputSync().success) return undefined;
  } catch {
    // not there, or not to be run
  }
  return `${shell} is not installed`;
}

const NAMES = ["ping", "event", "getattr", "help"];
const CASES: [string, string[], string[]][] = [
  ["commands", ["flux", ""], NAMES],
  ["commands by their beginning", ["flux", "ge"], ["getattr"]],
  ["options of the front end", ["flux", "--"], ["--help", "--uri", "--config", "--verbose"]],
  ["commands behind options with values", ["flux", "-u", "x", "--config", "=", "d", "-v", ""], NAMES],
  ["commands behind a cluster with a value", ["flux", "-vu", "ping", "e"], ["event"]],
  ["commands behind a joined value", ["flux", "-uping", "e"], ["event"]],
  ["options of a command", ["flux", "ping", "--"], ["--help", "--rank", "--count", "--level"]],
  ["ranks from the broker", ["flux", "ping", "-r", ""], ["0", "1", "2"]],
  ["ranks behind =", ["flux", "ping", "--rank", "="], ["0", "1", "2"]],
  ["ranks behind = by their beginning", ["flux", "ping", "--rank", "=", "1"], ["1"]],
  ["words of a list", ["flux", "ping", "--level", "d"], ["debug"]],
  ["words behind = where bash keeps them together", ["flux", "ping", "--level=d"], ["--level=debug"]],
  ["modules as arguments", ["flux", "ping", "-n", "2", "k"], ["kvs"]],
  ["subcommands", ["flux", "event", ""], ["pub", "sub"]],
  ["options of a subcommand", ["flux", "event", "pub", "--r"], ["--raw"]],
  ["attributes", ["flux", "-v", "getattr", ""], ["rank", "size"]],
  ["commands for help", ["flux", "help", "ev"], ["event"]],
  ["nothing of its own for a value of no kind", ["flux", "ping", "--count", ""], []],
  ["nothing of its own for arguments that may be files", ["flux", "event", "pub", "x"], []],
  ["nothing of its own behind --", ["flux", "event", "pub", "--", "-"], []],
  ["no options behind the first argument", ["flux", "event", "pub", "topic", "--r"], []],
  ["nothing for a command it does not know", ["flux", "unknown", "--"], []],
];

for (const [what, words, expected] of CASES) {
  testUnless(
    missing("bash"),
    `bashScript() offers ${what}`,
    async () => assertEquals(await offered(bashScript(SMALL), words), expected),
  );
}

testUnless(
  missing("bash"),
  "bashScript() offers subcommands of subcommands, and keys that it does not expand",
  async () => {
    const script = bashScript(await grammar());
    assertEquals(await offered(script, ["flux", "kvs", "namespace", ""]), ["create", "list", "remove"]);
    assertEquals(await offered(script, ["flux", "kvs", "-N", "x", "namespace", "create", "--ro"]), ["--rootref"]);
    assertEquals(await offered(script, ["flux", "kvs", "get", "a."]), ["a.b", "a.c.", "a.$(echo x >&2)"]);
    assertEquals(await offered(script, ["flux", "kvs", "get", "a.b", "a.c"]), ["a.c."]);
  },
);

Deno.test("bashScript() leaves it to bash to offer file names where it has nothing", () => {
  assert(bashScript(SMALL).trimEnd().endsWith("complete -o bashdefault -o default -F _flux flux"));
});

const SCRIPTS = { bash: bashScript, zsh: zshScript, fish: fishScript };

for (const [shell, script] of Object.entries(SCRIPTS)) {
  testUnless(missing(shell), `flux completion ${shell} is a script ${shell} can read`, async () => {
    const file = await Deno.makeTempFile();
    try {
      await Deno.writeTextFile(file, script(await grammar()));
      const { success, stderr } = await new Deno.Command(shell, { args: ["-n", file] }).output();
      assert(success, new TextDecoder().decode(stderr));
    } finally {
      await Deno.remove(file);
    }
  });

  Deno.test(`flux completion ${shell} knows every command and every option`, async () => {
    const all = await grammar();
    const text = script(all);
    for (const name of commandNames()) assert(text.includes(name), name);
    for (const { options } of all.places) {
      for (const name of Object.keys(options)) assert(text.includes(name), name);
    }
    assert(!text.includes("'__complete'"));
  });
}

Deno.test("zshScript() and fishScript() quote descriptions", () => {
  assert(zshScript(SMALL).includes(`'--uri:Broker'\\''s URI'`));
  assert(fishScript(SMALL).includes(`-d 'Broker\\'s URI'`));
});
