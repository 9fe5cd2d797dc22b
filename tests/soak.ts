/**
 * The soak at the end of CI: the built executable at size 8 under mixed load for a minute. It fails on a request that is
 * not answered, an event that is lost or doubled, memory that keeps growing, and on whatever a session leaves behind.
 *
 *     deno run -A tests/soak.ts [SECONDS] [SEED] [LOAD…]
 */

import { type Handle, open } from "../broker/handle/mod.ts";
import { LOADS } from "./soak/loads.ts";
import { MemoryWatch } from "./soak/memory.ts";
import { startSession } from "./session/session.ts";
import { seededRandom } from "./sim/mod.ts";

const SIZE = 8;
const seconds = Number(Deno.args[0] ?? 60);
const seed = Number(Deno.args[1] ?? Math.floor(Math.random() * 1e9));
const loads = Object.entries(LOADS).filter(([name]) => Deno.args.length < 3 || Deno.args.slice(2).includes(name));

console.log(`soak: ${seconds} s, size ${SIZE}, seed ${seed}`);
const failures: string[] = [];
const counts: Record<string, number> = {};
{
  await using session = await startSession({ size: SIZE });
  const brokers = await Promise.all(Array.from({ length: SIZE }, (_, rank) => open(session.uri(rank))));
  const memory = new MemoryWatch(brokers);
  const deadline = AbortSignal.timeout(seconds * 1000);
  const sampling = memory.follow(deadline);
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
  failures.push(...memory.verdict());
  console.log(memory.table());
}
console.log(Object.entries(counts).map(([name, n]) => `${name} ${n}`).join(", "));
for (const failure of failures) console.log(`soak: ${failure}`);
console.log(failures.length === 0 ? "soak: passed" : `soak: failed (seed ${seed})`);
Deno.exit(failures.length === 0 ? 0 : 1);
