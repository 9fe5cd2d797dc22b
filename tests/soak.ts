/**
 * The soak at the end of CI: the built executable at size 8 under mixed load for 100 s. (In a minute the coming and going of garbage
 * passes for growth in one of ten runs.) It fails on a request that is
 * not answered, an event that is lost or doubled, memory that keeps growing, and on whatever a session leaves behind.
 *
 *     deno run -A tests/soak.ts [--statedir] [SECONDS] [SEED] [LOAD…]
 *
 * With `--statedir` the store is a file, which may not keep growing either; else it is in memory.
 */

import { type Handle, open } from "../broker/handle/mod.ts";
import { FileWatch } from "./soak/file.ts";
import { LOADS } from "./soak/loads.ts";
import { MemoryWatch } from "./soak/memory.ts";
import { HISTORY_EVENTS } from "../broker/overlay/event_log.ts";
import { startSession, workDirectory } from "./session/session.ts";
import { seededRandom } from "./sim/mod.ts";

const SIZE = 8;
/** Garbage and caches small enough to reach their bounds early in the run, bytes. */
const BOUNDS = { "kvs.gc-threshold": 2 << 20, "kvs.cache-size": 1 << 18, "content.purge-target-size": 1 << 18 };
const hasState = Deno.args.includes("--statedir");
const words = Deno.args.filter((word) => word !== "--statedir");
const seconds = Number(words[0] ?? 100);
const seed = Number(words[1] ?? Math.floor(Math.random() * 1e9));
const loads = Object.entries(LOADS).filter(([name]) => words.length < 3 || words.slice(2).includes(name));

console.log(`soak: ${seconds} s, size ${SIZE}, the store ${hasState ? "in a file" : "in memory"}, seed ${seed}`);
const failures: string[] = [];
const counts: Record<string, number> = {};
{
  await using state = await workDirectory();
  const statedir = hasState ? [`--statedir=${state.path}/state`] : [];
  const bounds = Object.entries(BOUNDS).map(([name, bytes]) => `-o--setattr=${name}=${bytes}`);
  await using session = await startSession({ size: SIZE, args: [...bounds, ...statedir] });
  await fillHistory(session.uri(0));
  const brokers = await Promise.all(Array.from({ length: SIZE }, (_, rank) => open(session.uri(rank))));
  const memory = new MemoryWatch(brokers);
  const deadline = AbortSignal.timeout(seconds * 1000);
  const file = new FileWatch(`${state.path}/state`);
  const sampling = Promise.all([memory.follow(deadline), hasState ? file.follow(deadline) : undefined]);
  const handles: Handle[] = [];
  await Promise.all(
    loads.map(async ([name, load], index) => {
      const random = seededRandom(seed + index);
      const connect = async (rank: number) => {
        const handle = await open(session.uri(rank));
        handles.push(handle);
        return handle;
      };
      counts[name] = 0;
      try {
        await load({ session, size: SIZE, random, connect, deadline, done: () => void counts[name]!++ });
      } catch (error) {
        failures.push(`${name}: ${error instanceof Error ? error.message : error}`);
      }
      if (counts[name] === 0) failures.push(`${name}: did nothing`);
    }),
  );
  await sampling;
  for (const handle of [...brokers, ...handles]) handle.close();
  failures.push(...memory.verdict(), ...file.verdict());
  console.log(memory.table());
  if (hasState) console.log(file.line());
}
console.log(Object.entries(counts).map(([name, n]) => `${name} ${n}`).join(", "));
for (const failure of failures) console.log(`soak: ${failure}`);
console.log(failures.length === 0 ? "soak: passed" : `soak: failed (seed ${seed})`);
Deno.exit(failures.length === 0 ? 0 : 1);

/** Publishes as many events as brokers keep, so that this memory is taken from the beginning. */
async function fillHistory(uri: string): Promise<void> {
  const flux = await open(uri);
  for (let i = 1; i <= HISTORY_EVENTS; i++) {
    flux.publish("history", { pad: "x".repeat(150) });
    if (i % 500 === 0) await flux.drain();
  }
  await flux.rpc("broker.ping");
  flux.close();
}
