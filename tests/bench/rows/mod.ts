/** Every bench, in the order in which they run: those that share a session side by side. */

import type { Bench } from "../bench.ts";
import { bcasts } from "./bcast.ts";
import { cli } from "./cli.ts";
import { blobs } from "./content.ts";
import { largeEvents, ownEvents } from "./events.ts";
import { execEverywhere, execLarge, execOutput } from "./exec.ts";
import { executable } from "./executable.ts";
import { jobOutput, keystroke } from "./job_io.ts";
import { hostnames, jobMemory, jobRate, oneJob, oneJobLarge } from "./jobs.ts";
import { coldGet, gets } from "./kvs_get.ts";
import { millions } from "./kvs_million.ts";
import { puts } from "./kvs_put.ts";
import { transactions } from "./kvs_txn.ts";
import { farWatch, watch, watchers } from "./kvs_watch.ts";
import { largeLog, ownLog } from "./logs.ts";
import { clientMeetings, rankMeetings } from "./meetings.ts";
import { failovers } from "./failover.ts";
import { idle, memories } from "./memory.ts";
import { mpichStart, pmiBarriers, pmiLargeBarrier } from "./mpi.ts";
import { multicast } from "./multicast.ts";
import { deepPing, flatPing, hopPing, ownPing, pipelinedPing } from "./ping.ts";
import { bootstrapWords, slurmStarts } from "./slurm.ts";
import { openStarts, starts } from "./start.ts";

export const benches: readonly Bench[] = [
  executable,
  ...starts,
  ...openStarts,
  ...slurmStarts,
  bootstrapWords,
  ...memories,
  idle,
  ...failovers,
  multicast,
  deepPing,
  largeEvents,
  largeLog,
  execLarge,
  oneJobLarge,
  ...bcasts,
  ...rankMeetings,
  pmiLargeBarrier,
  flatPing,
  hopPing,
  ownPing,
  pipelinedPing,
  ownEvents,
  ownLog,
  cli,
  ...execEverywhere,
  execOutput,
  jobOutput,
  keystroke,
  ...oneJob,
  ...hostnames,
  jobRate,
  jobMemory,
  ...puts("memory"),
  ...transactions("memory"),
  ...gets,
  watch,
  watchers,
  ...clientMeetings,
  ...pmiBarriers,
  mpichStart,
  ...blobs("memory"),
  coldGet("memory"),
  farWatch,
  coldGet("statedir"),
  ...puts("statedir"),
  ...transactions("statedir"),
  ...blobs("statedir"),
  ...millions,
];
