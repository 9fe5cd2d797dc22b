/**
 * `live`: the health of the tree, and rewiring around brokers that fail (services.md §8, design §7). Every rank watches its
 * children and its parent; what parents say of their children comes together at rank 0.
 */

import { FluxError, type JsonObject, real } from "../../broker/message/mod.ts";
import {
  anyone,
  integerField,
  type Module,
  type ModuleContext,
  type Request,
  type Running,
  stringField,
  user,
} from "../../broker/handle/mod.ts";
import { Flock } from "./flock.ts";
import { Herald } from "./herald.ts";
import { Lifeline } from "./lifeline.ts";
import { type Move, recoverHome, toNextParent } from "./places.ts";
import { decodeRecords } from "./register.ts";
import { Reporter } from "./reporter.ts";
import { changed, DEFAULTS, NAMES, readArguments, readSettings, type SettingName, type Settings } from "./settings.ts";
import { LiveState } from "./vigil.ts";

/** The first parent may take this long to take note of us before the module runs all the same, ms. */
const FIRST_GREETING = 2000;
const SETTINGS_EVENT = "live.settings", RECOVER_EVENT = "live.recover";

/** What the guarded broker says. */
interface News extends JsonObject {
  event: "start" | "tick" | "parent" | "orphan" | "child";
  rank: number;
  reason: string;
  change: string;
  epoch: number;
  links: Links;
}

interface Links extends JsonObject {
  parent: { rank: number; seen: number } | null;
  children: { rank: number; seen: number }[];
  ancestors: { rank: number }[];
}

class Live implements Running {
  readonly #context: ModuleContext;
  readonly #reporter: Reporter;
  readonly #flock: Flock;
  readonly #lifeline: Lifeline;
  readonly #herald: Herald | undefined;
  readonly #closed = new AbortController();
  #settings: Settings;
  #epoch = -1;
  #period = 2000;

