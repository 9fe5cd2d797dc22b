/**
 * `modctl`: modules of many ranks in one step. The rank that is asked does it for the caller, to the end, also when the
 * caller goes away meanwhile.
 */

import {
  booleanField,
  type Handle,
  type Module,
  optionalString,
  stringField,
  stringsField,
  user,
} from "../../broker/handle/mod.ts";
import { errnum, FluxError, Idset, type JsonObject } from "../../broker/message/mod.ts";
import { ModuleTable, Outcomes } from "./outcomes.ts";
import type { ChangeReply, ListReply } from "./protocol.ts";

/** A rank has this long to load, remove or tell, ms: more than its broker gives the module. */
const PATIENCE = 100_000;

const modctl: Module = {
  name: "modctl",
  async start({ name, handle }) {
    const control = new ModuleControl(handle, name);
    await handle.serve({
      "modctl.load": ({ payload }) => control.load(payload),
      "modctl.remove": ({ payload }) => control.remove(payload),
      "modctl.list": user(({ payload }) => control.list(payload)),
    });
  },
};
export default modctl;

class ModuleControl {
  readonly #handle: Handle;
  readonly #self: string;

  constructor(handle: Handle, self: string) {
    this.#handle = handle;
    this.#self = self;
  }

  /** Loads on all of the ranks or, when one of them fails, on none: those that had loaded it remove it again. */
  async load(payload: JsonObject): Promise<ChangeReply> {
    const ranks = stringField(payload, "ranks");
    const path = stringField(payload, "path");
    const name = optionalString(payload, "name");
    const request = { path, args: stringsField(payload, "args", []), ...(name !== undefined && { name }) };
    const outcomes = await this.#everywhere("module.load", request, ranks);
    const { done, failures } = outcomes;
    if (failures.length === 0) return { done: `${done}`, failures };
    await this.#undo(path, name, outcomes);
    return { done: "", undone: `${done}`, failures: outcomes.failures };
  }

  /** Removes wherever it is: a rank that does not have it fails only when none has. Throws EINVAL for this module itself. */
  async remove(payload: JsonObject): Promise<ChangeReply> {
    const name = stringField(payload, "name");
    if (name === this.#self) throw new FluxError("EINVAL", `${name}: cannot remove itself from many ranks`);
    const request = { name, cancel: booleanField(payload, "cancel", false) };
    const { done, failures } = await this.#everywhere("module.remove", request, stringField(payload, "ranks"));
    const isMissing = (failure: { errnum: number }) => failure.errnum === errnum("ENOENT");
    return { done: `${done}`, failures: done.size > 0 ? failures.filter((failure) => !isMissing(failure)) : failures };
  }

  async list(payload: JsonObject): Promise<ListReply> {
    const service = optionalString(payload, "service") ?? "cmb";
    const table = new ModuleTable();
    const outcomes = await this.#everywhere(`${service}.lsmod`, {}, stringField(payload, "ranks"), (rank, answer) => {
      if (!Array.isArray(answer.mods)) throw new FluxError("EPROTO", `${service}.lsmod: "mods" must be an array`);
      table.add(rank, answer.mods as JsonObject[]);
    });
    return { mods: table.rows, failures: outcomes.failures };
  }

  /** Calls a method on ranks; `take` is given what each answers. */
  async #everywhere(
    topic: string,
    payload: object,
    ranks: string,
    take?: (rank: number, answer: JsonObject) => void,
  ): Promise<Outcomes> {
    const outcomes = new Outcomes();
    for await (const answer of this.#handle.mrpc(topic, payload, { ranks, timeout: PATIENCE })) {
      try {
        if (answer.errnum === 0) take?.(answer.rank, answer.payload);
        outcomes.add(answer);
      } catch (error) {
        if (!(error instanceof FluxError)) throw error;
        outcomes.fail(new Idset([answer.rank]), error);
      }
    }
    return outcomes;
  }

  /** Removes what was loaded. A word may stand for modules of different names on different ranks. */
  async #undo(path: string, given: string | undefined, outcomes: Outcomes): Promise<void> {
    const { done } = outcomes;
    if (done.size === 0) return;
    const names = new Map<string, Idset>();
    if (given !== undefined) names.set(given, done);
    else {
      await this.#everywhere("module.info", { path }, `${done}`, (rank, { name }) => {
        names.set(`${name}`, (names.get(`${name}`) ?? new Idset()).add(rank));
      });
    }
    for (const [name, ranks] of names) {
      const { failures } = await this.#everywhere("module.remove", { name }, `${ranks}`);
      for (const { ranks, errnum, text } of failures) {
        outcomes.fail(Idset.parse(ranks), new FluxError(errnum, `${name} stays loaded: ${text}`));
      }
    }
  }
}
