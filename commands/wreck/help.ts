/** `flux wreck help`: the help of one of its commands, or of all. */

import { childLeaf, ownSubcommands, rootLeaf } from "../leaf.ts";
import { type Command, command, CommandError } from "../mod.ts";

export const help = command({
  name: "help",
  summary: "Show the help of a command",
  usage: ["[COMMAND]"],
  options: {},
  async *run({ args }): AsyncGenerator<string, void> {
    const [name] = args;
    const [{ commandHelp }, { system }] = await Promise.all([
      import("../render/help_text.ts"),
      import("../surroundings.ts"),
    ]);
    const wreck: Command = (await import("../wreck.ts")).default;
    const root = rootLeaf(wreck);
    const child = ownSubcommands(wreck).find((one) => one.name === name);
    if (name !== undefined && !child) {
      throw new CommandError(`Error: Unknown command: ${name}`, { hint: "'flux wreck help' lists them" });
    }
    yield commandHelp(child ? childLeaf(root, child) : root, system.columns()).trimEnd();
  },
});
