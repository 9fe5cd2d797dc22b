/**
 * The long campaigns: what CI runs in a few minutes, with twenty times as many random cases, everything that takes long, and a
 * soak of ten minutes.
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
const soak = await run(Deno.execPath(), ["run", "-A", `${root}tests/soak.ts`, `${SOAK_SECONDS}`, seed], {});
console.log(`nightly: tests ${tests ? "passed" : "FAILED"}, soak ${soak ? "passed" : "FAILED"} (seed ${seed})`);
Deno.exit(tests && soak ? 0 : 1);

/** Runs one campaign on this terminal; true when it passed. */
async function run(command: string, args: string[], env: Record<string, string>): Promise<boolean> {
  return (await new Deno.Command(command, { args, env, cwd: root, stdin: "null" }).spawn().status).success;
}
