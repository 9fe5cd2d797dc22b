/** Commands that are programs of their own: `flux-NAME` in a directory of FLUX_EXEC_PATH, or any path with a slash. */

import { FluxError, isErrno } from "../broker/message/errno.ts";
import { CommandError } from "./command.ts";
import type { Surroundings } from "./surroundings.ts";

const PREFIX = "flux-";

/** Where `flux-NAME` may be, in order. */
export function candidates(name: string, execPath: string): string[] {
  return execPath.split(":").filter(Boolean).map((directory) => `${directory}/${PREFIX}${name}`);
}

/** The names of all external commands, sorted. Directories that cannot be read have none. */
export function externalNames(execPath: string): string[] {
  const names = new Set<string>();
  for (const directory of execPath.split(":").filter(Boolean)) {
    try {
      for (const entry of Deno.readDirSync(directory)) {
        if (entry.name.startsWith(PREFIX) && isProgram(`${directory}/${entry.name}`)) {
          names.add(entry.name.slice(PREFIX.length));
        }
      }
    } catch (error) {
      if (!(error instanceof Error) || !Object.hasOwn(Deno.errors, error.name)) throw error;
    }
  }
  return [...names].sort();
}

/**
 * Becomes the external command `name` with `words`. Returns when there is none; throws CommandError when there is one
 * that cannot be run.
 */
export async function runExternal(
  name: string,
  words: readonly string[],
  around: Surroundings,
  tell: (line: string) => void,
): Promise<void> {
  const paths = name.includes("/") ? [name] : candidates(name, around.env("FLUX_EXEC_PATH") ?? "");
  for (const path of paths) {
    tell(`trying to exec ${path}`);
    if (!name.includes("/") && !isProgram(path)) continue;
    try {
      await around.become([path, ...words]);
    } catch (error) {
      if (!(error instanceof FluxError)) throw error;
      if (!name.includes("/") && isErrno(error, "ENOENT")) continue;
      throw new CommandError(`${path}: ${error.message}`, { cause: error });
    }
  }
}

function isProgram(path: string): boolean {
  try {
    const { isFile, mode } = Deno.statSync(path);
    return isFile && ((mode ?? 0) & 0o111) !== 0;
  } catch {
    return false;
  }
}
