/** Rank 0's initial program: started, watched, signalled and ended. */

import { FluxError } from "../message/mod.ts";
import type { Child, Clock, ExitStatus, Spawner } from "../ports/mod.ts";
import { killTree, ofSession } from "./process_tree.ts";

/** The same signal from two sides is one within this time, ms. */
const ECHO = 500;
/** How much later than ours a terminal's interrupt may be noticed, ms. */
const NOTICE = 200;

/** Who says that the program is to end: a signal to this process, or whoever started it. */
export type Source = "signal" | "order";

export interface ProgramOptions {
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly clock: Clock;
  readonly spawner: Pick<Spawner, "spawn">;
  /** How long it has to end after it was told to, ms. */
  readonly patience: number;
  /** The run directory that is named in the environment of all it starts. */
  readonly rundir: string;
}

export class Program {
  readonly #options: ProgramOptions;
  readonly #child: Child;
  /** When the terminal last interrupted us, and so the program as well: `clock.now()`. */
  #terminal = -Infinity;
  #told: { readonly at: number; readonly by: Source } | undefined;
  #ended = false;

  /** Starts it on our own standard streams. Throws FluxError ENOENT, EACCES … */
  constructor(options: ProgramOptions) {
    this.#options = options;
    const { argv, env } = options;
    this.#child = options.spawner.spawn({ argv, env, stdin: "inherit", stdout: "inherit", stderr: "inherit" });
    void this.#child.status.then(() => this.#ended = true);
  }

  get pid(): number {
    return this.#child.pid;
  }

  get status(): Promise<ExitStatus> {
    return this.#child.status;
  }

  /** We were interrupted by our process group's terminal, which has interrupted the program too. */
  interruptedByTerminal(): void {
    this.#terminal = this.#options.clock.now();
  }

  /**
   * Tells the program to end by `signal`, and makes it after a while; told again, at once. An interrupt is left alone when
   * the terminal has sent it to the program itself.
   */
  async tell(signal: string, by: Source): Promise<"program" | "terminal"> {
    const { clock, patience } = this.#options;
    if (signal === "SIGINT" && await this.#fromTerminal()) return "terminal";
    const before = this.#told;
    const at = clock.now();
    if (before && before.by !== by && at - before.at < ECHO) return "program";
    this.#told = { at, by };
    if (before) {
      this.kill();
      return "program";
    }
    if (!this.#ended) this.#child.kill(signal);
    const timer = clock.after(patience, () => this.kill());
    void this.#child.status.then(() => timer.cancel());
    return "program";
  }

  /** The session ends for another reason than the program's end: the program is told so, as when a terminal hangs up. */
  end(): void {
    if (!this.#ended && !this.#told) void this.tell("SIGHUP", "order");
  }

  /** Sends a signal to the program alone, without regard to how the session goes on. Throws ESRCH when it has ended. */
  signal(name: string): void {
    if (this.#ended) throw new FluxError("ESRCH");
    this.#child.kill(name);
  }

  /** Ends it and all it has started, now. */
  kill(): void {
    killTree(this.pid, ofSession(this.#options.rundir));
  }

  async #fromTerminal(): Promise<boolean> {
    const { clock } = this.#options;
    const recent = () => clock.now() - this.#terminal < ECHO;
    if (!recent()) await new Promise<void>((resolve) => clock.after(NOTICE, resolve));
    return recent();
  }
}
