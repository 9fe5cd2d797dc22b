/** Processes of this machine. */

import { errname, errnum, FluxError, strerror } from "../message/mod.ts";
import { confined } from "./affinity.ts";
import { onStop, signalGroup } from "./process_groups.ts";
import { signalName } from "./signals.ts";
import { type SocketPair, socketPair } from "./socket_pairs.ts";
import type { Child, ExitStatus, Spawner, SpawnOptions, Task, TaskOptions } from "./spawner.ts";

export const systemSpawner: Spawner = {
  spawn(options: SpawnOptions): Child {
    const child = start(options);
    return {
      ...ends(child, options),
      kill(signal) {
        try {
          child.kill(signal as Deno.Signal);
        } catch (error) {
          if (!hasEnded(error)) throw error;
        }
      },
    };
  },

  async spawnTask(options: TaskOptions): Promise<Task> {
    const { terminal } = options;
    if (terminal) return (await import("./terminal_spawner.ts")).spawnOnTerminal({ ...options, terminal });
    const pairs: SocketPair[] = [];
    const { channels = [], cpus, env, ...rest } = options;
    let child: Deno.ChildProcess;
    try {
      for (const _ of channels) pairs.push(await socketPair());
      // One turn, so that no other task gets them too.
      for (const pair of pairs) pair.bequeath();
      const numbers = Object.fromEntries(channels.map((name, i) => [name, `${pairs[i]!.fd}`]));
      child = confined(cpus, () => start({ ...rest, env: { ...env, ...numbers }, detached: true }));
    } catch (error) {
      for (const { conn } of pairs) conn.close();
      throw error;
    } finally {
      for (const pair of pairs) pair.release();
    }
    const { pid } = child;
    const parts = ends(child, options);
    return {
      ...parts,
      channels: pairs.map(({ conn }) => conn),
      signal: (number) => signalGroup(pid, number),
      onStop: (listener) => onStop(pid, parts.status, listener),
    };
  },
};

function start({ argv, cwd, ...rest }: SpawnOptions): Deno.ChildProcess {
  const [program = "", ...args] = argv;
  try {
    return new Deno.Command(program, { args, clearEnv: true, ...(cwd !== undefined && { cwd }), ...rest }).spawn();
  } catch (error) {
    throw explainStart(error, program, cwd);
  }
}

function ends(child: Deno.ChildProcess, { stdin, stdout, stderr }: Pick<SpawnOptions, "stdin" | "stdout" | "stderr">) {
  return {
    pid: child.pid,
    status: exitStatus(child.status),
    stdin: stdin === "piped" ? child.stdin : null,
    stdout: stdout === "piped" ? child.stdout : null,
    stderr: stderr === "piped" ? child.stderr : null,
  };
}

/** Deno has no names for real-time signals and fails to report them; the number is in what it says. */
async function exitStatus(status: Promise<Deno.CommandStatus>): Promise<ExitStatus> {
  try {
    const { code, signal } = await status;
    return { code, signal };
  } catch (error) {
    const number = Number(/Invalid signal: (\d+)/.exec(error instanceof Error ? error.message : "")?.[1]);
    if (!number) throw error;
    return { code: 128 + number, signal: signalName(number) };
  }
}

/** `kill` of a child whose end Deno has already seen throws one of these. */
function hasEnded(error: unknown): boolean {
  return error instanceof TypeError || error instanceof Deno.errors.NotFound;
}

/** What went wrong, told of the thing that is at fault: the directory, the program, or its interpreter. */
export function explainStart(error: unknown, program: string, cwd: string | undefined): FluxError {
  const errno = cwd === undefined ? undefined : refusalOf(cwd);
  if (errno !== undefined) return new FluxError(errno, `${cwd}: ${strerror(errnum(errno))}`, { cause: error });
  if (error instanceof Deno.errors.PermissionDenied) {
    const why = isDirectory(program) ? "Is a directory" : strerror(errnum("EACCES"));
    return new FluxError("EACCES", `${program}: ${why}`, { cause: error });
  }
  if (error instanceof Deno.errors.NotFound) {
    const why = program.includes("/") && exists(program)
      ? "its interpreter does not exist"
      : strerror(errnum("ENOENT"));
    return new FluxError("ENOENT", `${program === "" ? "''" : program}: ${why}`, { cause: error });
  }
  const number = osError(error) ?? errnum("EINVAL");
  return new FluxError(number, `${program}: ${errname(number) ? strerror(number) : String(error)}`, { cause: error });
}

function osError(error: unknown): number | undefined {
  const found = /\(os error (\d+)\)/.exec(error instanceof Error ? error.message : "");
  return found ? Number(found[1]) : undefined;
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

function isDirectory(path: string): boolean {
  try {
    return Deno.statSync(path).isDirectory;
  } catch {
    return false;
  }
}

function exists(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch {
    return false;
  }
}
