/** The doors to the outside: time, chance, network, processes, disk. Everything else is given these. */
export { type Clock, every, sleep, type Timer } from "./clock.ts";
export { type Random, systemRandom } from "./random.ts";
export {
  BACKLOG_LIMIT,
  type DialOptions,
  type KeyPair,
  type Link,
  type LinkEvents,
  type Listener,
  type ListenerEvents,
  type ListenOptions,
  type Transport,
} from "./transport.ts";
export { loadHash } from "./digest.ts";
export { type Child, type ExitStatus, type Spawner, type SpawnOptions } from "./spawner.ts";
export { type ContentStore, memoryStore } from "./content_store.ts";
export { readRusage, type Rusage, type Who } from "./rusage.ts";
export { signalName, signalNumber } from "./signals.ts";
export { systemSpawner } from "./system_spawner.ts";
export { systemClock } from "./system_clock.ts";
