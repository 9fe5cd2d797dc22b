/**
 * Becoming another program, as `execvp` does: same process, same terminal, so that signals, job control and the exit
 * status are the program's own. Deno has no call for it; the C library has.
 */

import { FluxError } from "../broker/message/errno.ts";

const SIGPIPE = 13;
const SIG_DFL = null;

/**
 * Replaces this process by `words[0]`, looked up on PATH unless it has a slash, with `words` as its arguments and the
 * present environment. Throws ENOENT, EACCES, … when that fails.
 */
export function execProgram(words: readonly string[]): never {
  const libc = Deno.dlopen("libc.so.6", {
    execvp: { parameters: ["buffer", "buffer"], result: "i32" },
    signal: { parameters: ["i32", "pointer"], result: "pointer" },
    __errno_location: { parameters: [], result: "pointer" },
  }).symbols;
  const strings = words.map((word) => new TextEncoder().encode(word + "\0"));
  const argv = new BigUint64Array(words.length + 1);
  for (const [i, string] of strings.entries()) {
    argv[i] = BigInt(Deno.UnsafePointer.value(Deno.UnsafePointer.of(string)));
  }
  // Deno ignores SIGPIPE, and an ignored signal stays ignored across exec.
  libc.signal(SIGPIPE, SIG_DFL);
  libc.execvp(strings[0]!, argv);
  throw new FluxError(new Deno.UnsafePointerView(libc.__errno_location()!).getInt32());
}
