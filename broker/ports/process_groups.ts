/** Signals to whole process groups, and the news that a process was stopped: what Deno has no calls for, from libc. */

import { FluxError } from "../message/mod.ts";
import type { ExitStatus } from "./spawner.ts";

const P_ALL = 0, WNOHANG = 1, WSTOPPED = 2;
const ESRCH = 3;
/** Bytes of `siginfo_t`, and where waitid puts the pid: 64-bit Linux. */
const SIGINFO = 128, SI_PID = 16;

const open = () =>
  Deno.dlopen("libc.so.6", {
    kill: { parameters: ["i32", "i32"], result: "i32" },
    waitid: { parameters: ["u32", "u32", "buffer", "i32"], result: "i32" },
    __errno_location: { parameters: [], result: "pointer" },
  }).symbols;

let symbols: ReturnType<typeof open> | undefined;
const libc = () => symbols ??= open();

/** Sends a signal to every process of a group. False when there is none. Throws EPERM, EINVAL. */
export function signalGroup(group: number, number: number): boolean {
  const { kill, __errno_location } = libc();
  if (kill(-group, number) === 0) return true;
  const errno = new Deno.UnsafePointerView(__errno_location()!).getInt32();
  if (errno === ESRCH) return false;
  throw new FluxError(errno);
}

/** Who wants to know when a child of ours is stopped, by its pid. */
const listeners = new Map<number, () => void>();

/** Calls `listener` whenever the child `pid` is stopped, until it ends. */
export function onStop(pid: number, ended: Promise<ExitStatus>, listener: () => void): void {
  if (listeners.size === 0) Deno.addSignalListener("SIGCHLD", collect);
  listeners.set(pid, listener);
  void ended.finally(() => {
    listeners.delete(pid);
    if (listeners.size === 0) Deno.removeSignalListener("SIGCHLD", collect);
  });
}

/** SIGCHLD may stand for several changes: asks for stopped children until there are no more. Those that ended stay Deno's. */
function collect(): void {
  const { waitid } = libc();
  const info = new Uint8Array(SIGINFO);
  const view = new DataView(info.buffer);
  for (;;) {
    info.fill(0);
    if (waitid(P_ALL, 0, info, WSTOPPED | WNOHANG) !== 0) return;
    const pid = view.getInt32(SI_PID, true);
    if (pid === 0) return;
    listeners.get(pid)?.();
  }
}
