/** How a process ended, as the status word of wait(2) and as the code a shell makes of it. */

import type { ExitStatus } from "./spawner.ts";

/** The word: 768 for exit 3, 2 for an end by SIGINT. Whether there was a core dump is not known. */
export function waitStatus({ code, signal }: ExitStatus): number {
  return signal === null ? (code & 0xff) << 8 : code - 128;
}

/** The signal that ended a process, by number; 0 when it ended by itself. */
export function signalOf(word: number): number {
  return word & 0x7f;
}

/** What a shell calls the status: the exit code, or 128 and the signal's number. */
export function exitCode(word: number): number {
  const signal = signalOf(word);
  return signal === 0 ? word >> 8 & 0xff : 128 + signal;
}

/** `exited with exit code 1`, `exited with signal 14`. */
export function howEnded(word: number): string {
  const signal = signalOf(word);
  return signal > 0 ? `exited with signal ${signal}` : `exited with exit code ${exitCode(word)}`;
}
