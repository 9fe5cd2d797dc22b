/** `flux completion SHELL`: a script that teaches a shell the commands and options, made from their declarations. */

import { FRONT_OPTIONS } from "./environment.ts";
import { childLeaf, type Leaf, ownSubcommands, rootLeaf } from "./leaf.ts";
import { command, UsageError } from "./mod.ts";
import { commandNames, registry } from "./registry.ts";
import { bashScript } from "./render/completion_bash.ts";
import { fishScript } from "./render/completion_fish.ts";
import { zshScript } from "./render/completion_zsh.ts";
import type { Grammar, Place } from "./render/completion.ts";

const SCRIPTS = { bash: bashScript, zsh: zshScript, fish: fishScript } as const;

const isShell = (word: string | undefined): word is keyof typeof SCRIPTS =>
  word !== undefined && Object.hasOwn(SCRIPTS, word);

export default command({
  name: "completion",
  summary: "Print a script for shell completion",
  usage: ["[OPTIONS] bash|zsh|fish"],
  options: {},
  complete: ["bash", "zsh", "fish"],
  async *run({ args: [shell, ...rest] }) {
    if (shell === undefined) throw new UsageError("name a shell: bash, zsh or fish");
    if (!isShell(shell)) throw new UsageError(`unknown shell: ${shell}`);
    if (rest.length > 0) throw new UsageError("completion accepts one argument");
    yield SCRIPTS[shell](await grammar());
  },
});

/** Every command with its options, from the registry. */
export async function grammar(): Promise<Grammar> {
  const places: Place[] = [{
    path: [],
    summary: "",
    options: FRONT_OPTIONS,
    words: commandNames().map((name) => [name, registry[name]!.summary]),
    complete: "command",
  }];
  for (const name of commandNames()) {
    places.push(...placesOf([name], rootLeaf((await registry[name]!.load()).default)));
  }
  return { places };
}

/** A command, then its subcommands. */
function placesOf(path: readonly string[], leaf: Leaf): Place[] {
  const { summary, complete = "file" } = leaf.command;
  const children = ownSubcommands(leaf.command);
  const words = children.map((child) => [child.name, child.summary] as const);
  return [
    { path, summary, options: leaf.table, words, complete },
    ...children.flatMap((child) => placesOf([...path, child.name], childLeaf(leaf, child))),
  ];
}
