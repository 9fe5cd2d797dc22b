/**
 * Tasks on a terminal of their own: the prebuilt addon of npm:@lydell/node-pty makes the pseudo-terminal and forks; its
 * JavaScript is not used. Loaded only where somebody asks for a terminal, since `node:` built-ins cost 30 ms.
 */

import { createRequire } from "node:module";
import { ReadStream } from "node:tty";
import { FluxError } from "../message/mod.ts";
import { confined } from "./affinity.ts";
import { isDirectory, isFile } from "./paths.ts";
import { onStop, signalGroup } from "./process_groups.ts";
import { signalName } from "./signals.ts";
import type { ExitStatus, Task, TaskOptions, TerminalSize } from "./spawner.ts";
import { explainStart } from "./start_error.ts";

interface Addon {
  /** `uid` and `gid` -1: those of this process. The child is the leader of a session on the terminal. */
  fork(
    file: string,
    args: readonly string[],
    env: readonly string[],
    cwd: string,
    columns: number,
    rows: number,
    uid: number,
    gid: number,
    utf8: boolean,
    helper: string,
    onExit: (code: number, signal: number) => void,
  ): { fd: number; pid: number };
  resize(fd: number, columns: number, rows: number): void;
}

/** Throws as `Spawner.spawnTask` does; ENOENT, too, when the addon is not beside the program. */
export function spawnOnTerminal(options: TaskOptions & { terminal: TerminalSize }): Task {
  const { argv, cwd = Deno.cwd(), env, cpus, terminal: { columns, rows } } = options;
  const [program = "", ...args] = argv;
  expectRunnable(program, cwd, env.PATH ?? "");
  const addon = load();
  const ended = Promise.withResolvers<ExitStatus>();
  const words = Object.entries(env).map(([name, value]) => `${name}=${value}`);
  const onExit = (code: number, signal: number) =>
    ended.resolve(signal === 0 ? { code, signal: null } : { code: 128 + signal, signal: signalName(signal) });
  const fork = () => addon.fork(program, args, words, cwd, columns, rows, -1, -1, true, "", onExit);
  const { fd, pid } = confined(cpus, fork);
  const socket = new ReadStream(fd);
  // Once the terminal is closed its descriptor may be that of something else.
  let open = true;
  for (const event of ["close", "error"]) socket.on(event, () => open = false);
  let runs = true;
  void ended.promise.then(() => open = runs = false);
  return {
    pid,
    status: ended.promise,
    stdin: input(socket),
    stdout: output(socket),
    stderr: null,
    channels: [],
    // For a moment behind the fork its session, and with it the group, is not there: then the process alone is meant.
    signal: (number) => signalGroup(pid, number) || (runs && signalGroup(-pid, number)),
    onStop: (listener) => onStop(pid, ended.promise, listener),
    resize(size) {
      if (open) addon.resize(fd, size.columns, size.rows);
    },
  };
}

let loaded: Addon | undefined;

function load(): Addon {
  return loaded ??= createRequire(import.meta.url)(addonPath()) as Addon;
}

/** `pty.node` beside the program, where the packed executable has it; else, in development, that in node_modules. */
function addonPath(): string {
  const here = import.meta.dirname ?? "";
  const arch = Deno.build.arch === "aarch64" ? "arm64" : "x64";
  const beside = `${here}/pty.node`;
  const development = `${here}/../../node_modules/.deno/node_modules/@lydell/node-pty-linux-${arch}/pty.node`;
  for (const path of [beside, development]) if (isFile(path)) return path;
  throw new FluxError("ENOENT", `the terminal addon is not beside the program (${beside})`);
}

/** The end of the terminal (its last process has gone) is the end of the stream. */
function output(socket: ReadStream): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start(controller) {
      let open = true;
      const end = () => {
        if (open) controller.close();
        open = false;
      };
      socket.on("data", (bytes: Uint8Array) => {
        if (!open) return;
        controller.enqueue(bytes);
        if ((controller.desiredSize ?? 0) <= 0) socket.pause();
      });
      socket.on("error", end);
      socket.on("close", end);
    },
    pull: () => void socket.resume(),
    cancel: () => void socket.destroy(),
  });
}

function input(socket: ReadStream): WritableStream<Uint8Array> {
  return new WritableStream({
    write: (bytes) =>
      new Promise((resolve, reject) => socket.write(bytes, (error) => error ? reject(error) : resolve())),
  });
}

/** The child could only say in words on its terminal why it does not run. */
function expectRunnable(program: string, cwd: string, path: string): void {
  const candidates = program.includes("/")
    ? [program.startsWith("/") ? program : `${cwd}/${program}`]
    : path.split(":").map((directory) => `${directory || cwd}/${program}`);
  let refusal: Error = new Deno.errors.NotFound(program);
  for (const candidate of candidates) {
    try {
      const { isFile, mode } = Deno.statSync(candidate);
      if (isFile && ((mode ?? 0) & 0o111) !== 0 && isDirectory(cwd)) return;
      refusal = new Deno.errors.PermissionDenied(candidate);
    } catch {
      // Not this one.
    }
  }
  throw explainStart(refusal, program, cwd);
}
