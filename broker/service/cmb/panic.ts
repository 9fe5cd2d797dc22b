/** Ending a broker at once, as a crash would: nothing is told to anyone and nothing is cleaned up. */

import { type Methods, optionalString } from "../../handle/mod.ts";

/** What a panic does to the process: prints the line, and exits with the status. */
export type Halt = (line: string, status: number) => void;

const STATUS = 1;

/** The process itself. */
export const haltProcess: Halt = (line, status) => {
  try {
    Deno.stderr.writeSync(new TextEncoder().encode(`${line}\n`));
  } finally {
    Deno.exit(status);
  }
};

/** `cmb.panic {"msg":s?}`: prints `PANIC: MSG` and exits with status 1. It is not answered. */
export function panicService(halt: Halt = haltProcess): Methods {
  return {
    "cmb.panic": ({ payload }) => halt(`PANIC: ${optionalString(payload, "msg") ?? "no reason"}`, STATUS),
  };
}
