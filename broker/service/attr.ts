/** `attr.*`: reading and changing the broker's attributes (wire.md §3.2). */

import { FluxError } from "../message/mod.ts";
import { anyone, type Methods } from "../handle/mod.ts";
import type { Attributes } from "./attributes.ts";
import { stringField } from "./fields.ts";

const IMMUTABLE = 1;

export function attrService(attributes: Attributes): Methods {
  return {
    "attr.get": anyone(({ payload }) => {
      const name = stringField(payload, "name");
      const value = attributes.get(name);
      if (value === undefined) throw new FluxError("ENOENT");
      return { value, flags: attributes.isImmutable(name) ? IMMUTABLE : 0 };
    }),
    "attr.set": ({ payload }) => attributes.set(stringField(payload, "name"), stringField(payload, "value")),
    "attr.rm": ({ payload }) => attributes.remove(stringField(payload, "name")),
    "attr.list": anyone(() => ({ names: attributes.names() })),
  };
}
