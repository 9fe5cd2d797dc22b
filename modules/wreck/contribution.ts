/**
 * What others add to the tasks of a job on one rank: variables, channels, and an ear for what comes over them. PMI is one; the plug-ins
 * of services.md §12.3 (rexecd_init, rexecd_task_init, rexecd_task_exit, rexecd_exit) are to be others. They are made for each job on
 * each of its ranks, in a fixed order (service.ts), and let go of with it; what a later one says of a variable holds.
 */

import type { Handle } from "../../broker/handle/mod.ts";
import type { Clock } from "../../broker/ports/mod.ts";
import type { Place } from "./layout.ts";
import type { JobSpec, Layout } from "./protocol.ts";

/** A job, seen from one of its ranks. */
export interface LocalJob {
  readonly jobid: number;
  /** Unlike that of any job of any other session. */
  readonly name: string;
  readonly spec: JobSpec;
  readonly layout: Layout;
  /** Of jobs that were submitted together: which one it is. */
  readonly cc?: number | undefined;
  readonly rank: number;
  /** The rank's own tasks. */
  readonly place: Place;
  readonly handle: Handle;
  readonly clock: Clock;
}

/** What a contribution may do to its job. Tasks are named by their global ids. */
export interface JobReins {
  /** Writes to a channel of a task. */
  write(task: number, channel: string, bytes: Uint8Array): void;
  /** Closes it. */
  end(task: number, channel: string): void;
  /** Hears no more of it, and lets the task end though somebody else holds it open. */
  drop(task: number, channel: string): void;
  /** Ends the whole job with this code: a task wants it, or has broken a rule; `reason` names it. */
  abort(code: number, reason: string): void;
  /** A line of the job's log. */
  log(text: string): void;
}

export interface Contribution {
  /** Resolves before the first task starts. A throw fails the job, with its text. */
  begin?(): Promise<void>;
  /** Variables of a task, over those that the job has. */
  environment?(task: number): Readonly<Record<string, string>>;
  /** Sockets a task inherits, by the name of the variable that has their descriptor. */
  channels?(task: number): readonly string[];
  /** Words that the task's program is started through. */
  wrapper?(task: number): readonly string[];
  /** What came over a channel; undefined at its end. */
  heard?(task: number, channel: string, bytes: Uint8Array | undefined): void;
  /** `status` is the word of wait(2). */
  exited?(task: number, status: number): void;
  /** A signal goes to all tasks. */
  signalled?(number: number): void;
  /** No task is left. */
  close?(): void;
}

export type Contributor = (job: LocalJob, reins: JobReins) => Contribution | undefined;
