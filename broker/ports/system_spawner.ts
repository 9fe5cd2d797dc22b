/** Processes of this machine. */

import { confined } from "./affinity.ts";
import { posixChild } from "./posix_child.ts";
import { hasPosixSpawn } from "./posix_spawn.ts";
import { onStop, signalGroup } from "./process_groups.ts";
import { signalName } from "./signals.ts";
import { type SocketPair, socketPair } from "./socket_pairs.ts";
import type { Child, ExitStatus, Spawner, SpawnOptions, Task, TaskOptions } from "./spawner.ts";
import { explainStart } from "./start_error.ts";

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
    const { channels = [], cpus, ...rest } = options;
    let child: Omit<Child, "kill">;
    try {
      for (const _ of channels) pairs.push(await socketPair());
      // One turn, so that no other task gets them too.
      for (const pair of pairs) pair.bequeath();
      const numbers = Object.fromEntries(channels.map((name, i) => [name, `${pairs[i]!.fd}`]));
      child = confined(cpus, () => startTask({ ...rest, env: { ...options.env, ...numbers } }));
    } catch (error) {
      for (const { conn } of pairs) conn.close();
      throw error;
    } finally {
      for (const pair of pairs) pair.release();
    }
    const { pid, status } = child;
    return {
      ...child,
      channels: pairs.map(({ conn }) => conn),
      signal: (number) => signalGroup(pid, number),
      onStop: (listener) => onStop(pid, status, listener),
    };
  },
};

/** In a session of its own. */
function startTask(options: Omit<TaskOptions, "channels" | "cpus">): Omit<Child, "kill"> {
  if (!hasPosixSpawn()) return ends(start({ ...options, detached: true }), options);
  try {
    return posixChild(options);
  } catch (error) {
    throw explainStart(error, options.argv[0] ?? "", options.cwd);
  }
}

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
