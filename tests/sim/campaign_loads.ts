/**
 * Every kind of traffic in a campaign, one line each. A load is made before the faults begin, does a little at every step,
 * and at the end, when all has settled, says what of its own was not as it must be.
 */

import { declarations, events } from "./campaign_events.ts";
import { commits, watches } from "./campaign_kvs.ts";
import { barriers, fences } from "./campaign_meetings.ts";
import { logs, pings, streams, tasks, upstream } from "./campaign_traffic.ts";
import type { Load, World } from "./campaign_world.ts";

export const LOADS: Readonly<Record<string, (world: World) => Load | Promise<Load>>> = {
  ping: pings,
  upstream,
  stream: streams,
  task: tasks,
  event: events,
  declared: declarations,
  log: logs,
  commit: commits,
  watch: watches,
  barrier: barriers,
  fence: fences,
};
