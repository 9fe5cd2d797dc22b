/** What a request to enter a meeting says, whatever it is met for. */

import { FluxError, Idset, type JsonObject, Role } from "../message/mod.ts";
import { integerField, optionalString } from "./fields.ts";
import type { Terms } from "./rendezvous.ts";
import type { Request } from "./request.ts";

/**
 * Reads `name`, `nprocs`, `ranks` (an idset) and `timeout` (seconds) of a request. Throws EINVAL for a name that is
 * missing or empty, for fewer parties than one or than ranks, and for a rank that the session of this size does not have;
 * EPROTO for fields of another type.
 */
export function readParty(
  { payload, userid, rolemask }: Request,
  size: number,
  agreed?: JsonObject,
): { terms: Terms; timeout: number | undefined } {
  const name = optionalString(payload, "name");
  if (name === undefined || name === "") throw new FluxError("EINVAL", `"name" is missing`);
  const nprocs = integerField(payload, "nprocs");
  if (nprocs < 1) throw new FluxError("EINVAL", `"nprocs" must be 1 or more, not ${nprocs}`);
  const ranks = readRanks(payload, nprocs, size);
  const scope = `${userid}:${rolemask & ~Role.local}`;
  return {
    terms: { name, scope, nprocs, ...(ranks !== undefined && { ranks }), ...(agreed && { agreed }) },
    timeout: readTimeout(payload),
  };
}

/** Whose meeting it is: all its parties are the same user in the same roles. */
export function userOf({ scope }: Terms): { userid: number; rolemask: number } {
  const [userid, rolemask] = scope.split(":");
  return { userid: Number(userid), rolemask: Number(rolemask) };
}

/** Milliseconds. */
function readTimeout({ timeout }: JsonObject): number | undefined {
  if (timeout === undefined || timeout === null) return undefined;
  const seconds = Number(timeout);
  if (typeof timeout === "string" || !(seconds >= 0)) throw new FluxError("EPROTO", `"timeout" must be seconds`);
  return seconds * 1000;
}

/** In one spelling. */
function readRanks(payload: JsonObject, nprocs: number, size: number): string | undefined {
  const text = optionalString(payload, "ranks");
  if (text === undefined) return undefined;
  const ranks = Idset.parse(text);
  for (const rank of ranks) {
    if (rank >= size) throw new FluxError("EINVAL", `there is no rank ${rank}: the session has ${size} ranks`);
  }
  if (ranks.size < 1 || ranks.size > nprocs) {
    throw new FluxError("EINVAL", `${nprocs} cannot meet on ${ranks.size} ranks`);
  }
  return `${ranks}`;
}
