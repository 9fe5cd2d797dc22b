/** The reductions a multicast RPC may ask for by name: how the JSON objects of some ranks become one. One line each. Pure. */

import type { Json, JsonObject } from "../message/mod.ts";

/** Must give the same result however the objects are grouped, and in whatever order. */
export type Fold = (a: JsonObject, b: JsonObject) => JsonObject;

const FOLDS: Readonly<Record<string, Fold>> = {
  sum: fieldwise((a, b) => a + b),
  min: fieldwise(Math.min),
  max: fieldwise(Math.max),
};

/** The reduction of a name; undefined for one that is none. */
export function reduction(name: string): Fold | undefined {
  return Object.hasOwn(FOLDS, name) ? FOLDS[name] : undefined;
}

/** Numbers under the same key are combined, objects likewise inside; anything else is kept where all agree, else null. */
function fieldwise(combine: (a: number, b: number) => number): Fold {
  const both = (a: Json, b: Json): Json => {
    if (typeof a === "number" && typeof b === "number") return combine(a, b);
    if (isObject(a) && isObject(b)) return fold(a, b);
    return JSON.stringify(a) === JSON.stringify(b) ? a : null;
  };
  const fold: Fold = (a, b) => {
    const result: JsonObject = {};
    for (const key of new Set([...Object.keys(a), ...Object.keys(b)])) {
      const [x, y] = [a[key], b[key]];
      result[key] = x === undefined ? y : y === undefined ? x : both(x, y);
    }
    return result;
  };
  return fold;
}

function isObject(value: Json): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
