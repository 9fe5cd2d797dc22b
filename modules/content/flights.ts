/** Work under way that whoever wants the same shares. */

export class Flights<T> {
  readonly #under = new Map<string, Promise<T>>();

  /** The result of the work under this name: of what is under way, else of `start`. */
  share(name: string, start: () => Promise<T>): Promise<T> {
    let flight = this.#under.get(name);
    if (!flight) {
      flight = start().finally(() => this.#under.delete(name));
      this.#under.set(name, flight);
    }
    return flight;
  }

  /** Resolves when what is under way now has ended, well or not. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#under.values());
  }
}
