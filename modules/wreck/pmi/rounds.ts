/**
 * The barriers of all jobs: the ranks of a job meet, each for all its tasks, with what these have put since the last time; every
 * rank gets it all. They are counted up the tree (broker/handle/rendezvous.ts), by `wreck.pmi-merge` between ranks.
 */

import { type Handle, type Meeting, MeetingPlace, type Methods, stringsField } from "../../../broker/handle/mod.ts";
import { decodeJson, encodeJson, FluxError, Idset, type JsonObject, Role } from "../../../broker/message/mod.ts";
import type { PmiPut } from "../../../broker/pmi/mod.ts";
import type { Clock, Random } from "../../../broker/ports/mod.ts";

export interface RoundsOptions {
  readonly handle: Handle;
  readonly clock: Clock;
  readonly random: Random;
  readonly rank: number;
  readonly size: number;
  /** Fan-out of the tree; 0 is flat. */
  readonly arity: number;
  /** At rank 0: tasks of this job wait in a barrier for others. */
  came?(jobid: number): void;
}

export interface Round {
  readonly jobid: number;
  /** Ranks of the session that take part. */
  readonly ranks: readonly number[];
  /** What the tasks of this rank have put. */
  readonly puts: readonly PmiPut[];
}

/** Jobs are the owner's. */
const SCOPE = `0:${Role.owner}`;

export class Rounds {
  readonly #place: MeetingPlace;

  constructor(options: RoundsOptions) {
    this.#place = new MeetingPlace({
      ...options,
      label: "PMI barrier",
      topic: "wreck.pmi-merge",
      came: ({ terms: { name } }) => options.came?.(Number(name.split(" ").at(-1))),
      met: ({ bodies }) => Promise.resolve({ puts: bodies.flatMap((body) => wordsOf(decodeJson(body))) }),
    });
  }

  get methods(): Methods {
    return this.#place.methods;
  }

  /** The barrier of a job in which some of its ranks wait now, as rank 0 knows it. */
  open(jobid: number): Meeting | undefined {
    return this.#place.open({ scope: SCOPE, name: nameOf(jobid) });
  }

  /**
   * Enters for this rank and resolves, when all have, to the puts of all, the same and in the same order everywhere. Throws
   * ECONNABORTED when a rank is gone or its part in the job has ended (`signal`).
   */
  async meet({ jobid, ranks, puts }: Round, signal: AbortSignal): Promise<readonly PmiPut[]> {
    if (ranks.length === 1) return puts;
    const terms = { name: nameOf(jobid), scope: SCOPE, nprocs: ranks.length, ranks: `${new Idset(ranks)}` };
    const body = encodeJson({ puts: puts.flat() });
    const words = wordsOf(await this.#place.enter({ sender: `job ${jobid}`, signal }, { terms, body }) ?? {});
    return Array.from({ length: words.length / 2 }, (_, i) => [words[2 * i]!, words[2 * i + 1]!] as const);
  }

  stop(): void {
    this.#place.stop();
  }
}

/** All barriers of a job have one name: the next one begins when the last has let all through. */
function nameOf(jobid: number): string {
  return `of job ${jobid}`;
}

/** Keys and values in turn. Throws EPROTO. */
function wordsOf(payload: JsonObject): string[] {
  const words = stringsField(payload, "puts");
  if (words.length % 2 !== 0) throw new FluxError("EPROTO", '"puts" must be pairs of keys and values');
  return words;
}
