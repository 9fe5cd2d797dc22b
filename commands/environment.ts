/**
 * The environment variables that the front end sets for what it runs: explicit options first, then what is there
 * already, then defaults (cli.md §1.2).
 */

import type { OptionTable, ParsedOptions } from "./options.ts";

/** The options in front of the command's name. */
export const FRONT_OPTIONS = {
  help: { short: "h", type: "flag", help: "Display this message, or the help of COMMAND" },
  "trace-handle": { short: "t", type: "flag", help: "Print every message sent and received (FLUX_HANDLE_TRACE=1)" },
  "exec-path": {
    short: "x",
    type: "list",
    arg: "PATH",
    help: "Look for external commands in PATH first",
    complete: "directory",
  },
  config: { short: "c", type: "string", arg: "DIR", help: "Set the configuration directory", complete: "directory" },
  secdir: { short: "S", type: "string", arg: "DIR", help: "Set the directory of the keys", complete: "directory" },
  uri: { short: "u", type: "string", arg: "URI", help: "Talk to the broker at URI (FLUX_URI)" },
  verbose: { short: "v", type: "count", help: "Show the environment and the search for external commands" },
  version: { short: "V", type: "flag", help: "Print the version, as 'flux version' does" },
} as const satisfies OptionTable;

export type FrontOptions = ParsedOptions<typeof FRONT_OPTIONS>;

/** Every variable the front end manages that has a value, by name. `env` is the environment as it is. */
export function managedEnvironment(
  opts: FrontOptions,
  env: (name: string) => string | undefined,
): Record<string, string> {
  const home = env("HOME");
  const conf = opts.config ?? (env("FLUX_CONF_DIRECTORY") || (home && `${home}/.flux`));
  const secdir = opts.secdir ?? ((opts.config === undefined && env("FLUX_SEC_DIRECTORY")) || conf);
  const values = {
    FLUX_CONF_DIRECTORY: conf,
    FLUX_EXEC_PATH: searchPath([...opts["exec-path"], env("FLUX_EXEC_PATH")]),
    FLUX_HANDLE_TRACE: opts["trace-handle"] ? "1" : env("FLUX_HANDLE_TRACE"),
    FLUX_MODULE_PATH: searchPath([env("FLUX_MODULE_PATH")]),
    FLUX_SEC_DIRECTORY: secdir,
    FLUX_URI: opts.uri ?? env("FLUX_URI"),
  };
  return Object.fromEntries(Object.entries(values).filter((pair): pair is [string, string] => Boolean(pair[1])));
}

/** Colon lists as one, each directory once, at its first place. */
export function searchPath(lists: readonly (string | undefined)[]): string {
  return [...new Set(lists.flatMap((list) => list?.split(":") ?? []).filter(Boolean))].join(":");
}
