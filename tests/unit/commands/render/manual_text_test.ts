import { command } from "../../../../commands/mod.ts";
import { factsOf, manualText } from "../../../../commands/render/manual_text.ts";
import { assert, assertEquals } from "../../../assert.ts";

const send = command({
  name: "send",
  summary: "Send words",
  usage: ["[OPTIONS] WORD...", "[OPTIONS] --all"],
  options: { all: { short: "a", type: "flag", help: "Send all of them" } },
  run: () => Promise.resolve(),
});

const PAGE = `# flux-send(1)

<!-- synopsis -->

## DESCRIPTION

Sends **each** WORD to the \`sink\`, one after
another.

- first: a rather long item of the list that goes on
  in the next line
- second

Then it ends.

    flux send a

    flux send b

### More

*Nothing* more; 2 * 3 * 4.

## OPTIONS

<!-- options -->
`;

const look = { columns: 50, styled: false };

Deno.test("manualText() lays a page out as plain text", () => {
  assertEquals(
    manualText(PAGE, factsOf(send), look),
    `FLUX-SEND(1)

NAME
     flux-send - Send words

SYNOPSIS
     flux send [OPTIONS] WORD...
     flux send [OPTIONS] --all

DESCRIPTION
     Sends each WORD to the sink, one after
     another.

     - first: a rather long item of the list that
       goes on in the next line
     - second

     Then it ends.

         flux send a

         flux send b

  More
     Nothing more; 2 * 3 * 4.

OPTIONS
     -h, --help
         Display this message.

     -a, --all
         Send all of them.
`,
  );
});

Deno.test("manualText() makes headings and marked words bold on a terminal", () => {
  const text = manualText(PAGE, factsOf(send), { ...look, styled: true });
  assert(text.startsWith("\x1b[1mFLUX-SEND(1)\x1b[0m\n"), text);
  assert(text.includes("     Sends \x1b[1meach\x1b[0m WORD to the \x1b[1msink\x1b[0m, one after\n"), text);
  assert(text.includes("\x1b[4mNothing\x1b[0m more"), text);
  const bare = ["0", "1", "4"].reduce((rest, code) => rest.replaceAll(`\x1b[${code}m`, ""), text);
  assertEquals(bare, manualText(PAGE, factsOf(send), look));
});

Deno.test("manualText() ends an attribute on each line it spans and takes it up on the next", () => {
  const page = `# x\n\n**one two three four five six seven eight nine**\n`;
  const lines = manualText(page, factsOf(send), { columns: 30, styled: true }).split("\n").slice(2, 4);
  for (const line of lines) assert(line.includes("\x1b[1m") && line.endsWith("\x1b[0m"), JSON.stringify(line));
});

Deno.test("manualText() refuses a mark it does not know", () => {
  for (const mark of ["<!-- opts -->", "<!-- options foo -->"]) {
    let failed = false;
    try {
      manualText(`# x\n\n${mark}\n`, factsOf(send), look);
    } catch {
      failed = true;
    }
    assert(failed, mark);
  }
});

Deno.test("factsOf() finds subcommands of subcommands by their words", () => {
  const group = command({ name: "mail", summary: "Mail", usage: [], options: {}, subcommands: { send } });
  const facts = factsOf(command({ name: "x", summary: "X", usage: [], options: {}, subcommands: { mail: group } }));
  assertEquals(facts.synopsis, ["flux x mail send [OPTIONS] WORD...", "flux x mail send [OPTIONS] --all"]);
  assert("all" in facts.options("mail send")!);
  assertEquals(facts.options("mail post"), undefined);
});

Deno.test("factsOf() lists the forms of every subcommand", () => {
  const parent = command({ name: "event", summary: "Events", usage: [], options: {}, subcommands: { send } });
  const facts = factsOf(parent);
  assertEquals(facts.synopsis, ["flux event send [OPTIONS] WORD...", "flux event send [OPTIONS] --all"]);
  assert(facts.options("send") !== undefined);
  assertEquals(facts.options("receive"), undefined);
});
