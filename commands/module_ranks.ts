/** The modules of many ranks: changing them in one step, listing them, and saying which ranks failed. */

import type { Handle } from "../broker/handle/mod.ts";
import { FluxError, Idset, isErrno, type JsonObject } from "../broker/message/mod.ts";
import { listModules, RanksFailed } from "../modules/modctl/client.ts";
import { ModuleTable, Outcomes } from "../modules/modctl/outcomes.ts";
import { CommandError } from "./mod.ts";
import { askRanks, manyRanks, type RankAnswer } from "./ranks.ts";

/** Throws one line for each way in which ranks failed, with the ranks where not all did; returns when none failed. */
export function complain(
  answers: readonly RankAnswer[],
  warn: (text: string) => void,
  text: (error: FluxError, rank: number) => string,
): void {
  const failures = new Map<string, Failure>();
  for (const { rank, error } of answers) {
    if (!error) continue;
    const line = text(error, rank);
    const group = failures.get(line) ?? { line, ranks: new Idset(), error };
    group.ranks.add(rank);
    failures.set(line, group);
  }
  const failed = [...failures.values()].reduce((sum, { ranks }) => sum + ranks.size, 0);
  if (failed > 0) refuse([...failures.values()], warn, failed < answers.length ? "" : undefined);
}

/** Ranks that failed with the same line. */
interface Failure {
  readonly line: string;
  readonly ranks: Idset;
  readonly error: FluxError;
}

/** `others`: what there is to say of ranks that did not fail, undefined when all failed. */
function refuse(failures: readonly Failure[], warn: (text: string) => void, others: string | undefined): never {
  const last = failures.at(-1)!;
  for (const { line, ranks } of failures.slice(0, -1)) warn(`${line} (rank ${ranks.toNodeset()})`);
  const isPart = others !== undefined || failures.length > 1;
  const hint = `this is so on rank ${last.ranks.toNodeset()} only${others ? `; ${others}` : ""}`;
  throw new CommandError(last.line, { cause: last.error, ...(isPart && { hint }) });
}

/**
 * A step on many ranks by `modctl`: throws one line for each way in which ranks failed, and what `others` says of the rest.
 * `option` is what `--rank` was given.
 */
export async function together(
  step: () => Promise<unknown>,
  option: string,
  warn: (text: string) => void,
  text: (error: FluxError) => string,
  others: (ranks: string) => string,
): Promise<void> {
  try {
    await reached(step, option);
  } catch (error) {
    if (!(error instanceof RanksFailed)) throw error;
    const failures = error.failures.map(({ ranks, errnum, text: reason }) => {
      const cause = new FluxError(errnum, reason);
      return { line: text(cause), ranks: Idset.parse(ranks), error: cause };
    });
    const rest = error.others.size > 0 ? others(`rank ${error.others.toNodeset()}`) : undefined;
    refuse(failures, warn, rest);
  }
}

/** What `modctl` answers. Throws CommandError for ranks that there are not, and when it is not loaded. */
async function reached<T>(step: () => Promise<T>, option: string): Promise<T> {
  try {
    return await step();
  } catch (error) {
    if (isErrno(error, "EINVAL") && !(error instanceof RanksFailed)) {
      throw new CommandError(`--rank ${option}: ${error.message}`, { cause: error });
    }
    if (!isErrno(error, "ENOSYS") || error instanceof RanksFailed) throw error;
    const hint = "flux module load modctl, or do it without by --direct";
    throw new CommandError("the module modctl is not loaded", { hint, cause: error });
  }
}

/** The modules of some ranks, and which of them did not answer. */
export async function listed(handle: Handle, service: string, option: string | undefined, isDirect: boolean) {
  const ranks = manyRanks(option);
  if (ranks !== undefined && !isDirect) {
    const { mods, failures } = await reached(() => listModules(handle, { ranks, service }), option!);
    return { rows: mods, failures };
  }
  const table = new ModuleTable();
  const outcomes = new Outcomes();
  for await (const { rank, payload, error } of askRanks(handle, `${service}.lsmod`, undefined, option)) {
    if (error) outcomes.fail(new Idset([rank]), error);
    else table.add(rank, payload!.mods as JsonObject[]);
  }
  return { rows: table.rows, failures: outcomes.failures };
}
