/** The way from the words of `flux wreck` to a job. */

import type { Handle } from "../../broker/handle/mod.ts";
import { isErrno } from "../../broker/message/mod.ts";
import { CommandError, type Context, UsageError } from "../mod.ts";

type Connects = Pick<Context<Record<never, never>>, "connect">;

/** Throws CommandError with the text of cli.md. */
export async function openSession({ connect }: Connects): Promise<Handle> {
  try {
    return await connect();
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    const { message, hint, cause } = error;
    throw new CommandError(`Connecting to flux failed: ${message}`, { cause, ...(hint !== undefined && { hint }) });
  }
}

/** The only word behind the options: the number of a job. Throws UsageError without one, CommandError for what is no number. */
export function jobidOf(args: readonly string[]): number {
  const [word, extra] = args;
  if (word === undefined) throw new UsageError("Error: Job id required");
  const jobid = /^[1-9]\d*$/.test(word) ? Number(word) : NaN;
  if (!Number.isSafeInteger(jobid)) {
    throw new CommandError(`Invalid Job id '${word}'`, { hint: "'flux wreck ls' lists the jobs" });
  }
  if (extra !== undefined) throw new UsageError(`one job at a time: '${extra}' is too much`);
  return jobid;
}

/** Throws UsageError for words behind the options, of which none is needed. */
export function noArguments({ args }: Pick<Context<Record<never, never>>, "args">): void {
  if (args.length > 0) throw new UsageError("no arguments are needed");
}

/** What a refusal of the service means for who named a job. */
export function explainJob(error: unknown, jobid: number): never {
  if (isErrno(error, "ENOENT")) {
    throw new CommandError(`Job ${jobid}: No such file or directory`, {
      hint: "'flux wreck ls' lists the jobs",
      cause: error,
    });
  }
  return explainRefusal(error);
}

/** What a refusal of the service means to who asked. */
export function explainRefusal(error: unknown): never {
  if (isErrno(error, "ENOSYS")) {
    throw new CommandError("flux.rpc: Function not implemented", {
      hint: "jobs need module wreck: flux module load -r all wreck",
      cause: error,
    });
  }
  throw error;
}
