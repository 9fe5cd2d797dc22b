/**
 * A campaign against a simulated session: traffic of every kind goes on while ranks die, links break and time drags, all
 * decided by one seed; then everything heals, and what must hold is looked at. Not a test of a case but a search for one.
 */

import { FaultPlan, type Faults } from "./campaign_faults.ts";
import { brokenInvariants, evicted, leftovers } from "./campaign_invariants.ts";
import { LOADS } from "./campaign_loads.ts";
import type { Load, World } from "./campaign_world.ts";
import { type SimSession, simSession } from "./session.ts";

export interface CampaignOptions {
  readonly ranks: number;
  readonly seed: number;
  readonly faults: readonly Faults[];
  /** Virtual time with faults, ms. */
  readonly time: number;
  readonly arity?: number;
  /** Faults in that time, about; 30 unless given. */
  readonly intensity?: number;
  /** Events that are kept for ranks that missed some; few in some seeds, unless given. */
  readonly history?: number | undefined;
  /** Names of `LOADS`; all unless given. */
  readonly loads?: readonly string[];
  /** Hears what is done, for people. */
  say?(line: string): void;
}

export interface CampaignResult {
  /** What does not hold; empty if all is well. */
  readonly broken: readonly string[];
  /** What happened, counted. */
  readonly counts: Readonly<Record<string, number>>;
  /** The same for every run of the same campaign, and different for others: a digest of all that was sent and logged, and when. */
  readonly fingerprint: string;
}

/** Milliseconds between two heartbeats, and between two steps of the traffic. */
const BEAT = 2000, STEP = 100;
/** Heartbeats after which everything must have settled: the longest patience of `live`, and some. */
const QUIET = 50;
/** After so many more everyone must be back at home, and have stayed there: more than the patience with a silent parent. */
const HOMECOMING = 15;
/** In one of so many seeds the history of events is this short, so that who is away for some seconds is evicted. */
const FORGETFUL = 5, SHORT_HISTORY = 8;

export async function campaign(options: CampaignOptions): Promise<CampaignResult> {
  const { ranks, seed, faults, time, arity = 2, say = () => {} } = options;
  const session = await simSession({
    size: ranks,
    seed,
    arity,
    keys: seed % 2 === 0,
    modules: ["live", "content", "kvs", "barrier"],
    heartrate: BEAT,
    history: options.history ?? (seed % FORGETFUL === 0 ? SHORT_HISTORY : undefined),
    network: { delay: { min: 0.1, max: 3 } },
  });
  const counts: Record<string, number> = {};
  const world: World = {
    session,
    random: session.random.fork("traffic"),
    broken: [],
    count: (what, n = 1) => void (counts[what] = (counts[what] ?? 0) + n),
  };
  await session.run(BEAT);
  const before = await leftovers(session);
  const loads: Load[] = [];
  for (const name of options.loads ?? Object.keys(LOADS)) {
    loads.push(await session.settle(Promise.resolve(LOADS[name]!(world))));
  }
  const plan = new FaultPlan(session, faults, (line) => {
    world.count(line.split(" ", 1)[0]!);
    say(`${(session.clock.now() / 1000).toFixed(1)} s: ${line}`);
  });
  const end = session.clock.now() + time;
  while (session.clock.now() < end) {
    plan.step(time / (options.intensity ?? 30));
    for (const load of loads) load.step();
    await session.run(STEP);
  }
  plan.heal();
  await session.run(QUIET / 2 * BEAT);
  plan.buryLate();
  await session.run(QUIET / 2 * BEAT);
  session.brokers[0]!.handle.publish("live.recover", {});
  await session.run(HOMECOMING * BEAT);
  for (const load of loads) await load.finish();
  await session.run(BEAT);
  world.broken.push(...await brokenInvariants(session, before));
  world.count("messages", session.network.statistics.delivered);
  for (const times of evicted(session).values()) world.count("evicted", times);
  world.count("living", [...session.brokers.keys()].filter((rank) => session.isAlive(rank)).length);
  return { broken: world.broken, counts, fingerprint: fingerprint(session) };
}

/** A digest of the log of all ranks and of what the network did (FNV-1a, from both ends). */
function fingerprint({ log, network, clock }: SimSession): string {
  let a = 0x811c9dc5, b = 0x9e3779b9;
  const add = (text: string) => {
    for (let i = 0; i < text.length; i++) {
      a = Math.imul(a ^ text.charCodeAt(i), 0x01000193);
      b = Math.imul(b ^ text.charCodeAt(text.length - 1 - i), 0x85ebca6b);
    }
  };
  for (const { rank, level, text } of log) add(`${rank} ${level} ${text}\n`);
  add(JSON.stringify(network.statistics) + clock.fired);
  return [a, b].map((half) => (half >>> 0).toString(16).padStart(8, "0")).join("");
}
