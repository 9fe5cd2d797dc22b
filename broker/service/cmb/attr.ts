/** `cmb.attrget`, `cmb.attrset`, `cmb.attrlist`: attributes as the 0.1.0 tools know them (services.md §3). */

import { FluxError } from "../../message/mod.ts";
import { anyone, type Methods, optionalString, stringField } from "../../handle/mod.ts";
import { IMMUTABLE } from "../attr.ts";
import { ATTRIBUTE_ALIASES } from "../attribute_names.ts";
import type { Attributes } from "../attributes.ts";

const READONLY = 2;
const ACTIVE = 4;

export function cmbAttrService(attributes: Attributes): Methods {
  return {
    "cmb.attrget": anyone(({ payload }) => {
      const name = stringField(payload, "name");
      const value = attributes.get(name);
      if (value === undefined) throw new FluxError("ENOENT");
      return { value, flags: flags(attributes, name) };
    }),
    "cmb.attrset": ({ payload }) => {
      const name = stringField(payload, "name");
      const value = optionalString(payload, "value");
      if (name === "") throw new FluxError("EINVAL", "the name of an attribute is empty");
      if (value === undefined) remove(attributes, name);
      else set(attributes, name, value);
    },
    "cmb.attrlist": anyone(() => ({ names: [...attributes.names(), ...Object.keys(ATTRIBUTE_ALIASES)].sort() })),
  };
}

function set(attributes: Attributes, name: string, value: string): void {
  if (attributes.isSettable(name)) attributes.set(name, value);
  else if (!attributes.has(name)) attributes.register(name, { value, update: true });
  else throw refusal(attributes, name);
}

function remove(attributes: Attributes, name: string): void {
  if (!attributes.has(name)) throw new FluxError("ENOENT");
  if (!attributes.isSettable(name)) throw new FluxError("EPERM");
  attributes.remove(name);
}

/** A count that the broker works out has nothing that could be set; other attributes are withheld. */
function refusal(attributes: Attributes, name: string): FluxError {
  return new FluxError(attributes.isActive(name) && !attributes.isImmutable(name) ? "ENOENT" : "EPERM");
}

function flags(attributes: Attributes, name: string): number {
  const immutable = attributes.isImmutable(name);
  return (immutable ? IMMUTABLE : 0) | (immutable || attributes.isSettable(name) ? 0 : READONLY) |
    (attributes.isActive(name) ? ACTIVE : 0);
}
