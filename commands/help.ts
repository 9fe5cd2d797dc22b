/** `flux help [COMMAND]`: manual pages, paged on a terminal. */

import { command, CommandError, UsageError } from "./mod.ts";
import { FRONT_OPTIONS } from "./environment.ts";
import { externalNames } from "./external.ts";
import { manualPage } from "./manual.ts";
import { commandNames, lookup, registry } from "./registry.ts";
import { frontHelp } from "./render/help_text.ts";
import { type Facts, factsOf, manualText } from "./render/manual_text.ts";
import { page } from "./render/pager.ts";
import { nearest } from "./suggest.ts";
import { system } from "./surroundings.ts";

/** The page of the front end itself. */
const FRONT = "flux";

export default command({
  name: "help",
  summary: "Show the manual page of a command",
  usage: ["[OPTIONS] [COMMAND]"],
  options: {},
  prog: "flux",
  complete: "command",
  async *run({ args: [name, second, third] }) {
    if (third !== undefined || (second !== undefined && !(await hasSubcommand(name!, second)))) {
      throw new UsageError("help accepts one command");
    }
    const columns = system.columns();
    if (name === undefined) {
      yield frontHelp(FRONT_OPTIONS, registry, externalNames(system.env("FLUX_EXEC_PATH") ?? ""), columns).trimEnd();
      return 0;
    }
    const facts = name === FRONT ? frontFacts() : await commandFacts(name);
    const source = await manualPage(name);
    if (source === undefined) throw new CommandError(`there is no manual page for '${name}'`);
    const terminal = Deno.stdout.isTerminal();
    const text = manualText(source, facts, { columns: Math.min(columns, terminal ? 100 : 80), styled: terminal });
    if (terminal && await page(text, system.env)) return 0;
    yield text.trimEnd();
    return 0;
  },
});

async function hasSubcommand(name: string, second: string): Promise<boolean> {
  const subcommands = (await lookup(name)?.load())?.default.subcommands;
  return subcommands !== undefined && Object.hasOwn(subcommands, second);
}

function frontFacts(): Facts {
  return {
    title: "flux",
    summary: "message brokers for a comms session, and every tool that talks to it",
    synopsis: ["flux [OPTIONS] COMMAND [ARGS]"],
    options: () => FRONT_OPTIONS,
  };
}

async function commandFacts(name: string): Promise<Facts> {
  const entry = lookup(name);
  if (entry) return factsOf((await entry.load()).default);
  if (externalNames(system.env("FLUX_EXEC_PATH") ?? "").includes(name)) {
    throw new CommandError(`'${name}' is an external command`, { hint: `try 'flux ${name} --help'` });
  }
  const near = nearest(name, [...commandNames(), FRONT]);
  const hint = near === undefined ? "'flux help' lists the commands" : `did you mean 'flux help ${near}'?`;
  throw new CommandError(`there is no manual page for '${name}'`, { hint });
}
