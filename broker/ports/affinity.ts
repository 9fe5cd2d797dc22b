/** The processors a process may run on. A child inherits those of the thread that forks it, and no program runs before. */

import { FluxError } from "../message/mod.ts";

/** Bytes of a set of processors: as many bits as the kernel may have processors. */
const SET = 1024;

const open = () =>
  Deno.dlopen("libc.so.6", {
    sched_getaffinity: { parameters: ["i32", "usize", "buffer"], result: "i32" },
    sched_setaffinity: { parameters: ["i32", "usize", "buffer"], result: "i32" },
  }).symbols;

let symbols: ReturnType<typeof open> | undefined;

/**
 * Calls `fork` while this thread may run on `cpus` only; undefined changes nothing. Throws EINVAL when there is none of them, or
 * none that this process may use.
 */
export function confined<T>(cpus: readonly number[] | undefined, fork: () => T): T {
  if (!cpus) return fork();
  const { sched_getaffinity, sched_setaffinity } = symbols ??= open();
  const before = new Uint8Array(SET);
  sched_getaffinity(0, BigInt(SET), before);
  const set = new Uint8Array(SET);
  for (const cpu of cpus) set[cpu >> 3]! |= 1 << (cpu & 7);
  if (sched_setaffinity(0, BigInt(SET), set) !== 0) {
    throw new FluxError("EINVAL", `there is no processor ${cpus.join(",")} to run on`);
  }
  try {
    return fork();
  } finally {
    sched_setaffinity(0, BigInt(SET), before);
  }
}
