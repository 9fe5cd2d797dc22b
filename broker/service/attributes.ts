/** The broker's attributes: named strings that describe it and tune it (wire.md §3.2). Pure. */

import { FluxError } from "../message/mod.ts";

export interface Attribute {
  /** The value, or where to read it; undefined while it is unset. */
  value: string | undefined | (() => string | undefined);
  /** Never changes while the broker lives: clients may cache it. */
  immutable?: boolean;
  /** May be changed by `attr.set`. Called before the new value is kept; throws FluxError to refuse it. */
  update?: true | ((value: string) => void);
}

export class Attributes {
  readonly #table = new Map<string, Attribute>();
  readonly #aliases = new Map<string, string>();

  /** Adds an attribute or replaces it. */
  register(name: string, attribute: Attribute): void {
    this.#table.set(name, attribute);
  }

  /** Another name for an attribute. */
  alias(alias: string, name: string): void {
    this.#aliases.set(alias, name);
  }

  /** The value; undefined for an attribute that is unknown or unset. */
  get(name: string): string | undefined {
    const value = this.#find(name)?.value;
    return typeof value === "function" ? value() : value;
  }

  isImmutable(name: string): boolean {
    return this.#find(name)?.immutable ?? false;
  }

  has(name: string): boolean {
    return this.#find(name) !== undefined;
  }

  /** Changes a value. Throws ENOENT for an unknown name, EINVAL for one that may not change (`force` overrides immutability only at start). */
  set(name: string, value: string): void {
    const attribute = this.#find(name);
    if (!attribute) throw new FluxError("ENOENT", "unknown attribute");
    if (!attribute.update) throw new FluxError("EINVAL", "attribute may not be updated");
    if (attribute.update !== true) attribute.update(value);
    if (typeof attribute.value !== "function") attribute.value = value;
  }

  /** Removes one. Throws ENOENT, or EPERM when it is immutable. */
  remove(name: string): void {
    const attribute = this.#find(name);
    if (!attribute) throw new FluxError("ENOENT");
    if (attribute.immutable) throw new FluxError("EPERM");
    this.#table.delete(this.#aliases.get(name) ?? name);
  }

  names(): string[] {
    return [...this.#table.keys(), ...this.#aliases.keys()].sort();
  }

  #find(name: string): Attribute | undefined {
    return this.#table.get(this.#aliases.get(name) ?? name);
  }
}
