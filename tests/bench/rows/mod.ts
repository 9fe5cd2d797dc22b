/** Every bench, in the order in which they run: those that share a session side by side. */

import type { Bench } from "../bench.ts";
import { cli } from "./cli.ts";
import { largeEvents, ownEvents } from "./events.ts";
import { executable } from "./executable.ts";
import { largeLog, ownLog } from "./logs.ts";
import { idle, memories } from "./memory.ts";
import { multicast } from "./multicast.ts";
import { deepPing, flatPing, hopPing, ownPing, pipelinedPing } from "./ping.ts";
import { starts } from "./start.ts";

export const benches: readonly Bench[] = [
  executable,
  ...starts,
  ...memories,
  idle,
  multicast,
  deepPing,
  largeEvents,
  largeLog,
  flatPing,
  hopPing,
  ownPing,
  pipelinedPing,
  ownEvents,
  ownLog,
  cli,
];
