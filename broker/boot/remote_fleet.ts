/**
 * Brokers on other hosts, each started by a remote shell (ssh) that stays as long as the broker does: the wire-up travels over
 * its standard streams, and when it ends, so does the broker. Ranks on this machine are children as usual.
 */

import type { Child, ExitStatus, Spawner } from "../ports/mod.ts";
import { LineStream } from "../pmi/mod.ts";
import { CONTROL_LIMIT, START_ANEW, START_SESSION } from "./control.ts";
import { childStream } from "./child_stream.ts";
import type { BrokerWords, Fleet, Started } from "./fleet.ts";
import type { LocalFleet } from "./local_fleet.ts";
import { describeExit } from "./report.ts";
import { quote } from "./quote.ts";
import { remoteLine } from "./remote_line.ts";

/** Asks nothing, and does not wait for ever for a host that is off. */
export const SSH: readonly string[] = ["ssh", "-o", "BatchMode=yes", "-o", "ConnectTimeout=10", "-T"];

/** What helps where the hosts of a session have no keys for each other. */
export const LEND = "the first host needs a key for the others: FLUX_SSH='ssh -A' lends it yours";

export interface RemoteFleetOptions extends BrokerWords {
  /** The host of each rank. */
  readonly hosts: readonly string[];
  /** Ranks on this machine, and who starts them. */
  readonly here: ReadonlySet<number>;
  readonly local: LocalFleet;
  /** What tells this session from all others. */
  readonly session: string;
  /** The words of the remote shell; host and command line follow. */
  readonly rsh: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly spawner: Pick<Spawner, "spawn">;
  readonly verbose: boolean;
  /** `flux start` itself came by a remote shell: it has the user's keys only if they were lent to it. */
  readonly isReached: boolean;
  say(line: string): void;
}

export class RemoteFleet implements Fleet {
  readonly size: number;
  readonly isRootHere = true;
  readonly #options: RemoteFleetOptions;

  constructor(options: RemoteFleetOptions) {
    this.#options = options;
    this.size = options.hosts.length;
  }

  command(rank: number, rundir: string): string[] {
    const { here, local } = this.#options;
    return here.has(rank) ? local.command(rank, rundir) : this.#argv(rank, false);
  }

  start(rank: number, rundir: string, anew: boolean): Started {
    const { here, local, hosts, env, spawner, verbose, isReached, say } = this.#options;
    if (here.has(rank)) return local.start(rank, rundir, anew);
    const argv = this.#argv(rank, anew);
    const child = spawner.spawn({ argv, env, stdin: "piped", stdout: "piped", stderr: "piped", detached: true });
    const host = hosts[rank]!, line = `  ${argv.map(quote).join(" ")}`;
    const complaints = new Complaints(child, (line) => say(`${host}: ${line}`), verbose);
    return {
      child,
      control: new LineStream(childStream(child), CONTROL_LIMIT),
      where: `${host}, ${argv[0]} pid ${child.pid}`,
      line,
      said: () => complaints.last,
      isStopped: () => false,
      obituary: (status: ExitStatus) => [
        `rank ${rank} (${host}): ${argv[0]} ${describeExit(status)}${complaints.last && `: ${complaints.last}`}`,
        line,
        ...(isReached && complaints.last.includes("Permission denied") ? [`  ${LEND}`] : []),
      ],
    };
  }

  #argv(rank: number, anew: boolean): string[] {
    const { hosts, rsh, self, brokerArgs, cwd, env, session } = this.#options;
    const start = { [START_SESSION]: session, PMI_SIZE: `${this.size}`, PMI_RANK: `${rank}` };
    const more = { ...start, ...(anew && { [START_ANEW]: "1" }) };
    return [...rsh, hosts[rank]!, remoteLine({ cwd, env, more, words: [...self, "broker", ...brokerArgs] })];
  }
}

/** What a remote shell says on its standard error: told when there is reason to, and the last line kept. */
class Complaints {
  #last = "";
  /** A line that is not over: who asks for something waits behind it. */
  #held = "";

  constructor(child: Child, tell: (line: string) => void, isVerbose: boolean) {
    void this.#read(child, tell, isVerbose);
  }

  get last(): string {
    return this.#held.trim() || this.#last;
  }

  async #read(child: Child, tell: (line: string) => void, isVerbose: boolean): Promise<void> {
    const text = child.stderr!.pipeThrough(new TextDecoderStream() as ReadableWritablePair<string, Uint8Array>);
    for await (const piece of text) {
      const lines = (this.#held + piece).split(/\r?\n/);
      this.#held = lines.pop()!;
      for (const line of lines) {
        if (line.trim() === "") continue;
        this.#last = line;
        if (isVerbose) tell(line);
      }
    }
  }
}
