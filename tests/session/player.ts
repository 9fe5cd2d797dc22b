/** A user at a terminal: tests/session/terminal.py plays steps against a command. */

import { assert } from "../assert.ts";

/** What is waited for (a regular expression), what is typed, the terminal closed, or of a new size (rows, columns). */
export type Step = ["expect", string] | ["send", string] | ["hangup"] | ["resize", number, number];

export interface Played {
  readonly status: number | null;
  readonly output: string;
  /** The terminal has its first settings back. */
  readonly restored: boolean;
  readonly failed: Step | null;
}

const player = new URL("./terminal.py", import.meta.url).pathname;

/** Why nothing can be played here; undefined when it can. */
export async function pythonObstacle(): Promise<string | undefined> {
  try {
    const { success } = await new Deno.Command("python3", { args: ["-c", "import pty, termios"] }).output();
    return success ? undefined : "python3 has no pty module";
  } catch {
    return "python3 is not on PATH";
  }
}

/** Plays `steps` against a command; fails with all that was printed when one of them does not come to pass. */
export async function play(
  steps: readonly Step[],
  command: readonly string[],
  env: Record<string, string>,
  cwd: string,
): Promise<Played> {
  const args = [player, JSON.stringify(steps), ...command];
  const { stdout, stderr } = await new Deno.Command("python3", { args, cwd, clearEnv: true, env }).output();
  const text = new TextDecoder().decode(stdout);
  assert(text !== "", new TextDecoder().decode(stderr));
  const played = JSON.parse(text) as Played;
  assert(played.failed === null, `${JSON.stringify(played.failed)} did not come:\n${played.output}`);
  return played;
}
