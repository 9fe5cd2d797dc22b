/** `attr.*`: reading and changing the broker's attributes (wire.md §3.2). */

import { FluxError } from "../message/mod.ts";
import { anyone, booleanField, type Methods, stringField } from "../handle/mod.ts";
import type { Attributes } from "./attributes.ts";

/** The flag of an attribute that clients may cache. */
export const IMMUTABLE = 1;

export function attrService(attributes: Attributes): Methods {
  return {
    "attr.get": anyone(({ payload }) => {
      const name = stringField(payload, "name");
      const value = attributes.get(name);
      if (value === undefined) throw new FluxError("ENOENT");
      return { value, flags: attributes.isImmutable(name) ? IMMUTABLE : 0 };
    }),
    "attr.set": ({ payload }) => {
      attributes.set(
        stringField(payload, "name"),
        stringField(payload, "value"),
        booleanField(payload, "force", false),
      );
    },
    "attr.rm": ({ payload }) => attributes.remove(stringField(payload, "name")),
    "attr.list": anyone(() => ({ names: attributes.names() })),
  };
}
