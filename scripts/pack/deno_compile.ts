/** The `deno compile` form: needs denort, the runtime without tools that Deno appends a program to. */

import type { TarFile } from "./tar.ts";
import { type Target, thisMachine, V8_FLAGS } from "./versions.ts";

const TRIPLES: Record<Target, string> = {
  "linux-x64": "x86_64-unknown-linux-gnu",
  "linux-arm64": "aarch64-unknown-linux-gnu",
};

/** Long enough for a download that is under way to show, short enough to wait for one that never comes. */
const PATIENCE = 60_000;

/**
 * Compiles the files into an executable at `output`. `deno` is the Deno to compile with; denort is the environment's
 * DENORT_BIN or what Deno downloads itself. Throws an Error with Deno's reason when that cannot be had.
 */
export async function denoCompile(
  deno: string,
  files: readonly TarFile[],
  target: Target,
  output: string,
): Promise<void> {
  const work = await Deno.makeTempDir({ prefix: "flux-compile-" });
  const draft = `${output}.${Deno.pid}`;
  try {
    for (const file of files) await Deno.writeFile(`${work}/${file.name}`, file.data);
    const includes = files.slice(1).flatMap((file) => ["--include", file.name]);
    const flags = [
      "--allow-all",
      "--no-check",
      "--no-config",
      "--no-lock",
      "--no-remote",
      "--no-code-cache",
      "--quiet",
      `--v8-flags=${V8_FLAGS}`,
    ];
    const { success, signal, stderr } = await new Deno.Command(deno, {
      args: ["compile", ...flags, "--target", TRIPLES[target], "--output", draft, ...includes, files[0]!.name],
      cwd: work,
      env: { NO_COLOR: "1", DENO_TLS_CA_STORE: "mozilla,system" },
      signal: AbortSignal.timeout(PATIENCE),
    }).output();
    if (signal) throw new Error(`not done after ${PATIENCE / 1000} s`);
    if (!success) throw new Error(reason(new TextDecoder().decode(stderr)));
    if (target === thisMachine()) await assertStarts(draft);
    await Deno.rename(draft, output);
  } finally {
    await Deno.remove(work, { recursive: true });
    await Deno.remove(draft).catch(() => {});
  }
}

/** A denort of another version than the Deno that compiled makes an executable that does not find its own program. */
async function assertStarts(executable: string): Promise<void> {
  const { success, stdout } = await new Deno.Command(executable, { args: ["version"], stdin: "null" }).output();
  if (!success || stdout.length === 0) throw new Error("what was made with DENORT_BIN does not run: another version?");
}

/** Why it failed: the innermost cause that Deno gives, else its error line. */
function reason(text: string): string {
  const lines = text.split("\n").map((line) => line.trim());
  const url = text.match(/url \((\S+)\)/)?.[1];
  const cause = lines.findLast((line) => /^\d+: (?!<unknown>)/.test(line))?.replace(/^\d+: /, "");
  const error = lines.find((line) => line.startsWith("error"))?.replace(/^error: /, "");
  return [url, cause ?? error ?? "it failed without a word"].filter(Boolean).join(": ");
}
