/** Where the code of a module comes from: the table of built-in ones, or a file. Reads files and imports them. */

import { FluxError } from "../message/mod.ts";
import type { Module } from "../handle/mod.ts";
import { isFile } from "../ports/mod.ts";
import { sha1Hex } from "./sha1.ts";

/** The code of a module, found. */
export interface ModuleSource {
  readonly module: Module;
  /** The file, or `builtin`. */
  readonly path: string;
  /** Bytes of the file; 0 for a built-in one. */
  readonly size: number;
  /** SHA-1 of the file, or of a built-in's name and the version it came with. */
  readonly digest: string;
  /** Modules that must run before it. */
  readonly needs: readonly string[];
}

/** A row of the table of built-in modules. */
export interface Builtin {
  readonly needs?: readonly string[];
  load(): Promise<{ default: Module }>;
}

export interface SourceOptions {
  readonly builtins: Readonly<Record<string, Builtin>>;
  /** The version that built-in modules came with. */
  readonly version: string;
  /** The value of FLUX_MODULE_PATH: directories, separated by colons. */
  searchPath(): string | undefined;
}

/** How the file of a module may end; earlier ones are preferred. */
const ENDINGS = [".js", ".mjs", ".ts"] as const;
const BUILTIN = "builtin";

/**
 * The module called `word`: a built-in one, or the first `DIR/word.js`, `.mjs` or `.ts` of the search path; a word with a
 * slash is a path. Throws ENOENT, and EINVAL for a file that holds no module.
 */
export async function findModule(word: string, options: SourceOptions): Promise<ModuleSource> {
  const builtin = Object.hasOwn(options.builtins, word) ? options.builtins[word] : undefined;
  if (builtin) {
    const { default: module } = await builtin.load();
    const digest = sha1Hex(new TextEncoder().encode(`${word} ${options.version}`));
    return { module, path: BUILTIN, size: 0, digest, needs: builtin.needs ?? [] };
  }
  const path = word.includes("/") ? absolute(word) : search(word, options.searchPath() ?? "");
  if (path === undefined) throw new FluxError("ENOENT", "module not found in search path");
  return await readModule(path);
}

/** The URL a module was imported from, without what makes it unique: how it appears in stack traces. */
export function moduleUrl(path: string): string {
  return `file://${path.split("/").map(encodeURIComponent).join("/")}`;
}

async function readModule(path: string): Promise<ModuleSource> {
  if (!ENDINGS.some((ending) => path.endsWith(ending))) {
    throw new FluxError("EINVAL", `${path}: a module is a file that ends in ${ENDINGS.join(", ")}`);
  }
  let bytes: Uint8Array;
  try {
    bytes = await Deno.readFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) throw new FluxError("ENOENT", `${path}: No such file or directory`);
    if (error instanceof Deno.errors.PermissionDenied) throw new FluxError("EACCES", `${path}: Permission denied`);
    throw new FluxError("EIO", `${path}: cannot be read: ${error instanceof Error ? error.message : error}`);
  }
  if (path.endsWith(".ts") && Deno.build.standalone) {
    throw new FluxError("ENOTSUP", `${path}: this flux cannot read TypeScript; compile the module to .js first`);
  }
  const digest = sha1Hex(bytes);
  // The digest makes the URL new whenever the file has changed, since a URL is only ever imported once.
  const { default: module } = await importFile(path, `${moduleUrl(path)}?${digest}`);
  return { module: checked(path, module), path, size: bytes.length, digest, needs: [] };
}

async function importFile(path: string, url: string): Promise<{ default?: unknown }> {
  try {
    return await import(url);
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    const place = /:(\d+:\d+)/.exec((error instanceof Error ? `${text}\n${error.stack}` : text).split(url)[1] ?? "");
    const reason = text.split("\n")[0]!.replace(/ at file:\S+$/, "");
    throw new FluxError("EINVAL", `${path}${place ? `:${place[1]}` : ""}: cannot be loaded: ${reason}`, {
      cause: error,
    });
  }
}

function checked(path: string, value: unknown): Module {
  const module = value as Partial<Module> | undefined;
  const services = module?.services ?? [];
  if (typeof module?.name !== "string" || typeof module.start !== "function") {
    const what = value === undefined ? "there is no default export" : "the default export is no module";
    throw new FluxError("EINVAL", `${path}: ${what}; it must be an object with a name and a start function`);
  }
  if (!Array.isArray(services) || !services.every((service) => typeof service === "string")) {
    throw new FluxError("EINVAL", `${path}: "services" must be an array of names`);
  }
  return module as Module;
}

function search(word: string, directories: string): string | undefined {
  const names = ENDINGS.some((ending) => word.endsWith(ending)) ? [word] : ENDINGS.map((ending) => word + ending);
  for (const directory of directories.split(":").filter((directory) => directory !== "")) {
    for (const name of names) {
      const path = absolute(`${directory}/${name}`);
      if (isFile(path)) return path;
    }
  }
  return undefined;
}

function absolute(path: string): string {
  const whole = path.startsWith("/") ? path : `${Deno.cwd()}/${path}`;
  return new URL(moduleUrl(whole)).pathname.split("/").map(decodeURIComponent).join("/");
}
