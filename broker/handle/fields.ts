/** Reading single fields of a request: the door of every service. Each throws EPROTO and names the field. */

import { FluxError, Idset, type JsonObject } from "../message/mod.ts";

export function stringField(payload: JsonObject, name: string): string {
  const value = payload[name];
  if (typeof value !== "string") throw new FluxError("EPROTO", `"${name}" must be a string`);
  return value;
}

export function optionalString(payload: JsonObject, name: string): string | undefined {
  return payload[name] === undefined || payload[name] === null ? undefined : stringField(payload, name);
}

export function integerField(payload: JsonObject, name: string): number {
  const value = payload[name];
  if (typeof value !== "number" || !Number.isInteger(value)) {
    throw new FluxError("EPROTO", `"${name}" must be an integer`);
  }
  return value;
}

export function optionalInteger(payload: JsonObject, name: string): number | undefined {
  return payload[name] === undefined || payload[name] === null ? undefined : integerField(payload, name);
}

export function booleanField(payload: JsonObject, name: string, fallback?: boolean): boolean {
  const value = payload[name];
  if (value === undefined && fallback !== undefined) return fallback;
  if (typeof value !== "boolean") throw new FluxError("EPROTO", `"${name}" must be true or false`);
  return value;
}

export function stringsField(payload: JsonObject, name: string, fallback?: string[]): string[] {
  const value = payload[name];
  if (value === undefined && fallback) return fallback;
  if (!Array.isArray(value) || !value.every((item) => typeof item === "string")) {
    throw new FluxError("EPROTO", `"${name}" must be an array of strings`);
  }
  return value as string[];
}

export function objectField(payload: JsonObject, name: string): JsonObject {
  const value = payload[name];
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new FluxError("EPROTO", `"${name}" must be an object`);
  }
  return value;
}

export function idsetField(payload: JsonObject, name: string): Idset {
  const text = stringField(payload, name);
  try {
    return Idset.parse(text);
  } catch {
    throw new FluxError("EPROTO", `"${name}" must be an idset, not "${text}"`);
  }
}
