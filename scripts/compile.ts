/**
 * Builds the one executable.
 *
 *     deno task compile [--format compile|self-extracting] [--target linux-x64|linux-arm64] [--output PATH]
 *
 * Without --format it is the `deno compile` form if denort of the pinned Deno can be had (DENORT_BIN, or Deno's own
 * download), else the self-extracting form. `--deno PATH` compiles with another Deno, for a denort of another version;
 * `--entry PATH` packs another program, for tests of the packing itself (it must answer to `version`, too).
 */

import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { bundle } from "./pack/bundle.ts";
import { writeWhole } from "./pack/bytes.ts";
import { denoCompile } from "./pack/deno_compile.ts";
import { exists } from "./pack/exists.ts";
import { libpmi } from "./pack/libpmi.ts";
import { libzmq, packedRuntime, ptyAddon, store } from "./pack/runtime.ts";
import { selfExtracting, selfExtractingHead } from "./pack/self_extracting.ts";
import type { TarFile } from "./pack/tar.ts";
import { type Target, TARGETS, thisMachine } from "./pack/versions.ts";

const root = new URL("../", import.meta.url).pathname;
const FORMATS = ["compile", "self-extracting"] as const;
type Format = typeof FORMATS[number];

interface Build {
  readonly target: Target;
  /** Absolute paths: the executable, the Deno that compiles, the file the program starts in. */
  readonly output: string;
  readonly deno: string;
  readonly entry: string;
}

/** What the build had to do without. */
const hints = new Set<string>();

async function programFiles(format: Format, { entry, target }: Build): Promise<TarFile[]> {
  const packed = format === "self-extracting";
  const files = await bundle({
    entry,
    manual: `${root}commands`,
    form: format,
    head: packed ? selfExtractingHead : "",
    hideImports: packed,
  });
  const pmi = await libpmi(target);
  if (!pmi) {
    hints.add("hint: there is no C compiler: without libpmi.so programs of Open MPI do not find each other in jobs");
  }
  const addons = [
    { name: "libzmq.node", data: await libzmq(target) },
    { name: "pty.node", data: await ptyAddon(target) },
    ...pmi ? [{ name: "libpmi.so", data: pmi }] : [],
  ];
  return [...files, ...addons];
}

async function buildCompiled(build: Build): Promise<void> {
  await denoCompile(build.deno, await programFiles("compile", build), build.target, build.output);
}

async function buildSelfExtracting(build: Build): Promise<void> {
  const { version } = JSON.parse(await Deno.readTextFile(`${root}deno.json`)) as { version: string };
  const { target } = build;
  const files = await programFiles("self-extracting", build);
  const executable = await selfExtracting({ version, target, runtime: await packedRuntime(target), files });
  await writeWhole(build.output, executable, 0o755);
}

const DAY = 24 * 3600 * 1000;
/** Holds why there was no denort when it was last tried. */
const unavailable = (target: Target) => `${store}/no-denort-${Deno.version.deno}-${target}`;

/** Why `deno compile` need not be tried now: it failed within a day, and nobody has named a denort since. */
async function knownObstacle(target: Target): Promise<string | undefined> {
  const note = unavailable(target);
  if (Deno.env.get("DENORT_BIN") || !await exists(note)) return undefined;
  const { mtime } = await Deno.stat(note);
  return Date.now() - mtime!.getTime() < DAY ? await Deno.readTextFile(note) : undefined;
}

/** Builds the `deno compile` form if it can be; else says why not. */
async function tryCompiled(build: Build): Promise<string | undefined> {
  const known = await knownObstacle(build.target);
  if (known !== undefined) return known;
  const files = await programFiles("compile", build);
  try {
    await denoCompile(build.deno, files, build.target, build.output);
    return undefined;
  } catch (error) {
    const reason = (error as Error).message;
    if (Deno.env.get("DENORT_BIN")) return reason;
    await Deno.mkdir(store, { recursive: true });
    await Deno.writeTextFile(unavailable(build.target), reason);
    return reason;
  }
}

/** Builds, and says in one line what was made and, when the form was not asked for, in another why it is not the other one. */
async function compile(wanted: Format | undefined, build: Build): Promise<void> {
  const { output, target } = build;
  await Deno.mkdir(output.slice(0, output.lastIndexOf("/")), { recursive: true });
  let format = wanted ?? "compile", why = "";
  if (wanted === "compile") await buildCompiled(build);
  const obstacle = wanted ? undefined : await tryCompiled(build);
  if (obstacle !== undefined) {
    [format, why] = [
      "self-extracting",
      `\nhint: for the deno compile form set DENORT_BIN; fetching denort failed: ${obstacle}`,
    ];
  }
  if (format === "self-extracting") await buildSelfExtracting(build);
  const { size } = await Deno.stat(output);
  console.error(`built ${output.replace(root, "")}: ${format} form, ${target}, ${(size / 1e6).toFixed(1)} MB${why}`);
  for (const hint of hints) console.error(hint);
}

function oneOf<T extends string>(name: string, value: string | undefined, choices: readonly T[]): T | undefined {
  if (value === undefined || choices.includes(value as T)) return value as T | undefined;
  throw new Error(`--${name} ${value}: must be ${choices.join(" or ")}`);
}

if (import.meta.main) {
  try {
    const { values } = parseArgs({
      args: Deno.args,
      options: {
        format: { type: "string" },
        target: { type: "string" },
        output: { type: "string" },
        deno: { type: "string" },
        entry: { type: "string" },
      },
    });
    await compile(oneOf("format", values.format, FORMATS), {
      target: oneOf("target", values.target, TARGETS) ?? thisMachine(),
      output: resolve(values.output ?? `${root}dist/flux`),
      deno: values.deno ?? Deno.execPath(),
      entry: resolve(values.entry ?? `${root}main.ts`),
    });
  } catch (error) {
    console.error(`compile: ${error instanceof Error ? error.message : error}`);
    Deno.exit(1);
  }
}
