/** Why a program could not be started, in words. */

import { errname, errnum, FluxError, strerror } from "../message/mod.ts";
import { exists, isDirectory } from "./paths.ts";

/** What went wrong, told of the thing that is at fault: the directory, the program, or its interpreter. */
export function explainStart(error: unknown, program: string, cwd: string | undefined): FluxError {
  const errno = cwd === undefined ? undefined : refusalOf(cwd);
  if (errno !== undefined) return new FluxError(errno, `${cwd}: ${strerror(errnum(errno))}`, { cause: error });
  const number = errnoOf(error);
  const say = (why: string) => new FluxError(number, `${program === "" ? "''" : program}: ${why}`, { cause: error });
  if (number === errnum("EACCES") && isDirectory(program)) return say("Is a directory");
  if (number === errnum("ENOENT") && program.includes("/") && exists(program)) {
    return say("its interpreter does not exist");
  }
  return say(errname(number) ? strerror(number) : String(error));
}

/** The status of a task that could not be started, as a shell has it: 126 for what may or can not be run, 127 for what is not there. */
export function startStatus({ code }: FluxError): number {
  return ["EACCES", "EPERM", "ENOEXEC"].includes(code) ? 126 : 127;
}

/** Of an error of ours or of Deno's; EINVAL for what Deno does not explain. */
function errnoOf(error: unknown): number {
  if (error instanceof FluxError) return error.errnum;
  if (error instanceof Deno.errors.PermissionDenied) return errnum("EACCES");
  if (error instanceof Deno.errors.NotFound) return errnum("ENOENT");
  const found = /\(os error (\d+)\)/.exec(error instanceof Error ? error.message : "");
  return found ? Number(found[1]) : errnum("EINVAL");
}

/** Why a process cannot start in `path`; undefined when it can. */
function refusalOf(path: string): "ENOENT" | "ENOTDIR" | "EACCES" | undefined {
  try {
    Deno.statSync(`${path}/.`);
    return undefined;
  } catch (error) {
    if (error instanceof Deno.errors.PermissionDenied) return "EACCES";
    return exists(path) ? "ENOTDIR" : "ENOENT";
  }
}
