/** `flux [OPTIONS] COMMAND ARGS`: the options before the command, then the command: built in, else external. */

import { CommandError } from "./command.ts";
import { FRONT_OPTIONS, type FrontOptions, managedEnvironment } from "./environment.ts";
import { type Parsed, parseOptions } from "./options.ts";
import { commandNames, lookup, registry } from "./registry.ts";
import { runCommand } from "./runner.ts";
import type { Surroundings } from "./surroundings.ts";

/** Runs a whole command line; resolves to the exit status. Rejects only when standard error fails. */
export async function frontEnd(words: readonly string[], around: Surroundings): Promise<number> {
  try {
    return await dispatch(parseOptions(FRONT_OPTIONS, words), around);
  } catch (error) {
    const { frontVerdict } = await import("./errors.ts");
    const { text, status } = frontVerdict(error, Boolean(around.env("FLUX_DEBUG")));
    around.complain(text);
    return status;
  }
}

async function dispatch(
  { opts, args }: Parsed<typeof FRONT_OPTIONS>,
  around: Surroundings,
): Promise<number> {
  applyEnvironment(opts, around);
  const name = opts.version ? "version" : args[0];
  const words = opts.help ? ["--help"] : args.slice(1);
  if (name === undefined) return await usage(opts.help, around);
  const entry = lookup(name);
  if (entry) return await runCommand((await entry.load()).default, words, around);
  const { runExternal } = await import("./external.ts");
  await runExternal(name, words, around, (line) => opts.verbose > 0 && around.complain(`flux: ${line}\n`));
  throw await unknownCommand(name, around);
}

function applyEnvironment(opts: FrontOptions, around: Surroundings): void {
  for (const [name, value] of Object.entries(managedEnvironment(opts, around.env))) {
    if (around.env(name) !== value) around.setEnv(name, value);
    if (opts.verbose > 0) around.complain(`${name.padStart(20)}=${value}\n`);
  }
}

/** The list of commands: on standard output when it was asked for, otherwise as an error. */
async function usage(asked: boolean, around: Surroundings): Promise<number> {
  const { frontHelp } = await import("./render/help_text.ts");
  const { externalNames } = await import("./external.ts");
  const externals = externalNames(around.env("FLUX_EXEC_PATH") ?? "").filter((name) => !lookup(name));
  const text = frontHelp(FRONT_OPTIONS, registry, externals, around.columns());
  if (asked) await around.write(new TextEncoder().encode(text));
  else around.complain(text);
  return asked ? 0 : 1;
}

async function unknownCommand(name: string, around: Surroundings): Promise<CommandError> {
  const { nearest } = await import("./suggest.ts");
  const { externalNames } = await import("./external.ts");
  const near = nearest(name, [...commandNames(), ...externalNames(around.env("FLUX_EXEC_PATH") ?? "")]);
  const text = `\`${name}' is not a flux command.  See 'flux --help'`;
  return new CommandError(text, near === undefined ? {} : { hint: `did you mean '${near}'?` });
}
