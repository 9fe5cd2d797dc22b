/** `broker.getenv`, `broker.setenv`, `broker.conf-builtin`: the environment of this broker (wire.md §3.8). */

import { FluxError, type JsonObject } from "../message/mod.ts";
import { anyone, type Methods, objectField, stringsField } from "../handle/mod.ts";
import type { Attributes } from "./attributes.ts";

/** The environment that processes started by this broker inherit. */
export interface Environment {
  get(name: string): string | undefined;
  set(name: string, value: string): void;
  delete(name: string): void;
}

/** Built-in configuration by name: where each value is kept as an attribute. */
const BUILTIN: Readonly<Record<string, string>> = {
  rc1_path: "broker.rc1_path",
  rc3_path: "broker.rc3_path",
  shell_initrc: "conf.shell_initrc",
  shell_pluginpath: "conf.shell_pluginpath",
};

export function brokerService(attributes: Attributes, environment: Environment): Methods {
  return {
    "broker.getenv": ({ payload }) => {
      const env: JsonObject = {};
      for (const name of stringsField(payload, "names")) {
        const value = name === "" ? undefined : environment.get(name);
        if (value !== undefined) env[name] = value;
      }
      return { env };
    },
    "broker.setenv": ({ payload }) => {
      const changes = Object.entries(objectField(payload, "env"));
      for (const [name, value] of changes) {
        if (!/^[^=\0]+$/.test(name)) throw new FluxError("EINVAL", `"${name}" is no name of an environment variable`);
        if (value !== null && typeof value !== "string") {
          throw new FluxError("EPROTO", `"env.${name}" must be a string or null`);
        }
      }
      for (const [name, value] of changes) {
        if (typeof value === "string") environment.set(name, value);
        else environment.delete(name);
      }
    },
    "broker.conf-builtin": anyone(({ payload }) => {
      const values: JsonObject = {};
      for (const key of stringsField(payload, "keys")) {
        const attribute = BUILTIN[key];
        if (attribute === undefined) throw new FluxError("ENOENT", `${key}: no such built-in value`);
        values[key] = attributes.get(attribute) ?? "";
      }
      return { values };
    }),
  };
}
