/** Which endpoint serves which service name on this broker (wire.md §1.7, 2.7). */

import { FluxError } from "../message/mod.ts";

export class ServiceTable {
  readonly #owners = new Map<string, string>();

  find(service: string): string | undefined {
    return this.#owners.get(service);
  }

  /** Names served by `id`. */
  of(id: string): string[] {
    return [...this.#owners].filter(([, owner]) => owner === id).map(([service]) => service);
  }

  /** Throws EINVAL for a name no topic can have, EEXIST for one that is taken. */
  add(service: string, id: string): void {
    if (service === "" || service.includes(".")) throw new FluxError("EINVAL", `"${service}" is no service name`);
    if (this.#owners.has(service)) throw new FluxError("EEXIST");
    this.#owners.set(service, id);
  }

  /** Throws ENOENT for a name that `id` does not serve. */
  remove(service: string, id: string): void {
    if (this.#owners.get(service) !== id) throw new FluxError("ENOENT");
    this.#owners.delete(service);
  }

  removeAll(id: string): void {
    for (const service of this.of(id)) this.#owners.delete(service);
  }
}
