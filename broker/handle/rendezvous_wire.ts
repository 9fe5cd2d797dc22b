/**
 * How batches of meetings travel (own format): a parcel is JSON and then what the parties brought, raw, so that brokers on
 * the way pass it on unread; its answer is JSON.
 */

import { decodeJson, encodeJson, FluxError, type JsonObject, pack, unpack } from "../message/mod.ts";
import { integerField, objectField, optionalString, stringField } from "./fields.ts";
import type { Batch, Outcome, Parcel, Patience, Terms } from "./rendezvous.ts";

/** What became of a parcel: of all its batches, or of those with these ids. */
export interface ParcelAnswer {
  readonly outcome: Outcome;
  readonly of?: readonly string[];
}

export function encodeParcel({ terms, patience, batches }: Parcel): Uint8Array<ArrayBuffer> {
  const list = batches.map(({ rank, instance, number, open, count, bodies, withdrawn }) =>
    [rank, instance, number, open, count, bodies.length, ...(withdrawn === undefined ? [] : [withdrawn])] as const
  );
  const wait = patience && [patience.whole, patience.left];
  return pack([encodeJson({ ...terms, wait, batches: list }), ...batches.flatMap(({ bodies }) => bodies)]);
}

/** The bodies are views on `bytes`. Throws EPROTO. */
export function decodeParcel(bytes: Uint8Array | undefined): Parcel {
  const [head, ...bodies] = unpack(bytes ?? new Uint8Array());
  const fields = decodeJson(head);
  const { wait, batches } = fields;
  if (!Array.isArray(batches) || batches.length === 0) throw malformed("batches");
  let at = 0;
  const read = batches.map((item) => {
    const { batch, bodyCount } = readBatch(item);
    batch.bodies.push(...bodies.slice(at, at += bodyCount));
    return batch;
  });
  if (at !== bodies.length) throw malformed("batches");
  return { terms: readTerms(fields), ...(wait != null && { patience: readPatience(wait) }), batches: read };
}

export function encodeAnswer({ outcome, of }: ParcelAnswer): Uint8Array<ArrayBuffer> {
  return encodeJson({ ...outcome, of });
}

/** Throws EPROTO. */
export function decodeAnswer(bytes: Uint8Array | undefined): ParcelAnswer {
  const fields = decodeJson(bytes);
  const text = optionalString(fields, "text");
  const { value, of } = fields;
  const outcome: Outcome = {
    errnum: integerField(fields, "errnum"),
    ...(text !== undefined && { text }),
    ...(value !== undefined && { value: objectField(fields, "value") }),
  };
  return { outcome, ...(Array.isArray(of) && { of: of.map(String) }) };
}

function readTerms(fields: JsonObject): Terms {
  const ranks = optionalString(fields, "ranks");
  return {
    name: stringField(fields, "name"),
    scope: stringField(fields, "scope"),
    nprocs: integerField(fields, "nprocs"),
    ...(ranks !== undefined && { ranks }),
    ...(fields.agreed !== undefined && { agreed: objectField(fields, "agreed") }),
  };
}

function readPatience(wait: unknown): Patience {
  const [whole, left] = Array.isArray(wait) ? wait : [];
  if (typeof whole !== "number" || typeof left !== "number") throw malformed("wait");
  return { whole, left };
}

function readBatch(item: unknown): { batch: Batch; bodyCount: number } {
  const [rank, instance, number, open, count, bodyCount, withdrawn] = Array.isArray(item) ? item : [];
  const isWhole = [rank, number, count, bodyCount].every((field) => Number.isInteger(field) && field >= 0);
  if (!isWhole || typeof instance !== "string" || !Array.isArray(open)) throw malformed("batches");
  const batch: Batch = { rank, instance, number, open: open.map(Number), count, bodies: [] };
  if (typeof withdrawn === "string") batch.withdrawn = withdrawn;
  return { batch, bodyCount };
}

function malformed(field: string): FluxError {
  return new FluxError("EPROTO", `malformed parcel: "${field}"`);
}
