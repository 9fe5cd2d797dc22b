/**
 * The long campaigns, in parts that may be run one by one: what CI runs in a few minutes with twenty times as many random
 * cases and everything that takes long, sessions of 64 and of 4,096 ranks with faults, and a soak of ten minutes with the
 * store in memory, and one with the store in a file.
 *
 *     deno task nightly [--seed N] [tests] [campaigns] [large] [soak] [soak-file]
 */

import { shares } from "./sim/campaign_processes.ts";

const RUNS = 20;
const SOAK_SECONDS = 600;
/** Of the simulated sessions: how many seeds, and how many processes side by side. */
const CAMPAIGNS = { ranks: 64, seeds: 1000, jobs: 2 }, LARGE = { ranks: 4096, seeds: 10, jobs: 2 };
/** Seconds of virtual time with faults, and faults in it. */
const FAULTS = ["--time", "15", "--intensity", "20"];
const root = new URL("..", import.meta.url).pathname;

const PARTS: Readonly<Record<string, (seed: number) => Promise<boolean>>> = {
  tests: (seed) =>
    run(`${root}scripts/test`, [], { FLUX_TEST_LONG: "1", FLUX_TEST_RUNS: `${RUNS}`, FLUX_TEST_SEED: `${seed}` }),
  campaigns: (seed) => campaigns(CAMPAIGNS, seed),
  large: (seed) => campaigns(LARGE, seed),
  soak: (seed) => soak([], seed),
  "soak-file": (seed) => soak(["--statedir"], seed),
};

function campaigns({ ranks, seeds, jobs }: typeof CAMPAIGNS, seed: number): Promise<boolean> {
  return shares(["--ranks", `${ranks}`, ...FAULTS], { first: seed, count: seeds, jobs });
}

function soak(medium: string[], seed: number): Promise<boolean> {
  return run(Deno.execPath(), ["run", "-A", `${root}tests/soak.ts`, ...medium, `${SOAK_SECONDS}`, `${seed}`], {});
}

/** Runs one program on this terminal; true when it passed. */
async function run(command: string, args: string[], env: Record<string, string>): Promise<boolean> {
  return (await new Deno.Command(command, { args, env, cwd: root, stdin: "null" }).spawn().status).success;
}

async function main(args: readonly string[]): Promise<number> {
  const at = args.indexOf("--seed");
  const seed = at < 0 ? Math.floor(Math.random() * 1e9) : Number(args[at + 1]);
  const words = args.filter((_, i) => at < 0 || (i !== at && i !== at + 1));
  const unknown = words.find((word) => !Object.hasOwn(PARTS, word));
  if (unknown !== undefined || !Number.isSafeInteger(seed)) {
    console.error(`usage: deno task nightly [--seed N] [${Object.keys(PARTS).join("] [")}]`);
    return 2;
  }
  console.log(`nightly: seed ${seed}`);
  const failed: string[] = [];
  for (const part of words.length > 0 ? words : Object.keys(PARTS)) {
    const start = performance.now();
    const passed = await PARTS[part]!(seed);
    console.log(
      `nightly: ${part} ${passed ? "passed" : "FAILED"} in ${Math.round((performance.now() - start) / 1000)} s`,
    );
    if (!passed) failed.push(part);
  }
  console.log(`nightly: ${failed.length === 0 ? "all passed" : `FAILED ${failed.join(", ")}`} (seed ${seed})`);
  return failed.length === 0 ? 0 : 1;
}

Deno.exit(await main(Deno.args));
