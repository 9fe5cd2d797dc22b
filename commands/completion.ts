/** `flux completion SHELL`: a script that teaches a shell the commands and options, made from their declarations. */

import { FRONT_OPTIONS } from "./environment.ts";
import { childLeaf, ownSubcommands, rootLeaf } from "./leaf.ts";
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
    const root = rootLeaf((await registry[name]!.load()).default);
    const children = ownSubcommands(root.command);
    places.push({
      path: [name],
      summary: root.command.summary,
      options: root.table,
      words: children.map((child) => [child.name, child.summary]),
      complete: root.command.complete ?? "file",
    });
    for (const child of children) {
      const { table } = childLeaf(root, child);
      const complete = child.complete ?? "file";
      places.push({ path: [name, child.name], summary: child.summary, options: table, words: [], complete });
    }
  }
  return { places };
}
