/** All loads of the soak, by the names that select them. */

import { kvsLoads } from "./kvs_loads.ts";
import type { Load } from "./load.ts";
import { meetingLoads } from "./meeting_loads.ts";
import { messageLoads } from "./message_loads.ts";
import { watchLoads } from "./watch_loads.ts";

export const LOADS: Readonly<Record<string, Load>> = { ...messageLoads, ...kvsLoads, ...watchLoads, ...meetingLoads };
