/** The configuration of a broker: TOML files (flux-config(5)). */

import type { JsonObject } from "../broker/message/mod.ts";
import { CommandError } from "./command.ts";

/**
 * Reads a TOML file, or all `*.toml` of a directory in the order of their names; later ones replace keys of a table of the same
 * name. Throws a line with the file, and the place in it.
 */
export async function readConfig(path: string): Promise<JsonObject> {
  const { parse } = await import("smol-toml");
  const config: JsonObject = {};
  for (const file of filesOf(path)) {
    let tables: JsonObject;
    try {
      tables = parse(Deno.readTextFileSync(file)) as JsonObject;
    } catch (error) {
      throw new CommandError(`${file}: ${reason(error)}`);
    }
    for (const [name, value] of Object.entries(tables)) {
      config[name] = isTable(value) && isTable(config[name]) ? { ...config[name], ...value } : value;
    }
  }
  return config;
}

function filesOf(path: string): string[] {
  try {
    if (!Deno.statSync(path).isDirectory) return [path];
    return [...Deno.readDirSync(path)].map(({ name }) => name).filter((name) => name.endsWith(".toml")).sort()
      .map((name) => `${path}/${name}`);
  } catch (error) {
    throw new CommandError(`${path}: ${reason(error)}`);
  }
}

function isTable(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function reason(error: unknown): string {
  if (error instanceof Deno.errors.NotFound) return "No such file or directory";
  // The reader's first line says what and where; below it is the text itself.
  return error instanceof Error ? error.message.split("\n")[0]! : String(error);
}
