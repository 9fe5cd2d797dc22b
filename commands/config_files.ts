/** The configuration of a broker: TOML files (flux-config(5)). */

import type { JsonObject } from "../broker/message/mod.ts";
import { explainDisk } from "../broker/ports/disk_error.ts";
import { CommandError } from "./command.ts";

/**
 * Reads a TOML file, or all `*.toml` of a directory in the order of their names; later ones replace keys of a table of the same
 * name. Throws a line with the file, and the place in it.
 */
export async function readConfig(path: string): Promise<JsonObject> {
  const { parse } = await import("smol-toml");
  const config: JsonObject = {};
  for (const file of filesOf(path)) {
    const text = read(file);
    let tables: JsonObject;
    try {
      tables = parse(text) as JsonObject;
    } catch (error) {
      // The reader's first line says what and where; below it is the text itself.
      throw new CommandError(`${file}: ${error instanceof Error ? error.message.split("\n")[0] : error}`);
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
    throw new CommandError(explainDisk(error, path).message);
  }
}

function read(file: string): string {
  try {
    return Deno.readTextFileSync(file);
  } catch (error) {
    throw new CommandError(explainDisk(error, file).message);
  }
}

function isTable(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
