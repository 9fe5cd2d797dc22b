/** `flux env`: the environment that flux commands run in (cli.md §1.3). */

import { FluxError } from "../broker/message/errno.ts";
import { FRONT_OPTIONS, managedEnvironment } from "./environment.ts";
import { command, CommandError } from "./mod.ts";
import { parseOptions } from "./options.ts";
import { system } from "./surroundings.ts";

export default command({
  name: "env",
  summary: "Print the environment of flux commands, or run one in it",
  usage: ["[OPTIONS]", "[OPTIONS] COMMAND [ARGS]"],
  options: {},
  prog: "flux",
  json: "array",
  async *run({ args }) {
    if (args.length > 0) {
      try {
        await system.become(args);
      } catch (error) {
        if (!(error instanceof FluxError)) throw error;
        throw new CommandError(`execvp (${args[0]}): ${error.message}`, { cause: error });
      }
    }
    // The front end's own options are in the environment by now.
    const values = managedEnvironment(parseOptions(FRONT_OPTIONS, []).opts, system.env);
    for (const [name, value] of Object.entries(values)) yield { name, value };
  },
  human: ({ name, value }) => `${name}=${value}`,
});
