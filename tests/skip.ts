/**
 * Tests that cannot run everywhere say so, with the reason, and `scripts/test` counts and lists them. Two ways: a test
 * that is known beforehand not to run is declared by {@link testUnless}; one that finds out calls {@link skip}.
 */

/** Declares a test that runs only if `obstacle` is undefined; else the reason it is skipped, `npm is not on PATH`. */
export function testUnless(
  obstacle: string | undefined,
  name: string,
  fn: (t: Deno.TestContext) => void | Promise<void>,
): void {
  if (obstacle !== undefined) record(name, obstacle, false);
  Deno.test({ name, ignore: obstacle !== undefined, fn });
}

/** Says that the test `t` cannot go on here, and why. The test returns after it: `return skip(t, "no srun here")`. */
export function skip(t: Deno.TestContext, reason: string): void {
  record(t.name, reason, true);
}

/** What the runner reads, a line of JSON each, from the file that FLUX_TEST_SKIPS names. */
export interface Skipped {
  readonly name: string;
  readonly reason: string;
  /** The test ran until it found out, so Deno counts it as passed. */
  readonly ran: boolean;
}

function record(name: string, reason: string, ran: boolean): void {
  console.log(`SKIP ${name}: ${reason}`);
  const path = Deno.env.get("FLUX_TEST_SKIPS");
  if (path) {
    Deno.writeTextFileSync(path, JSON.stringify({ name, reason, ran } satisfies Skipped) + "\n", { append: true });
  }
}

/** The obstacle of a test that takes long or downloads much: it runs when FLUX_TEST_LONG is set. */
export function unlessLong(): string | undefined {
  return Deno.env.get("FLUX_TEST_LONG") ? undefined : "takes long; FLUX_TEST_LONG=1 runs it";
}

/** The obstacle of a test that needs a program which not every machine has; `packages` are what Debian calls those with it. */
export function unlessProgram(name: string, packages: string): string | undefined {
  const isThere = (directory: string) => {
    try {
      return Deno.statSync(`${directory}/${name}`).isFile;
    } catch {
      return false;
    }
  };
  const found = (Deno.env.get("PATH") ?? "").split(":").some(isThere);
  return found ? undefined : `${name} is not on PATH (Debian: ${packages})`;
}
