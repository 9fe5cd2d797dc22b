import { type Command } from "../../../commands/mod.ts";
import { FRONT_OPTIONS } from "../../../commands/environment.ts";
import { type Leaf, leavesOf, rootLeaf } from "../../../commands/leaf.ts";
import { manualNames, manualPage } from "../../../commands/manual.ts";
import type { OptionTable } from "../../../commands/options.ts";
import { commandNames, lookup, registry } from "../../../commands/registry.ts";
import { commandHelp } from "../../../commands/render/help_text.ts";
import { factsOf, manualText } from "../../../commands/render/manual_text.ts";
import { assert, assertEquals } from "../../assert.ts";

const commands: Record<string, Command> = {};
for (const [name, entry] of Object.entries(registry)) commands[name] = (await entry.load()).default;

/** A command itself, if it has subcommands, and every leaf of it. */
function allLeaves(command: Command): Leaf[] {
  const root = rootLeaf(command);
  return [...new Set([root, ...leavesOf(root)])];
}

/** Every long name that may stand in a command line of a command. */
function optionNames(tables: readonly OptionTable[]): Set<string> {
  return new Set(
    tables.flatMap((table) => Object.entries(table).flatMap(([name, spec]) => [name, ...spec.aliases ?? []])),
  );
}

for (const [name, command] of Object.entries(commands)) {
  Deno.test(`the registry tells what ${name} tells of itself`, () => {
    assertEquals(command.name, name);
    assertEquals(command.summary, registry[name]!.summary);
  });

  Deno.test(`the options of ${name} are named and described alike`, () => {
    for (const { title, table, command } of allLeaves(commands[name]!)) {
      const shorts = Object.values(table).flatMap(({ short }) => short ?? []);
      assertEquals(shorts.length, new Set(shorts).size, `${title}: a letter is used twice: ${shorts}`);
      for (const [option, spec] of Object.entries(table)) {
        const what = `${title} --${option}`;
        assert(/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/.test(option), `${what}: name`);
        assert(spec.short === undefined || /^[A-Za-z0-9]$/.test(spec.short), `${what}: letter`);
        assert(/^[A-Z].*[^.]$/.test(spec.help), `${what}: help "${spec.help}"`);
        assert(!spec.aliases?.some((alias) => alias in table), `${what}: alias`);
      }
      assert(/^[A-Z].*[^.]$/.test(command.summary), `${title}: summary "${command.summary}"`);
      assert(command.run !== undefined || command.subcommands !== undefined, `${title}: does nothing`);
    }
  });

  Deno.test(`flux ${name} --help fits into 80 columns`, () => {
    for (const leaf of allLeaves(command)) {
      for (const line of commandHelp(leaf, 80).split("\n")) assert(line.length <= 80 || line.startsWith("Usage"), line);
    }
  });
}

for (const name of commandNames()) {
  Deno.test(`${name} has a manual page with the options of each of its forms`, async () => {
    const page = await manualPage(name);
    assert(page !== undefined, `commands/${name.replaceAll("-", "_")}.md is missing`);
    assert(page.startsWith(`# flux-${name}(1)\n`), "title");
    assert(page.includes("\n<!-- synopsis -->\n"), "synopsis");
    const root = rootLeaf(commands[name]!);
    for (const leaf of leavesOf(root)) {
      const words = leaf.title.slice(root.title.length).trimStart();
      const sub = words === "" ? "" : `${words} `;
      assert(page.includes(`\n<!-- options ${sub}-->\n`) || page.includes("\n<!-- options -->\n"), leaf.title);
    }
    for (const section of ["DESCRIPTION", "EXAMPLES", "SEE ALSO"]) assert(page.includes(`\n## ${section}\n`), section);
    assert(manualText(page, factsOf(commands[name]!), { columns: 80, styled: false }).length > 0);
  });
}

/** The words `--name` in a text. */
function mentioned(text: string): string[] {
  return [...text.matchAll(/(?<![\w-])--([a-z][\w-]*)/g)].map((match) => match[1]!);
}

for (const file of await manualNames()) {
  const name = file.replaceAll("_", "-");
  Deno.test(`commands/${file}.md mentions no option that does not exist`, async () => {
    const command = commands[name];
    // Every page may speak of what all commands have; the page of flux itself does.
    const own = command ? allLeaves(command).map(({ table }) => table) : [factsOf(commands["version"]!).options()!];
    const source = (await manualPage(name))!.replaceAll("\n    ", "\n\t");
    for (const piece of source.match(/`[^`]+`|^\t.*$|[^`\t\n]+/gm) ?? []) {
      const called = /\bflux\b(?: +-\S+(?: [^ -]\S*)?)*? +(\w[\w-]*)/.exec(piece)?.[1];
      const other = called !== undefined && called in commands ? allLeaves(commands[called]!) : [];
      if (piece.startsWith("\t") && called === undefined) continue;
      const known = optionNames([FRONT_OPTIONS, ...own, ...other.map(({ table }) => table)]);
      // What stands before flux is the launcher's.
      for (const option of mentioned(called === undefined ? piece : piece.slice(piece.search(/\bflux\b/)))) {
        assert(known.has(option) || (called !== undefined && !(called in commands)), `--${option} in: ${piece.trim()}`);
      }
    }
  });

  Deno.test(`commands/${file}.md belongs to a command`, () => {
    assert(name === "flux" || lookup(name) !== undefined);
  });
}

Deno.test("lookup() knows no names of Object.prototype", () => {
  assertEquals(lookup("constructor"), undefined);
});
