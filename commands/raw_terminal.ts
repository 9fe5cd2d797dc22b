/** The terminal on standard input without any processing, both ways; Deno's own raw mode still changes what is written. */

const TCSADRAIN = 1;
/** More than `struct termios` has on any Linux, bytes. */
const TERMIOS = 128;

/** Takes all processing away; the result puts the terminal back as it was. */
export function makeRaw(): () => void {
  const libc = Deno.dlopen("libc.so.6", {
    tcgetattr: { parameters: ["i32", "buffer"], result: "i32" },
    tcsetattr: { parameters: ["i32", "i32", "buffer"], result: "i32" },
    cfmakeraw: { parameters: ["buffer"], result: "void" },
  }).symbols;
  const before = new Uint8Array(TERMIOS);
  libc.tcgetattr(0, before);
  const raw = before.slice();
  libc.cfmakeraw(raw);
  libc.tcsetattr(0, TCSADRAIN, raw);
  return () => void libc.tcsetattr(0, TCSADRAIN, before);
}
