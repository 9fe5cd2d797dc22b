/** The words of `modctl` on the wire (own; rulings do not say, services.md §9 is history). */

/** Whom a request is for: an idset, or `all`. */
export interface ForRanks {
  readonly ranks: string;
}

export interface LoadRequest extends ForRanks {
  /** A name, or the path of a file. */
  readonly path: string;
  readonly args?: readonly string[];
  /** The name to load it under. */
  readonly name?: string;
}

export interface RemoveRequest extends ForRanks {
  readonly name: string;
  /** Does not wait for it to stop. */
  readonly cancel?: boolean;
}

export interface ListRequest extends ForRanks {
  /** Whose modules: `cmb` unless given. */
  readonly service?: string;
}

/** Ranks that failed for the same reason. */
export interface RankFailure {
  /** An idset. */
  readonly ranks: string;
  readonly errnum: number;
  readonly text: string;
}

/** Of a load or removal: the ranks that did it, and those that did not; idsets. */
export interface ChangeReply {
  readonly done: string;
  /** Ranks that had loaded it and removed it again, since others failed. */
  readonly undone?: string;
  readonly failures: readonly RankFailure[];
}

/** One module, with the ranks that have this very code of it. */
export interface ListedModule {
  readonly name: string;
  readonly size: number;
  readonly digest: string;
  /** Heartbeats since it last sent something: the fewest of all ranks. */
  readonly idle: number;
  readonly status: number;
  readonly services: readonly string[];
  readonly path: string;
  readonly ranks: string;
}

export interface ListReply {
  readonly mods: readonly ListedModule[];
  readonly failures: readonly RankFailure[];
}
