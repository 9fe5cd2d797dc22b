/** The first words on a connection that is to be a broker's. */

import { FluxError } from "../message/mod.ts";
import type { LineStream } from "../pmi/mod.ts";
import { decodeControl, type Report } from "./control.ts";

/** So many lines of other things may come from a remote shell before the broker's: what the user's start-up files print. */
const GREETING = 100;

/**
 * The rank that says hello; undefined when something else comes first. `isShell` when a shell may have spoken before: its lines are passed
 * over. Throws EPROTO when no broker speaks there, EMSGSIZE when what comes are no lines.
 */
export async function introduction(control: LineStream, isShell: boolean): Promise<number | undefined> {
  for (let passed = 0;; passed++) {
    const line = await control.read();
    const report = line?.startsWith('{"hello":') ? decodeControl<Report>(line) : undefined;
    if (report && "hello" in report) return report.hello;
    if (line === null || !isShell) return undefined;
    if (passed === GREETING) throw new FluxError("EPROTO", `what it says is not a broker's: "${line.slice(0, 80)}"`);
  }
}
