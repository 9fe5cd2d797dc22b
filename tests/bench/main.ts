/**
 * Measures the built executable against the budgets in budgets.json: a table as it comes, and JSON.
 *
 *     deno task bench [NAME…] [--json FILE] [--quick] [--flux PATH]
 *
 * NAME: benches whose name begins so (`start`, `ping.own`, `cli`). A bench that fails says why, and the others go on.
 * Exit status: 0; 1 when a bench failed or a name is none (a missed budget is no failure); 2 for wrong usage.
 */

import type { Bench, Surroundings } from "./bench.ts";
import { type Budgets, judge, type Row } from "./figure.ts";
import { closingLine, type Failure, headLine, rowLine } from "./report.ts";
import { Session, type SessionOptions } from "./session.ts";
import { benches } from "./rows/mod.ts";

/** No bench takes longer unless something hangs, ms. */
const LIMIT = 180_000;
const LARGE = 64, QUICK_LARGE = 8;

interface Options {
  names: string[];
  json?: string;
  quick: boolean;
  flux: string;
}

function readArguments(words: readonly string[]): Options | string {
  const options: Options = { names: [], quick: false, flux: new URL("../../dist/flux", import.meta.url).pathname };
  for (let i = 0; i < words.length; i++) {
    const word = words[i]!;
    if (word === "--quick") options.quick = true;
    else if (word === "--json" || word === "--flux") {
      const value = words[++i];
      if (value === undefined) return `${word} needs a value`;
      options[word === "--json" ? "json" : "flux"] = value;
    } else if (word.startsWith("-")) return `unknown option ${word}`;
    else options.names.push(word);
  }
  return options;
}

/** Budgets hold for full runs only. */
async function readBudgets(): Promise<Budgets> {
  return JSON.parse(await Deno.readTextFile(new URL("budgets.json", import.meta.url)));
}

class Run {
  readonly rows: Row[] = [];
  readonly failures: Failure[] = [];
  readonly #options: Options;
  readonly #budgets: Budgets;
  readonly #work: string;
  #session: { key: string; session: Session } | undefined;

  constructor(options: Options, budgets: Budgets, work: string) {
    this.#options = options;
    this.#budgets = budgets;
    this.#work = work;
  }

  async bench(bench: Bench): Promise<void> {
    const expired = Promise.withResolvers<never>();
    const timer = setTimeout(() => expired.reject(new Error(`not done after ${LIMIT / 1000} s`)), LIMIT);
    try {
      await Promise.race([this.#figures(bench), expired.promise]);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      this.failures.push({ bench: bench.name, reason });
      console.log(`${bench.name}: FAILED: ${reason}`);
      await this.close();
    } finally {
      clearTimeout(timer);
    }
  }

  async close(): Promise<void> {
    const held = this.#session;
    this.#session = undefined;
    await held?.session.close();
  }

  async #figures(bench: Bench): Promise<void> {
    for await (const figure of bench.run(this.#surroundings())) {
      const row = judge(figure, this.#budgets, Deno.loadavg()[0]!);
      this.rows.push(row);
      console.log(rowLine(row));
    }
  }

  #surroundings(): Surroundings {
    const { flux, quick } = this.#options;
    return {
      flux,
      work: this.#work,
      quick,
      large: quick ? QUICK_LARGE : LARGE,
      times: (full) => quick ? Math.max(2, Math.ceil(full / 10)) : full,
      session: (options) => this.#sessionOf(options),
    };
  }

  async #sessionOf(options: SessionOptions): Promise<Session> {
    const key = JSON.stringify([options.size, options.arity, options.statedir]);
    if (this.#session?.key !== key) {
      await this.close();
      this.#session = { key, session: await Session.start(this.#options.flux, this.#work, options) };
    }
    return this.#session.session;
  }
}

/** The absolute path of the executable; undefined when there is none. */
async function executable(path: string): Promise<string | undefined> {
  try {
    return await Deno.realPath(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

async function main(words: readonly string[]): Promise<number> {
  const options = readArguments(words);
  if (typeof options === "string") {
    console.error(`bench: ${options}\nusage: deno task bench [NAME...] [--json FILE] [--quick] [--flux PATH]`);
    return 2;
  }
  const { names } = options;
  const chosen = benches.filter(({ name }) => names.length === 0 || names.some((prefix) => name.startsWith(prefix)));
  const unknown = names.filter((prefix) => !benches.some(({ name }) => name.startsWith(prefix)));
  if (unknown.length > 0) {
    console.error(
      `bench: no bench begins with ${unknown.join(", ")}; there are: ${benches.map(({ name }) => name).join(", ")}`,
    );
    return 1;
  }
  const flux = await executable(options.flux);
  if (!flux) {
    console.error(`bench: there is no ${options.flux}; build it with: deno task compile`);
    return 1;
  }
  const budgets = options.quick ? {} : await readBudgets();
  const work = await Deno.makeTempDir({ prefix: "flux-bench-" });
  const run = new Run({ ...options, flux }, budgets, work);
  const before = Deno.loadavg();
  console.log(
    `${flux} on ${navigator.hardwareConcurrency} cores, load ${before[0]!.toFixed(2)}\n${headLine()}`,
  );
  try {
    for (const bench of chosen) await run.bench(bench);
  } finally {
    await run.close();
    await Deno.remove(work, { recursive: true });
  }
  console.log(closingLine(run.rows, run.failures));
  if (options.json) {
    const machine = { cores: navigator.hardwareConcurrency, load: { before, after: Deno.loadavg() } };
    const { rows, failures } = run;
    const result = { quick: options.quick, machine, rows, failures };
    await Deno.writeTextFile(options.json, JSON.stringify(result, null, 2) + "\n");
  }
  return run.failures.length > 0 ? 1 : 0;
}

if (import.meta.main) Deno.exit(await main(Deno.args));
