/** The terminal we were started on, put back at the end as it was, whatever the initial program did to it. */

import { isGroupAlive } from "./process_tree.ts";

const SIGTTOU = 22;
const TCSADRAIN = 1;
/** More than `struct termios` has on any Linux, bytes. */
const TERMIOS = 128;

/** Remembers the settings of the terminal on standard input; disposing puts them back. Undefined without a terminal. */
export function saveTerminal(): Disposable | undefined {
  const libc = Deno.dlopen("libc.so.6", {
    tcgetattr: { parameters: ["i32", "buffer"], result: "i32" },
    tcsetattr: { parameters: ["i32", "i32", "buffer"], result: "i32" },
    tcgetpgrp: { parameters: ["i32"], result: "i32" },
    tcsetpgrp: { parameters: ["i32", "i32"], result: "i32" },
    getpgrp: { parameters: [], result: "i32" },
    signal: { parameters: ["i32", "pointer"], result: "pointer" },
  }).symbols;
  const settings = new Uint8Array(TERMIOS);
  const group = libc.getpgrp();
  if (libc.tcgetattr(0, settings) !== 0) return undefined;
  return {
    [Symbol.dispose]() {
      const foreground = libc.tcgetpgrp(0);
      // Another living group has the terminal now, such as the shell that has put us into the background: leave it alone.
      if (foreground !== group && (foreground < 0 || isGroupAlive(foreground))) return;
      // Who is in the background is stopped for touching the terminal, unless it ignores that signal.
      const previous = libc.signal(SIGTTOU, Deno.UnsafePointer.create(1n));
      if (foreground !== group) libc.tcsetpgrp(0, group);
      libc.tcsetattr(0, TCSADRAIN, settings);
      libc.signal(SIGTTOU, previous);
    },
  };
}
