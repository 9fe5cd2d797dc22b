/**
 * The program as JavaScript: main.ts and what it imports, each lazy import a chunk of its own, so that a command loads
 * only what it needs. Used by every form of the executable.
 */

import * as esbuild from "esbuild";
import type { TarFile } from "./tar.ts";

export interface BundleOptions {
  /** The file the program starts in. */
  readonly entry: string;
  /** The directory of the manual pages, NAME.md. */
  readonly manual: string;
  /** What the program finds as the global FLUX_FORM. */
  readonly form: string;
  /** JavaScript at the head of main.js; it runs before the program. */
  readonly head?: string;
  /** Hide lazy imports from the runtime's look ahead. Deno reads and parses every chunk that a literal import names. */
  readonly hideImports?: boolean;
}

/** The files of the bundle: `main.js` first, then its chunks, by name. Throws an Error that lists what does not build. */
export async function bundle(options: BundleOptions): Promise<TarFile[]> {
  try {
    const result = await esbuild.build({
      entryPoints: [{ in: options.entry, out: "main" }],
      bundle: true,
      splitting: true,
      write: false,
      outdir: "/bundle",
      format: "esm",
      platform: "neutral",
      mainFields: ["module", "main"],
      conditions: ["deno", "import", "default"],
      target: "esnext",
      external: ["node:*", "crypto"],
      chunkNames: "[name]-[hash]",
      minifyWhitespace: true,
      minifySyntax: true,
      legalComments: "none",
      logLevel: "silent",
      define: { FLUX_FORM: JSON.stringify(options.form) },
      plugins: [manualPages(options.manual)],
    });
    const files = result.outputFiles.map((file) => {
      const name = file.path.slice("/bundle/".length);
      // A chunk may be empty; a file of the packed program never is, so that an emptied one is known as damaged.
      const code = (options.hideImports ? hideImports(file.text) : file.text) || "\n";
      return { name, data: new TextEncoder().encode(name === "main.js" ? (options.head ?? "") + code : code) };
    });
    const rank = (file: TarFile) => (file.name === "main.js" ? 0 : 1);
    return files.sort((a, b) => rank(a) - rank(b) || (a.name < b.name ? -1 : 1));
  } catch (error) {
    if (!isBuildFailure(error)) throw error;
    throw new Error((await esbuild.formatMessages(error.errors, { kind: "error" })).join("").trim());
  } finally {
    await esbuild.stop();
  }
}

function isBuildFailure(error: unknown): error is esbuild.BuildFailure {
  return error instanceof Error && "errors" in error;
}

/** `import("./x.js")` → `import((0,"./x.js"))`: the same import, but found only when it is run. */
export function hideImports(code: string): string {
  return code.replace(/\bimport\(("\.\/[\w.-]+\.js")\)/g, "import((0,$1))");
}

/** Replaces commands/manual_pages.ts, which reads a directory, by the pages themselves. */
function manualPages(directory: string): esbuild.Plugin {
  return {
    name: "manual pages",
    setup(build) {
      build.onLoad({ filter: /\/commands\/manual_pages\.ts$/ }, async () => {
        const pages: Record<string, string> = {};
        for (const entry of [...Deno.readDirSync(directory)].sort((a, b) => (a.name < b.name ? -1 : 1))) {
          if (!entry.name.endsWith(".md")) continue;
          pages[entry.name.slice(0, -3)] = await Deno.readTextFile(`${directory}/${entry.name}`);
        }
        return { contents: `export const manualPages = async () => (${JSON.stringify(pages)});`, loader: "js" };
      });
    },
  };
}
