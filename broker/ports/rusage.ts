/** The door to what the system counted of this process: getrusage(2), through libc. */

import { FluxError } from "../message/mod.ts";

/** Whose resources: of the whole process, of its children that ended, of the calling thread. */
export type Who = "self" | "children" | "thread";

/** The fields of `struct rusage` that follow the two times, in its order. */
const COUNTS = [
  "maxrss",
  "ixrss",
  "idrss",
  "isrss",
  "minflt",
  "majflt",
  "nswap",
  "inblock",
  "oublock",
  "msgsnd",
  "msgrcv",
  "nsignals",
  "nvcsw",
  "nivcsw",
] as const;

/** Times are in seconds, `maxrss` in KiB; the names are those of getrusage(2) without `ru_`. */
export type Rusage = Record<typeof COUNTS[number] | "utime" | "stime", number>;

const WHO: Readonly<Record<Who, number>> = { self: 0, children: -1, thread: 1 };

let getrusage: ((who: number, usage: Uint8Array<ArrayBuffer>) => number) | undefined;

/** Asks the system. Throws ENOSYS where there is no such call. */
export function readRusage(who: Who): Rusage {
  getrusage ??= load();
  const words = new BigInt64Array(4 + COUNTS.length);
  if (getrusage(WHO[who], new Uint8Array(words.buffer)) !== 0) {
    throw new FluxError("EINVAL", `getrusage of ${who} failed`);
  }
  const seconds = (at: number) => Number(words[at]) + Number(words[at + 1]) / 1e6;
  const counts = COUNTS.map((name, i) => [name, Number(words[4 + i])] as const);
  return {
    utime: seconds(0),
    stime: seconds(2),
    ...Object.fromEntries(counts) as Record<typeof COUNTS[number], number>,
  };
}

function load(): (who: number, usage: Uint8Array<ArrayBuffer>) => number {
  try {
    const library = Deno.dlopen("libc.so.6", { getrusage: { parameters: ["i32", "buffer"], result: "i32" } });
    return library.symbols.getrusage;
  } catch (error) {
    throw new FluxError("ENOSYS", `getrusage is not available: ${error instanceof Error ? error.message : error}`);
  }
}
