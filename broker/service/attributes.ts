/** The broker's attributes: named strings that describe it and tune it (wire.md §3.2). Pure. */

import { FluxError } from "../message/mod.ts";
import { ATTRIBUTE_ALIASES, attributeRule } from "./attribute_names.ts";

export interface Attribute {
  /** The value, or where to read it; undefined while it is unset. */
  value: string | undefined | (() => string | undefined);
  /** Never changes while the broker lives: clients may cache it. As the table of names says, unless given. */
  immutable?: boolean;
  /**
   * May be changed while the broker runs; as the table of names says, unless given. A function is called before the new
   * value is kept and throws FluxError to refuse it.
   */
  update?: boolean | ((value: string) => void);
}

export class Attributes {
  readonly #table = new Map<string, Attribute>();

  /** Adds an attribute or replaces it. Any name will do: it is the broker's own doing. */
  register(name: string, attribute: Attribute): void {
    this.#table.set(name, attribute);
  }

  /** Adds or replaces one for as long as its owner wants; what is returned puts back what was there before. */
  lend(name: string, attribute: Attribute): () => void {
    const before = this.#table.get(name);
    this.register(name, attribute);
    return () => {
      if (this.#table.get(name) !== attribute) return;
      if (before) this.#table.set(name, before);
      else this.#table.delete(name);
    };
  }

  /** The value; undefined for an attribute that is unknown or unset. */
  get(name: string): string | undefined {
    const value = this.#find(name)?.value;
    return typeof value === "function" ? value() : value;
  }

  /** Known, even if it is unset. */
  has(name: string): boolean {
    return this.#find(name) !== undefined;
  }

  /** Never changes while the broker lives. */
  isImmutable(name: string): boolean {
    return this.#find(name)?.immutable ?? attributeRule(original(name))?.immutable ?? false;
  }

  /** May be changed while the broker runs. */
  isSettable(name: string): boolean {
    const attribute = this.#find(name);
    if (attribute?.update !== undefined) return attribute.update !== false;
    const rule = attributeRule(original(name));
    if (!rule?.runtime) return false;
    return !rule.immutable || this.get(name) === undefined;
  }

  /** Its value is worked out when it is read. */
  isActive(name: string): boolean {
    return typeof this.#find(name)?.value === "function";
  }

  /**
   * Changes a value; `force` changes one that is not meant to. Throws ENOENT for a name no attribute may have, EINVAL
   * for one that may not change.
   */
  set(name: string, value: string, force = false): void {
    const known = original(name);
    const attribute = this.#table.get(known);
    if (!attribute && !attributeRule(known)) throw new FluxError("ENOENT", "unknown attribute");
    if (!force && !this.isSettable(known)) throw new FluxError("EINVAL", "attribute may not be updated");
    if (!attribute) return this.register(known, { value });
    if (typeof attribute.update === "function") attribute.update(value);
    if (typeof attribute.value !== "function") attribute.value = value;
  }

  /** Gives a value on the command line. Throws ENOENT for a name no attribute may have, EINVAL for one the broker decides. */
  configure(name: string, value: string): void {
    const rule = attributeRule(original(name));
    if (!rule) throw new FluxError("ENOENT", `${name}: unknown attribute`);
    if (rule.readonly) throw new FluxError("EINVAL", `${name}: attribute may not be set on the command line`);
    this.register(original(name), { value });
  }

  /** Removes one. Throws ENOENT, or EPERM when it is immutable or a part of the broker stands behind it. */
  remove(name: string): void {
    const attribute = this.#find(name);
    if (!attribute) throw new FluxError("ENOENT");
    if (this.isImmutable(name) || this.isActive(name) || typeof attribute.update === "function") {
      throw new FluxError("EPERM");
    }
    this.#table.delete(original(name));
  }

  /** The names of all attributes, unset ones included, sorted. */
  names(): string[] {
    return [...this.#table.keys()].sort();
  }

  #find(name: string): Attribute | undefined {
    return this.#table.get(original(name));
  }
}

function original(name: string): string {
  return Object.hasOwn(ATTRIBUTE_ALIASES, name) ? ATTRIBUTE_ALIASES[name]! : name;
}
