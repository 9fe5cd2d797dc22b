/**
 * Tasks with channels. `Deno.Command` gives a child three descriptors and no more; the compatible API of Node gives it
 * sockets from 3 on, at 11 ms for loading it and half the speed. Loaded only where somebody asks for channels.
 */

import { type ChildProcess, spawn } from "node:child_process";
import { Duplex, Readable, Writable } from "node:stream";
import { FluxError } from "../message/mod.ts";
import { confined } from "./affinity.ts";
import { onStop, signalGroup } from "./process_groups.ts";
import { signalNumber } from "./signals.ts";
import type { ExitStatus, Task, TaskChannel, TaskOptions } from "./spawner.ts";
import { explainStart } from "./system_spawner.ts";

/** Throws as `Spawner.spawnTask` does. */
export async function spawnWithChannels(options: TaskOptions): Promise<Task> {
  const { argv, cwd, env, stdin, stdout, stderr, channels = 0, cpus } = options;
  const [program = "", ...args] = argv;
  const as = (kind: "inherit" | "piped" | "null"): "pipe" | "ignore" | "inherit" =>
    kind === "piped" ? "pipe" : kind === "null" ? "ignore" : kind;
  const stdio = [as(stdin), as(stdout), as(stderr), ...Array<"pipe">(channels).fill("pipe")];
  let child: ChildProcess;
  try {
    const how = { env, detached: true, stdio, ...(cwd !== undefined && { cwd }) };
    child = confined(cpus, () => spawn(program, args, how));
    await spawned(child);
  } catch (error) {
    throw explainStart(error, program, cwd);
  }
  const pid = child.pid!;
  const status = exitStatus(child);
  return {
    pid,
    status,
    stdin: child.stdin && writable(child.stdin),
    stdout: child.stdout && readable(child.stdout),
    stderr: child.stderr && readable(child.stderr),
    channels: child.stdio.slice(3).map((socket) => channel(socket)),
    signal: (number) => signalGroup(pid, number),
    onStop: (listener) => onStop(pid, status, listener),
  };
}

function spawned(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    child.once("spawn", resolve);
    child.once("error", (error) => reject(asDenoError(error)));
  });
}

/** Node says ENOENT in words of its own. */
function asDenoError(error: Error & { code?: string }): Error {
  if (error.code === "ENOENT") return new Deno.errors.NotFound(error.message);
  if (error.code === "EACCES") return new Deno.errors.PermissionDenied(error.message);
  return error;
}

function exitStatus(child: ChildProcess): Promise<ExitStatus> {
  return new Promise((resolve) =>
    child.once("exit", (code, signal) => {
      resolve({ code: signal === null ? code ?? 0 : 128 + (signalNumber(signal) ?? 0), signal });
    })
  );
}

function channel(socket: unknown): TaskChannel {
  if (!(socket instanceof Duplex)) throw new FluxError("ENOTSUP", "this runtime gives tasks no channels");
  return { readable: readable(socket), writable: writable(socket) };
}

function readable(stream: Readable): ReadableStream<Uint8Array> {
  return Readable.toWeb(stream) as ReadableStream<Uint8Array>;
}

function writable(stream: Writable): WritableStream<Uint8Array> {
  return Writable.toWeb(stream) as WritableStream<Uint8Array>;
}
