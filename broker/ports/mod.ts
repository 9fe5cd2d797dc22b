/** The doors to the outside: time, chance, network, processes, disk. Everything else is given these. */
export { type Alarm, type Clock, every, sleep, type Timer } from "./clock.ts";
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
  type Mechanism,
  mismatch,
  REFUSED,
  type Security,
  type Transport,
} from "./transport.ts";
export { type FileReader, type Files, type FileWriter, systemFiles } from "./files.ts";
export { loadHash } from "./digest.ts";
export {
  type Child,
  type ExitStatus,
  type Spawner,
  type SpawnOptions,
  type Task,
  type TaskChannel,
  type TaskOptions,
  type TerminalSize,
} from "./spawner.ts";
export { exitCode, howEnded, signalOf, waitStatus } from "./wait_status.ts";
export {
  type ContentStore,
  type ContentStores,
  type ScannedBlob,
  type StoreChanges,
  type StoredBlob,
  type StoreSwept,
  type Sync,
} from "./content_store.ts";
export { sqliteStores } from "./sqlite_store.ts";
export { readRusage, type Rusage, type Who } from "./rusage.ts";
export { signalName, signalNumber } from "./signals.ts";
export { descriptors } from "./descriptors.ts";
export { startStatus } from "./start_error.ts";
export { systemSpawner } from "./system_spawner.ts";
export { systemClock } from "./system_clock.ts";
export { isFile } from "./paths.ts";
export { explainDisk } from "./disk_error.ts";
