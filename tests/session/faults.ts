/**
 * Faults of real processes: brokers of a session are killed, stopped, go on and are started anew, at moments that a seed
 * decides, while clients on all ranks use it (fault_loads.ts). At the end all that live must agree.
 */

import { Idset } from "../../broker/message/mod.ts";
import { type SeededRandom, seededRandom } from "../sim/mod.ts";
import { Clients, LOADS, type World } from "./fault_loads.ts";
import { settled } from "./live_session.ts";
import type { Session } from "./session.ts";

export interface FaultOptions {
  readonly seed: number;
  /** How long faults go on, ms. */
  readonly ms: number;
}

/** Between two faults, and how long a broker is stopped, ms: at least, and at most. */
const PAUSE = [300, 1200] as const, STOP = [200, 4000] as const;
/** Everything that was begun must have ended so long after the last fault, ms. */
const END = 60_000;

/** Runs a campaign; resolves to what was counted. Throws what does not hold. */
export async function faultCampaign(session: Session, { seed, ms }: FaultOptions): Promise<Map<string, number>> {
  const random = seededRandom(seed);
  const faults = new Faults(session, random.fork("faults"));
  const counts = new Map<string, number>();
  const world: World = {
    session,
    random: random.fork("loads"),
    clients: new Clients(session, faults.dead),
    broken: [],
    isOver: false,
    count: (what) => void counts.set(what, (counts.get(what) ?? 0) + 1),
  };
  await using _clients = world.clients;
  const loads = await Promise.all(LOADS.map((load) => load(world)));
  const running = Promise.all(loads.map((load) => load.run()));
  running.catch(() => {}); // heard of at the end
  for (const end = performance.now() + ms; performance.now() < end;) {
    await wait(between(random, PAUSE));
    world.count(await faults.next());
  }
  faults.goOn();
  await settled(session, `${new Idset(faults.dead)}`);
  world.isOver = true;
  await within(running, "a request that was begun has not ended");
  for (const load of loads) await within(load.check(), "the check has not ended");
  if (world.broken.length > 0) {
    throw new Error([`seed ${seed}:`, ...faults.story, ...world.broken.slice(0, 20), session.log].join("\n"));
  }
  return counts;
}

class Faults {
  /** Ranks without a process. */
  readonly dead = new Set<number>();
  /** What was done, for who has to find out. */
  readonly story: string[] = [];
  readonly #session: Session;
  readonly #random: SeededRandom;
  readonly #start = performance.now();
  readonly #stopped = new Map<number, ReturnType<typeof setTimeout>>();

  constructor(session: Session, random: SeededRandom) {
    this.#session = session;
    this.#random = random;
  }

  /** Does something bad to a rank, or brings one back; tells what. */
  async next(): Promise<string> {
    const { size } = this.#session;
    const running = Array.from({ length: size - 1 }, (_, i) => i + 1)
      .filter((rank) => !this.dead.has(rank) && !this.#stopped.has(rank));
    const rank = running[this.#random.below(running.length)]!, dice = this.#random.below(10);
    if (dice < 3 && this.dead.size < size / 2) return this.#kill(rank);
    if (dice < 8 && this.#stopped.size < size / 4) return this.#stop(rank);
    return this.dead.size > 0 ? await this.#restart([...this.dead][this.#random.below(this.dead.size)]!) : "rest";
  }

  /** Nobody is stopped any more. */
  goOn(): void {
    for (const rank of [...this.#stopped.keys()]) this.#continue(rank);
  }

  #kill(rank: number): string {
    this.#say(`kill ${rank}`);
    this.dead.add(rank);
    Deno.kill(this.#session.pid(rank), "SIGKILL");
    return "kill";
  }

  #stop(rank: number): string {
    const ms = between(this.#random, STOP);
    this.#say(`stop ${rank} for ${ms} ms`);
    Deno.kill(this.#session.pid(rank), "SIGSTOP");
    this.#stopped.set(rank, setTimeout(() => this.#continue(rank), ms));
    return "stop";
  }

  #continue(rank: number): void {
    clearTimeout(this.#stopped.get(rank));
    this.#stopped.delete(rank);
    this.#say(`continue ${rank}`);
    Deno.kill(this.#session.pid(rank), "SIGCONT");
  }

  async #restart(rank: number): Promise<string> {
    this.#say(`restart ${rank}`);
    const { code, stderr } = await this.#session.flux(["overlay", "restart", "--force", `${rank}`]);
    if (code !== 0) throw new Error([`restart ${rank}: ${stderr}`, ...this.story, this.#session.log].join("\n"));
    this.dead.delete(rank);
    return "restart";
  }

  #say(what: string): void {
    this.story.push(`${((performance.now() - this.#start) / 1000).toFixed(1)} s: ${what}`);
  }
}

function between(random: SeededRandom, [least, most]: readonly [number, number]): number {
  return least + random.below(most - least);
}

function wait(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

async function within<T>(promise: Promise<T>, otherwise: string): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(otherwise)), END);
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
