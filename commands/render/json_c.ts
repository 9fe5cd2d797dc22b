/** JSON as the 0.1.0 tools print it (cli.md §0). */

import type { Json } from "../../broker/message/mod.ts";

/** On one line: `{ "a": 42 }`, `[ 1, 2 ]`, `{ }`. */
export function spaced(value: Json): string {
  if (Array.isArray(value)) return value.length === 0 ? "[ ]" : `[ ${value.map(spaced).join(", ")} ]`;
  const members = membersOf(value);
  if (!members) return JSON.stringify(value);
  const inside = members.map(([name, member]) => `${JSON.stringify(name)}: ${spaced(member)}`).join(", ");
  return inside === "" ? "{ }" : `{ ${inside} }`;
}

/** One member a line, indented by two: `"a":42`. */
export function pretty(value: Json, indent = ""): string {
  const deeper = indent + "  ";
  const block = (items: string[], open: string, close: string) =>
    items.length === 0 ? open + close : `${open}\n${items.map((item) => deeper + item).join(",\n")}\n${indent}${close}`;
  if (Array.isArray(value)) return block(value.map((item) => pretty(item, deeper)), "[", "]");
  const members = membersOf(value);
  if (!members) return JSON.stringify(value);
  return block(members.map(([name, member]) => `${JSON.stringify(name)}:${pretty(member, deeper)}`), "{", "}");
}

function membersOf(value: Json): [string, Json][] | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  return Object.entries(value).filter((entry): entry is [string, Json] => entry[1] !== undefined);
}
