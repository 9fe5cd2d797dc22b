/** `flux start --hosts` where the first host is another machine: the same `flux start` runs there, with our terminal. */

import { signalNumber, type Spawner } from "../ports/mod.ts";
import { START_HOST } from "./control.ts";
import { makeLastWill } from "./last_will.ts";
import { quote } from "./quote.ts";
import { remoteLine } from "./remote_line.ts";
import { LEND } from "./remote_fleet.ts";
import { describeExit } from "./report.ts";
import { saveTerminal } from "./terminal.ts";

/** The status of ssh for what went wrong with ssh itself. */
const SSH_FAILED = 255;

export interface FirstHostOptions {
  readonly host: string;
  /** The words of the remote shell; host and command line follow. */
  readonly rsh: readonly string[];
  /** Both standard input and output are a terminal: so they are there. */
  readonly isTerminal: boolean;
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  /** The words of `flux start` there. */
  readonly words: readonly string[];
}

/**
 * The words that start the session on the host. It is told by what name it was reached ({@link START_HOST}): that host is itself,
 * whatever it calls itself, and it goes to no other.
 */
export function firstHostCommand({ host, rsh, isTerminal, cwd, env, words }: FirstHostOptions): string[] {
  const more = { ...(env.FLUX_SSH !== undefined && { FLUX_SSH: env.FLUX_SSH }), [START_HOST]: host };
  // Other remote shells may not know the option.
  const terminal = isTerminal && /(^|\/)ssh$/.test(rsh[0]!) ? ["-t"] : [];
  return [...rsh, ...terminal, host, remoteLine({ cwd, env, more, words })];
}

export interface FirstHostEnd {
  readonly status: number;
  /** What to say of a remote shell that has failed, and what may help. */
  readonly failure?: { readonly lines: readonly [what: string, line: string]; readonly hint: string };
}

/** Runs the session there from start to end, and passes signals on to the remote shell; that ends when we do, however we do. */
export async function startOnFirstHost(
  options: FirstHostOptions & { readonly spawner: Pick<Spawner, "spawn"> },
): Promise<FirstHostEnd> {
  const { host, env, spawner } = options;
  const argv = firstHostCommand(options);
  using _terminal = options.isTerminal ? saveTerminal() : undefined;
  const will = makeLastWill(spawner);
  const child = spawner.spawn({ argv, env, stdin: "inherit", stdout: "inherit", stderr: "inherit" });
  will.name(child.pid);
  let heard: string | undefined;
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"] as const) {
    Deno.addSignalListener(name, () => child.kill(heard = name));
  }
  const status = await child.status;
  will.revoke();
  // ssh that is ended by a signal calls that a failure, too.
  const signal = status.signal ?? (status.code === SSH_FAILED ? heard : undefined);
  if (signal !== undefined) return { status: 128 + (signalNumber(signal) ?? 0) };
  if (status.code !== SSH_FAILED) return { status: status.code };
  return {
    status: SSH_FAILED,
    failure: {
      lines: [`${host}: ${argv[0]} ${describeExit(status)}`, `  ${argv.map(quote).join(" ")}`],
      hint: `you need a key for ${host}; ${LEND}`,
    },
  };
}
