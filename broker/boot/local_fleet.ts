/** Brokers on this machine, as children of `flux start`. */

import type { ExitStatus, Spawner } from "../ports/mod.ts";
import { START_ANEW, START_PID, START_SESSION, START_SOCKET } from "./control.ts";
import type { BrokerWords, Fleet, Started } from "./fleet.ts";
import { processState } from "./process_tree.ts";
import { describeExit } from "./report.ts";

export interface LocalFleetOptions extends BrokerWords {
  readonly size: number;
  readonly hostname: string;
  readonly env: Readonly<Record<string, string>>;
  /** Finds the file for the session's log. */
  logFile(rundir: string): string;
  /** The name of a session that has ranks on other hosts too; none for one that is all here. */
  readonly session?: string;
  readonly spawner: Pick<Spawner, "spawn">;
}

export class LocalFleet implements Fleet {
  readonly size: number;
  readonly isRootHere = true;
  readonly #options: LocalFleetOptions;
  #log: string | undefined;

  constructor(options: LocalFleetOptions) {
    this.#options = options;
    this.size = options.size;
  }

  command(rank: number, rundir: string): string[] {
    return this.#argv(rank, rundir, "cmbd.log");
  }

  /** Rank 0 has our terminal and is in its foreground process group; the others know of no terminal. */
  start(rank: number, rundir: string, anew: boolean): Started {
    const { size, env, hostname, session, logFile, spawner } = this.#options;
    this.#log ??= logFile(rundir);
    const start = {
      [START_SOCKET]: `${rundir}/start`,
      [START_PID]: `${Deno.pid}`,
      ...(session !== undefined && { [START_SESSION]: session }),
      ...(anew && { [START_ANEW]: "1" }),
    };
    const child = spawner.spawn({
      argv: this.#argv(rank, rundir, this.#log),
      env: { ...env, ...start, PMI_SIZE: `${size}`, PMI_RANK: `${rank}` },
      stdin: rank === 0 ? "inherit" : "null",
      stdout: rank === 0 ? "inherit" : "null",
      stderr: "inherit",
      detached: rank > 0,
    });
    return {
      child,
      where: `${hostname}, pid ${child.pid}`,
      isStopped: () => processState(child.pid)?.state === "T",
      obituary: (status: ExitStatus) => [`${rank} (pid ${child.pid}) ${describeExit(status)}`],
    };
  }

  #argv(rank: number, rundir: string, log: string): string[] {
    const { self, brokerArgs, rootArgs } = this.#options;
    const places = [`--scratch-directory=${rundir}`, `--logdest=${log}`];
    return [...self, "broker", ...places, ...brokerArgs, ...rank === 0 ? rootArgs : []];
  }
}
