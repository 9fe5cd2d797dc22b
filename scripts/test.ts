/**
 * Runs everything that tells whether the project is in order, in phases: the gate (formatting, lint, types, arrows of
 * imports), the build, unit tests and simulations, sessions of the built executable, doc examples, the soak.
 *
 *     scripts/test [--no-gate] [WORD…]
 *
 * With words: only tests in files whose path contains a word, else tests whose names do; without gate and soak.
 * Every phase runs, whatever failed before it. The last line is `N passed, N failed, N skipped`.
 */

import { exists } from "./pack/exists.ts";
import { type Outcome, run } from "./runner/process.ts";
import { closing, NOTHING, type Tally, tally } from "./runner/report.ts";

const root = new URL("../", import.meta.url).pathname;
const deno = Deno.execPath();
const SECOND = 1_000;
/** Longer campaigns have longer limits. */
const FACTOR = Math.max(1, Number(Deno.env.get("FLUX_TEST_RUNS") ?? 1) / 2);
/** Tests that start no session. */
const PURE = /^tests\/(unit|sim)\//;

/** Each step of the gate: what it is called and the arguments of deno. */
const GATE: readonly (readonly [string, readonly string[]])[] = [
  ["formatting", ["fmt", "--check"]],
  ["lint", ["lint"]],
  ["types", ["check", "main.ts", "broker", "commands", "modules", "scripts", "tests"]],
  ["arrows", ["run", "-A", "scripts/arrows.ts"]],
];

function counted(name: string, { success, output }: Outcome): Tally {
  return success ? { ...NOTHING, passed: 1 } : { ...NOTHING, failed: [{ name, why: output.trim() }] };
}

/** One command that passes or fails as a whole; what it prints is shown if it fails, or always. */
async function step(
  name: string,
  command: string,
  args: readonly string[],
  limit: number,
  show = false,
): Promise<Tally> {
  const outcome = await run(command, args, { cwd: root, limit, show });
  console.log(outcome.success ? `${name}: ok` : `${name}: FAILED${show ? "" : `\n${outcome.output}`}`);
  return counted(name, outcome);
}

async function gate(): Promise<Tally> {
  const tallies: Tally[] = [];
  for (const [name, args] of GATE) tallies.push(await step(name, deno, args, 120 * SECOND));
  return tallies.reduce((all, one) => ({
    ...all,
    passed: all.passed + one.passed,
    failed: [...all.failed, ...one.failed],
  }));
}

/** One run of `deno test`, which prints as it goes. */
async function tests(title: string, args: readonly string[], limit: number): Promise<Tally> {
  const work = await Deno.makeTempDir({ prefix: "flux-runner-" });
  try {
    const env = { FLUX_TEST_SKIPS: `${work}/skips` };
    const outcome = await run(deno, ["test", "-A", "--permit-no-files", `--junit-path=${work}/junit`, ...args], {
      cwd: root,
      env,
      limit,
      show: true,
    });
    const read = async (path: string) => await exists(path) ? await Deno.readTextFile(path) : "";
    const skips = (await read(env.FLUX_TEST_SKIPS)).split("\n").filter(Boolean).map((line) => JSON.parse(line));
    return tally({ title, ...outcome, junit: await read(`${work}/junit`), skips });
  } finally {
    await Deno.remove(work, { recursive: true });
  }
}

/** The files below some folders that `wanted` accepts, sorted. */
async function files(folders: readonly string[], wanted: (path: string) => boolean): Promise<string[]> {
  const found: string[] = [];
  for (const folder of folders) {
    for await (const entry of Deno.readDir(root + folder)) {
      const path = `${folder}/${entry.name}`;
      if (entry.isDirectory) found.push(...await files([path], wanted));
      else if (wanted(path)) found.push(path);
    }
  }
  return found.sort();
}

/** The files with examples: in documentation comments, or in Markdown. */
async function withExamples(): Promise<string[]> {
  const paths = await files(["broker", "commands", "modules"], (path) => path.endsWith(".ts"));
  const pages = await files(["docs"], (path) => path.endsWith(".md"));
  if (await exists(`${root}README.md`)) pages.push("README.md");
  const found: string[] = [];
  for (const path of [...paths, ...pages]) {
    if (/^[ *]*```ts\b/m.test(await Deno.readTextFile(root + path))) found.push(path);
  }
  return found;
}

/** A session that this was started from is none of the tests' business. */
function forgetSession(): void {
  for (const name of Object.keys(Deno.env.toObject())) {
    if (/^(FLUX|PMI|SLURM)_/.test(name) && !/^FLUX_(TEST_|CACHE_DIR$)/.test(name)) Deno.env.delete(name);
  }
}

async function main(args: readonly string[]): Promise<number> {
  forgetSession();
  const words = args.filter((arg) => arg !== "--no-gate");
  const all = await files(["tests"], (path) => path.endsWith("_test.ts"));
  const named = all.filter((path) => words.some((word) => path.includes(word)));
  const chosen = named.length > 0 ? named : all;
  const filter = words.length > 0 && named.length === 0 ? [`--filter=/${words.map(RegExp.escape).join("|")}/`] : [];
  const pure = chosen.filter((path) => PURE.test(path));
  const sessions = chosen.filter((path) => !PURE.test(path));

  const phases: [string, Tally][] = [];
  const phase = async (title: string, work: () => Promise<Tally>) => {
    console.log(`\n== ${title}`);
    phases.push([title, await work()]);
  };
  if (words.length === 0 && !args.includes("--no-gate")) await phase("gate", gate);
  if (sessions.length > 0) await phase("build", () => step("build", "scripts/build", [], 300 * SECOND, true));
  if (pure.length > 0) {
    await phase(
      "unit and sim",
      () => tests("unit and sim", ["--no-check", ...filter, ...pure], 900 * SECOND * FACTOR),
    );
  }
  if (sessions.length > 0) {
    await phase(
      "session and interop",
      () => tests("session and interop", ["--no-check", ...filter, ...sessions], 1_200 * SECOND * FACTOR),
    );
  }
  if (words.length === 0) {
    const examples = await withExamples();
    if (examples.length > 0) {
      await phase("doc examples", () => tests("doc examples", ["--doc", ...examples], 120 * SECOND));
    }
    if (await exists(`${root}tests/soak.ts`)) {
      await phase("soak", () => step("soak", deno, ["run", "-A", "tests/soak.ts"], 300 * SECOND, true));
    }
  }
  console.log(`\n== summary\n${closing(phases)}`);
  return phases.some(([, one]) => one.failed.length > 0) ? 1 : 0;
}

if (import.meta.main) Deno.exit(await main(Deno.args));
