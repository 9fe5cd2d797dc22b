/** Signals by name and number: Linux, the same on x86-64 and arm64. */

const NAMES = (
  "HUP INT QUIT ILL TRAP ABRT BUS FPE KILL USR1 SEGV USR2 PIPE ALRM TERM STKFLT CHLD CONT STOP TSTP TTIN TTOU URG " +
  "XCPU XFSZ VTALRM PROF WINCH IO PWR SYS"
).split(" ").map((name) => `SIG${name}`);

/** The number of `"SIGTERM"`, `"TERM"` or `"15"`; undefined for what is no signal. */
export function signalNumber(name: string): number | undefined {
  const number = /^\d+$/.test(name) ? Number(name) : NAMES.indexOf(name.startsWith("SIG") ? name : `SIG${name}`) + 1;
  return number > 0 && number <= NAMES.length ? number : undefined;
}

/** `"SIGTERM"` for 15; `"signal 40"` for a number without a name. */
export function signalName(number: number): string {
  return NAMES[number - 1] ?? `signal ${number}`;
}
