/**
 * `deno task sim`: runs campaigns from the command line and says what does not hold.
 *
 *     deno task sim --ranks 64 --seed 1 --count 100 --faults kill,cut,slow,oneway,restart,partition --time 60
 *
 * `--count` runs that many seeds, from `--seed` on, `--jobs` so many processes side by side. `--history N` keeps N events for
 * ranks that missed some, in any seed. `--verbose` prints every fault; `--repeat` runs each campaign twice and compares. Exits
 * with 1 when something is broken, naming the seeds.
 */

import { campaign, type CampaignOptions } from "./campaign.ts";
import { FAULTS, type Faults } from "./campaign_faults.ts";
import { LOADS } from "./campaign_loads.ts";
import { shares } from "./campaign_processes.ts";

/** Lines about one seed. */
const LINES = 20;

function words(args: readonly string[]): Map<string, string> {
  const given = new Map<string, string>();
  for (let i = 0; i < args.length; i++) {
    const [name = "", value] = args[i]!.replace(/^--/, "").split("=", 2);
    const isFlag = name === "verbose" || name === "repeat";
    given.set(name, value ?? (isFlag ? "" : args[++i] ?? ""));
  }
  return given;
}

function list<T extends string>(text: string | undefined, known: readonly T[]): T[] {
  const names = text === undefined ? [...known] : text.split(",").filter(Boolean);
  for (const name of names) {
    if (!known.includes(name as T)) throw new Error(`"${name}" is none of ${known.join(", ")}`);
  }
  return names as T[];
}

async function main(args: readonly string[]): Promise<number> {
  const given = words(args);
  const number = (name: string, fallback: number) => Number(given.get(name) ?? fallback);
  const first = number("seed", 1), count = number("count", 1), jobs = number("jobs", 1);
  if (jobs > 1) return await shares(args, { first, count, jobs }) ? 0 : 1;
  const options: Omit<CampaignOptions, "seed"> = {
    ranks: number("ranks", 64),
    faults: list<Faults>(given.get("faults"), FAULTS),
    loads: list(given.get("loads"), Object.keys(LOADS)),
    time: number("time", 60) * 1000,
    arity: number("arity", 2),
    ...(given.has("history") && { history: number("history", 0) }),
    intensity: number("intensity", 30),
    ...(given.has("verbose") && { say: (line: string) => console.log(`  ${line}`) }),
  };
  const failed: number[] = [];
  for (let seed = first; seed < first + count; seed++) {
    const start = performance.now();
    const { broken, counts, fingerprint } = await campaign({ ...options, seed });
    const seconds = ((performance.now() - start) / 1000).toFixed(1);
    console.log(
      `seed ${seed}: ${broken.length === 0 ? "holds" : "BROKEN"} ${fingerprint} ${seconds} s ${JSON.stringify(counts)}`,
    );
    for (const line of broken.slice(0, LINES)) console.log(`  ${line}`);
    if (broken.length > LINES) console.log(`  and ${broken.length - LINES} more`);
    if (broken.length > 0) failed.push(seed);
    if (given.has("repeat") && (await campaign({ ...options, seed })).fingerprint !== fingerprint) {
      console.log("  the second run went another way");
      failed.push(seed);
    }
  }
  if (failed.length > 0) console.log(`broken with seeds ${[...new Set(failed)].join(" ")}`);
  return failed.length > 0 ? 1 : 0;
}

Deno.exit(await main(Deno.args));
