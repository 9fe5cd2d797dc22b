/** What a run of tests came to, read from what `deno test` prints and writes. Pure. */

/** One test that did not run, with its reason. */
export interface Skip {
  readonly name: string;
  readonly reason: string;
}

/** One test that failed, or a whole run that broke off. */
export interface Failure {
  readonly name: string;
  /** What it said, as far as it is known: told again at the end, since the output of a long run is cut in many places. */
  readonly why: string;
}

/** The outcome of one phase, or of all. */
export interface Tally {
  readonly passed: number;
  readonly failed: readonly Failure[];
  readonly skipped: readonly Skip[];
}

/** What is told again of a failure. */
const SHOWN_LINES = 24, SHOWN_COLUMNS = 300;

export const NOTHING: Tally = { passed: 0, failed: [], skipped: [] };

export function add(a: Tally, b: Tally): Tally {
  return {
    passed: a.passed + b.passed,
    failed: [...a.failed, ...b.failed],
    skipped: [...a.skipped, ...b.skipped],
  };
}

/** `3 passed, 0 failed, 1 skipped` */
export function countLine(tally: Tally): string {
  return `${tally.passed} passed, ${tally.failed.length} failed, ${tally.skipped.length} skipped`;
}

/** What is known of one run of `deno test`. */
export interface Run {
  /** How the run is called when it breaks off. */
  readonly title: string;
  /** Its exit status is 0. */
  readonly success: boolean;
  /** What it printed, without colours. */
  readonly output: string;
  /** Its JUnit report; empty if it wrote none. */
  readonly junit: string;
  /** The lines of FLUX_TEST_SKIPS that its tests wrote (tests/skip.ts). */
  readonly skips: readonly { readonly name: string; readonly reason: string; readonly ran: boolean }[];
}

const SUMMARY =
  /^(?:ok|FAILED) \| (\d+) passed(?: \(\d+ steps?\))? \| (\d+) failed(?: \(\d+ steps?\))?(?: \| (\d+) ignored)?/m;

/**
 * The tally of a run. Counts come from the summary line, since the JUnit report leaves out files that failed to load;
 * names come from the report. A run without a summary, or with a failure nobody counted, is one failure by its title.
 */
export function tally(run: Run): Tally {
  const summary = run.output.match(SUMMARY);
  const failure = (what: string): Failure => ({ name: `${run.title} (${what})`, why: "" });
  if (!summary) return { ...NOTHING, failed: run.success ? [] : [failure("did not finish")] };
  const [passed, failed] = [Number(summary[1]), Number(summary[2])];
  const cases = testCases(run.junit);
  const failures = cases.filter((test) => test.outcome === "failed").map(({ name, why }) => ({ name, why }));
  while (failures.length < failed) failures.push(failure("a file that did not load or left an error"));
  if (!run.success && failures.length === 0) failures.push(failure("exit status"));
  const reasons = new Map(run.skips.map((skip) => [skip.name, skip.reason]));
  const declared = cases.filter((test) => test.outcome === "skipped").map(({ name }) => name);
  const found = [...new Set(run.skips.filter((skip) => skip.ran).map((skip) => skip.name))];
  return {
    passed: passed - found.length,
    failed: failures,
    skipped: [...declared, ...found].map((name) => ({ name, reason: reasons.get(name) ?? "no reason given" })),
  };
}

interface TestCase extends Failure {
  readonly outcome: "passed" | "failed" | "skipped";
}

/** The tests of a JUnit report, without their steps. */
function testCases(junit: string): TestCase[] {
  const cases: TestCase[] = [];
  for (const [, attributes, body] of junit.matchAll(/<testcase ([^>]*)>([\s\S]*?)<\/testcase>/g)) {
    const name = unescape(attributes!.match(/name="([^"]*)"/)?.[1] ?? "");
    if (name.includes(" > ") && cases.some((test) => name.startsWith(`${test.name} > `))) continue;
    const outcome = body!.includes("<failure") ? "failed" : body!.includes("<skipped") ? "skipped" : "passed";
    const why = unescape(body!.match(/<failure[^>]*>([\s\S]*?)<\/failure>/)?.[1] ?? "").trim();
    cases.push({ name, outcome, why });
  }
  return cases;
}

function unescape(text: string): string {
  const names: Record<string, string> = { lt: "<", gt: ">", quot: '"', apos: "'", amp: "&" };
  return text.replace(/&(\w+);/g, (whole, name: string) => names[name] ?? whole);
}

/** The closing lines: each phase, what was skipped and why, what failed; the sum of all stands last and alone. */
export function closing(phases: readonly (readonly [title: string, tally: Tally])[]): string {
  const whole = phases.map(([, one]) => one).reduce(add, NOTHING);
  const lines = phases.map(([title, one]) => `${title}: ${countLine(one)}`);
  if (whole.skipped.length > 0) lines.push("", "Skipped:");
  for (const { name, reason } of whole.skipped) lines.push(`  ${name}: ${reason}`);
  if (whole.failed.length > 0) lines.push("", "Failed:");
  for (const { name, why } of whole.failed) {
    lines.push(`  ${name}`, ...why ? shortened(why).map((line) => `    ${line}`) : []);
  }
  return [...lines, "", countLine(whole)].join("\n");
}

/** Its first lines and its last. */
function shortened(text: string): string[] {
  const lines = text.split("\n").map((line) => line.slice(0, SHOWN_COLUMNS));
  if (lines.length <= SHOWN_LINES) return lines;
  const half = SHOWN_LINES / 2;
  return [...lines.slice(0, half), `[${lines.length - SHOWN_LINES} lines]`, ...lines.slice(-half)];
}