  constructor(context: ModuleContext) {
    const { handle, args, ports: { clock, random, rank, size, attribute, log } } = context;
    this.#context = context;
    const given = Object.entries(NAMES).flatMap(([, name]) => {
      const value = attribute(`live.${name}`);
      return value === undefined ? [] : [`${name}=${value}`];
    });
    this.#settings = readArguments(DEFAULTS, [...given, ...args]);
    const post = (payload: object, parent: number) => handle.post("live.push", payload, { rank: parent });
    this.#reporter = new Reporter({ clock, post });
    if (rank === 0) this.#herald = new Herald({ handle, clock, size, epoch: () => this.#epoch });
    const tell = (record: Parameters<Reporter["tell"]>[0]) => {
      this.#herald?.apply([record]);
      this.#reporter.tell(record);
    };
    this.#flock = new Flock({ rank, handle, register: this.#reporter.register, tell, log });
    this.#lifeline = new Lifeline({
      rank,
      host: attribute("hostname") ?? "",
      handle,
      clock,
      random,
      settings: () => this.#settings,
      greeted: (parent, answer) => {
        this.#settings = readSettings(answer.settings);
        this.#reporter.begin(parent);
      },
      orphaned: () => this.#reporter.end(),
      log,
    });
  }

  async start(): Promise<void> {
    const { handle, ports: { rank } } = this.#context;
    const { period } = await handle.rpc<{ period: number }>("heartbeat.stats-get");
    this.#period = period * 1000;
    this.#declareAttributes();
    await handle.serve({
      "live.hello": (request) => this.#hello(request),
      "live.push": ({ payload }) => this.#push(payload),
      "live.status": user((request) => this.#status(request)),
      "live.stats-get": anyone(() => this.#stats()),
      "live.failover": () => toNextParent(handle),
      "live.recover": () => this.#goHome(),
    });
    await handle.listen(SETTINGS_EVENT, ({ payload }) => void (this.#settings = readSettings(payload)));
    await handle.listen(RECOVER_EVENT, () => this.#recover());
    void this.#guard();
    if (rank === 0) this.#beginRoot();
    else await this.#firstGreeting();
  }

  stop(): void {
    this.#closed.abort(new FluxError("ECANCELED"));
    this.#lifeline.close();
  }

  #beginRoot(): void {
    const { ports: { clock, attribute } } = this.#context;
    this.#herald!.follow().catch((error) => this.#unlessClosed(error));
    const version = [Math.floor(clock.wall()), 0, 0] as const;
    this.#herald!.apply([
      { rank: 0, parent: 0, host: attribute("hostname") ?? "", state: LiveState.ok, reason: "", version },
    ]);
  }

  async #firstGreeting(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = this.#context.ports.clock.after(FIRST_GREETING, resolve);
    await Promise.race([this.#lifeline.greeted, promise]);
    timer.cancel();
  }

  async #guard(): Promise<void> {
    const { handle } = this.#context;
    try {
      for await (const news of handle.stream<News>("overlay.guard", {}, { signal: this.#closed.signal })) {
        this.#heard(news);
      }
    } catch (error) {
      this.#unlessClosed(error);
    }
  }

  #heard({ event, rank, change, reason, epoch, links }: News): void {
    if (event === "tick") this.#tick(epoch, links);
    else if (event === "parent") this.#lifeline.joined(rank);
    else if (event === "orphan") this.#lifeline.lost(rank);
    else if (event === "child" && (change === "lost" || change === "left" || change === "moved")) {
      this.#flock.gone(rank, change, reason);
    }
  }

  #tick(epoch: number, { parent, children, ancestors }: Links): void {
    const isHeard = epoch !== this.#epoch;
    this.#epoch = epoch;
    const { maxIdle, maxCutoff } = this.#settings;
    this.#flock.tick(new Map(children.map((child) => [child.rank, child.seen])), this.#settings);
    this.#herald?.tick(maxIdle + maxCutoff);
    if (this.#context.ports.rank > 0) this.#lifeline.tick(isHeard, parent?.seen, ancestors.map((one) => one.rank));
  }

  #hello({ payload }: Request): object {
    const [rank, born, move] = ["rank", "born", "move"].map((name) => integerField(payload, name));
    this.#flock.greeted(rank!, stringField(payload, "host"), born!, move!);
    return { settings: this.#settings };
  }

  #push({ records }: JsonObject): void {
    const news = decodeRecords(records);
    this.#herald?.apply(news);
    this.#reporter.add(news);
  }

  #status(request: Request) {
    if (this.#herald) return this.#herald.status(request);
    throw new FluxError("EPROTO", "this RPC is only available on rank 0");
  }

  #stats(): object {
    const { slowIdle, maxIdle, maxCutoff } = this.#settings;
    return {
      "slow-idle": slowIdle,
      "max-idle": maxIdle,
      "max-cutoff": maxCutoff,
      period: real(this.#period / 1000),
      records: this.#reporter.register.all.length,
    };
  }

  #recover(): void {
    const { rank, log } = this.#context.ports;
    if (rank === 0) return;
    this.#goHome().catch((error) => {
      if (!(error instanceof FluxError)) throw error;
      if (!this.#closed.signal.aborted) log("warning", `recover: ${error.message}`);
    });
  }

  #goHome(): Promise<Move> {
    const { handle, ports: { clock } } = this.#context;
    return recoverHome(handle, clock, this.#closed.signal);
  }

  #declareAttributes(): void {
    const { handle, ports } = this.#context;
    for (const [name, word] of Object.entries(NAMES) as [SettingName, string][]) {
      ports.declare(`live.${word}`, {
        value: () => `${this.#settings[name]}`,
        update: (text) => {
          this.#settings = changed(this.#settings, name, text);
          handle.publish(SETTINGS_EVENT, this.#settings);
        },
      });
    }
  }

  #unlessClosed(error: unknown): void {
    if (!(error instanceof FluxError)) throw error;
    if (!this.#closed.signal.aborted) this.#context.ports.log("err", error.message);
  }
}

const live: Module = {
  name: "live",
  async start(context) {
    const running = new Live(context);
    await running.start();
    return running;
  },
};
export default live;
