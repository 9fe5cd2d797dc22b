/** Standard input on its way to tasks that run already. */

type Read = (into: Uint8Array) => Promise<number | null>;

/** Reads as `read` does; what cannot be read, such as a directory, is told and is the end of it, as the tasks go on. */
export function taskInput({ read, warn }: { read: Read; warn(text: string): void }): Read {
  return async (into) => {
    try {
      return await read(into);
    } catch (error) {
      const reason = error instanceof Error ? error.message.replace(/ \(os error \d+\)/, "") : String(error);
      warn(`cannot read standard input: ${reason}`);
      return null;
    }
  };
}
