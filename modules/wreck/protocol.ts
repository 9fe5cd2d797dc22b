/** The words of `wreck` on the wire: `job.*` at rank 0, `wreck.*` between ranks, and their events (services.md §12). */

import type { JsonObject } from "../../broker/message/mod.ts";

/**
 * Where a job stands, as `lwj.N.state` and the events `wreck.state.STATE {"lwj":N}` say it. `complete`, `failed` and `cancelled`
 * are the end; `failed` is a job that could not be started, was aborted, or lost a rank; `sync` waits for a debugger.
 */
export const JOB_STATES = [
  "reserved",
  "submitted",
  "starting",
  "sync",
  "running",
  "complete",
  "failed",
  "cancelled",
] as const;
export type JobState = (typeof JOB_STATES)[number];

/** Nothing comes after these. */
export const FINAL_STATES: ReadonlySet<string> = new Set<JobState>(["complete", "failed", "cancelled"]);

/** The words of `--options` (cli.md §4.22), those with a value left out. */
export const OPTION_WORDS = [
  "commit-on-task-exit",
  "stdio-delay-commit",
  "stdio-commit-on-open",
  "stdio-commit-on-close",
  "stop-children-in-exec",
  "pmi-port",
  "pmi-trace",
] as const;

/** What a single task has of its own; members of `lwj.N.T`. */
export interface TaskSpec {
  /** Over that of the job. */
  readonly environ?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** The processors it may run on, a list: `0-3,8`. */
  readonly cpumask?: string;
}

/** What is asked for when a job is made; members of `lwj.N` with the same names. */
export interface JobSpec {
  readonly cmdline: readonly string[];
  readonly environ: Readonly<Record<string, string>>;
  /** The broker's own directory, unless given. */
  readonly cwd?: string;
  readonly ntasks: number;
  /** Ranks to spread over; as many as there are tasks, or ranks, unless given. */
  readonly nnodes?: number;
  readonly "tasks-per-node"?: number;
  /** Seconds the job may run; 0 is for ever. */
  readonly walltime: number;
  /** The signal at the end of that time: a number, or a name. */
  readonly "walltime-signal"?: number | string;
  /** Words of {@link OPTION_WORDS}, 1 for each, and `stdio-limit` (bytes); others are kept for plug-ins. */
  readonly options: Readonly<Record<string, number>>;
  readonly input?: JsonObject;
  readonly output?: JsonObject;
  /** By task, for those that have something of their own. */
  readonly tasks?: Readonly<Record<string, TaskSpec>>;
}

/** Where the tasks of a job run: `cores` of them on each of `ranks`, in ascending order of rank. */
export interface Layout {
  readonly ranks: readonly number[];
  readonly cores: readonly number[];
  /** Processors of the tasks on a rank, by rank (a list: `0-3,8`), where it is given. */
  readonly cpumask?: Readonly<Record<string, string>>;
}

/** Tasks that ended alike: `tasks` is an idset of task ids, `status` the word of wait(2). */
export interface Ends {
  readonly tasks: string;
  readonly status: number;
}

/** How a job ended. */
export interface JobResult {
  readonly jobid: number;
  readonly state: JobState;
  /** What a command that waited for it exits with: the highest of its tasks' codes, or that of an abort; 1 for a job that failed, 68 if a rank was lost. */
  readonly code: number;
  readonly ends: readonly Ends[];
  /** Why it failed, or was cut short. */
  readonly reason?: string;
  /** A rank was lost: the cause is not the user's. */
  readonly isNodeFailure?: boolean;
}

/** What `job.run` and `job.wait` stream: states as they come, the last one with the result. */
export interface JobNews {
  readonly jobid: number;
  readonly state: JobState;
  /** With the number of a job that has its place at once. */
  readonly layout?: Layout;
  readonly result?: JobResult;
  /** With the first news of who has asked for it: his standard input is the job's. */
  readonly input?: true;
}

/** `wreck.start`: the part of a job on each of its ranks. Answered when the rank has taken it. */
export interface StartRequest {
  readonly jobid: number;
  /** Unlike that of any job of any other session. */
  readonly name: string;
  readonly spec: JobSpec;
  readonly layout: Layout;
  /** Of jobs that were submitted together: which one it is. */
  readonly cc?: number | undefined;
  /** Jobs of this life of the module that were started up to this one, itself among them. */
  readonly order: number;
}

/**
 * `wreck.resources`, to ranks that have come or come back: of jobs with tasks there that were started up to `order`, all that are not
 * among `jobs` (an idset) have ended without them.
 */
export interface Roll {
  readonly order: number;
  readonly jobs: string;
}

/** What a rank brings to `lwj.N.startup`, and again, with the ends, to `lwj.N.shutdown`: its tasks in order, pid 0 for one that did not start. */
export interface RankReport {
  readonly pids: readonly number[];
  /** Status words, in the same order. */
  readonly statuses?: readonly number[];
}
