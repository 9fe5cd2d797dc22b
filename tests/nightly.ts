/**
 * The long campaigns: what CI runs in a few minutes, with twenty times as many random cases, everything that takes long, and a
 * soak of ten minutes with the store in memory, and one with the store in a file.
 *
 *     deno task nightly [SEED]
 */

const RUNS = 20;
const SOAK_SECONDS = 600;
const root = new URL("..", import.meta.url).pathname;
const seed = Deno.args[0] ?? `${Math.floor(Math.random() * 1e9)}`;

console.log(`nightly: seed ${seed}`);
const tests = await run(`${root}scripts/test`, [], {
  FLUX_TEST_LONG: "1",
  FLUX_TEST_RUNS: `${RUNS}`,
  FLUX_TEST_SEED: seed,
});
const soaks: boolean[] = [];
for (const medium of [[], ["--statedir"]]) {
  const words = ["run", "-A", `${root}tests/soak.ts`, ...medium, `${SOAK_SECONDS}`, seed];
  soaks.push(await run(Deno.execPath(), words, {}));
}
const said = (passed: boolean | undefined) => passed ? "passed" : "FAILED";
console.log(
  `nightly: tests ${said(tests)}, soak in memory ${said(soaks[0])}, in a file ${said(soaks[1])} (seed ${seed})`,
);
Deno.exit(tests && soaks.every(Boolean) ? 0 : 1);

/** Runs one campaign on this terminal; true when it passed. */
async function run(command: string, args: string[], env: Record<string, string>): Promise<boolean> {
  return (await new Deno.Command(command, { args, env, cwd: root, stdin: "null" }).spawn().status).success;
}
