/** `wreck.start` as a rank reads it. Pure. */

import { integerField, objectField, optionalInteger, stringField } from "../../broker/handle/mod.ts";
import { FluxError, type JsonObject } from "../../broker/message/mod.ts";
import { checkLayout } from "./layout.ts";
import type { Layout, StartRequest } from "./protocol.ts";
import { readSpec } from "./spec.ts";

/** Throws EPROTO for a field of a wrong type, EINVAL for a value that cannot be; both name it. */
export function readStart(payload: JsonObject): StartRequest {
  return {
    jobid: integerField(payload, "jobid"),
    name: stringField(payload, "name"),
    spec: readSpec(objectField(payload, "spec")),
    layout: readLayout(objectField(payload, "layout")),
    cc: optionalInteger(payload, "cc"),
    order: integerField(payload, "order"),
  };
}

function readLayout(layout: JsonObject): Layout {
  const { ranks, cores } = layout;
  if (!Array.isArray(ranks) || !Array.isArray(cores)) {
    throw new FluxError("EPROTO", '"layout" must name ranks and cores');
  }
  const cpumask = layout.cpumask === undefined ? {} : objectField(layout, "cpumask");
  for (const rank of Object.keys(cpumask)) stringField(cpumask, rank);
  return checkLayout({ ...layout, ranks, cores } as unknown as Layout);
}
