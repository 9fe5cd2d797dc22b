import fc from "fast-check";
import { OptionError, type OptionSpec, type OptionTable, parseOptions } from "../../../commands/options.ts";
import { assert, assertEquals } from "../../assert.ts";
import { check } from "../../property.ts";

const TABLE = {
  all: { short: "a", type: "flag", help: "All" },
  verbose: { short: "v", type: "count", help: "More" },
  rank: { short: "r", type: "integer", arg: "N", help: "Rank", min: 0, max: 100 },
  delay: { short: "d", type: "number", default: 1, help: "Delay" },
  file: { short: "L", type: "string", help: "File" },
  name: { type: "string", default: "x", help: "Name", aliases: ["nom", "nome"] },
  module: { short: "M", type: "list", help: "Module" },
} as const satisfies OptionTable;

const NOTHING = {
  all: false,
  verbose: 0,
  rank: undefined,
  delay: 1,
  file: undefined,
  name: "x",
  module: [] as string[],
};

const READ: [string, string[], Partial<Record<keyof typeof TABLE, unknown>>, string[]][] = [
  ["no words at all", [], {}, []],
  ["a long flag", ["--all"], { all: true }, []],
  ["a short flag", ["-a"], { all: true }, []],
  ["a cluster", ["-vav"], { all: true, verbose: 2 }, []],
  ["a cluster that ends in a joined value", ["-vr2"], { verbose: 1, rank: 2 }, []],
  ["a cluster whose value is the next word", ["-vr", "2"], { verbose: 1, rank: 2 }, []],
  ["a joined value", ["-Lfile"], { file: "file" }, []],
  ["a joined value that begins with =", ["-L=x"], { file: "=x" }, []],
  ["a value behind =", ["--file=a=b"], { file: "a=b" }, []],
  ["an empty value behind =", ["--file="], { file: "" }, []],
  ["an empty value as a word", ["-L", ""], { file: "" }, []],
  ["a value as the next word", ["--file", "f"], { file: "f" }, []],
  ["a value that looks like an option", ["--file", "--all"], { file: "--all" }, []],
  ["a number with a fraction", ["-d.25"], { delay: 0.25 }, []],
  ["a number with an exponent", ["-d", "1e-3"], { delay: 0.001 }, []],
  ["a negative number", ["--delay=-1"], { delay: -1 }, []],
  ["the last of several values", ["-r1", "-r2"], { rank: 2 }, []],
  ["every value of a list", ["-Ma", "--module=b", "--module", "c,d"], { module: ["a", "b", "c,d"] }, []],
  ["another name of an option", ["--nome=y"], { name: "y" }, []],
  ["options up to the first word that is none", ["-a", "pub", "-v"], { all: true }, ["pub", "-v"]],
  ["options up to --", ["-a", "--", "-v"], { all: true }, ["-v"]],
  ["a second -- as a word", ["--", "--"], {}, ["--"]],
  ["a single - as a word", ["-", "-a"], {}, ["-", "-a"]],
  ["an empty word as a word", ["", "-a"], {}, ["", "-a"]],
];

for (const [what, words, opts, args] of READ) {
  Deno.test(`parseOptions() reads ${what}`, () => {
    const parsed = parseOptions(TABLE, words);
    assertEquals<unknown>(parsed.opts, { ...NOTHING, ...opts });
    assertEquals(parsed.args, args);
  });
}

const REFUSED: [string[], string][] = [
  [["--foo"], "unrecognized option '--foo'"],
  [["--foo=1"], "unrecognized option '--foo'"],
  [["-x"], "unrecognized option '-x'"],
  [["-ax"], "unrecognized option '-x'"],
  [["--al"], "unrecognized option '--al'"],
  [["---all"], "unrecognized option '---all'"],
  [["--=x"], "unrecognized option '--'"],
  [["--constructor"], "unrecognized option '--constructor'"],
  [["--all=yes"], "option '--all' does not take an argument"],
  [["--file"], "option '--file' requires an argument"],
  [["-aL"], "option '-L' requires an argument"],
  [["--rank", "one"], "option '--rank': 'one' is not an integer"],
  [["--rank="], "option '--rank': '' is not an integer"],
  [["-r1.5"], "option '-r': '1.5' is not an integer"],
  [["-r0x10"], "option '-r': '0x10' is not an integer"],
  [["-r", "-1"], "option '-r': -1 is less than 0"],
  [["-r101"], "option '-r': 101 is greater than 100"],
  [["-r99999999999999999999"], "option '-r': 99999999999999999999 is too large"],
  [["--delay=1s"], "option '--delay': '1s' is not a number"],
  [["--delay=1e999"], "option '--delay': '1e999' is not a number"],
  [["--delay=Infinity"], "option '--delay': 'Infinity' is not a number"],
  [["--delay= 1"], "option '--delay': ' 1' is not a number"],
];

for (const [words, text] of REFUSED) {
  Deno.test(`parseOptions() refuses ${JSON.stringify(words)}`, () => {
    let caught: unknown;
    try {
      parseOptions(TABLE, words);
    } catch (error) {
      caught = error;
    }
    assert(caught instanceof OptionError, String(caught));
    assertEquals(caught.message, text);
  });
}

Deno.test("parseOptions() tells how many words the options took", () => {
  assertEquals(parseOptions(TABLE, ["-r", "1", "-a", "x", "y"]).taken, 3);
  assertEquals(parseOptions(TABLE, ["-a", "--", "x"]).taken, 2);
  assertEquals(parseOptions(TABLE, ["-a", "--", "x"]).ended, true);
  assertEquals(parseOptions(TABLE, ["-a", "x", "--"]).ended, false);
});

/** A table with one option for each of some letters, and values for some of them. */
const tableAndValues = fc.uniqueArray(
  fc.record({
    letter: fc.constantFrom(..."abcdefgxyzABC"),
    type: fc.constantFrom<OptionSpec["type"]>("flag", "count", "string", "number", "integer", "list"),
    text: fc.string({ unit: "binary", maxLength: 8 }),
    texts: fc.array(fc.string({ maxLength: 5 }), { maxLength: 3 }),
    integer: fc.maxSafeInteger(),
    number: fc.double({ noNaN: true, noDefaultInfinity: true }),
    count: fc.nat(4),
    given: fc.boolean(),
    form: fc.constantFrom("-x value", "-xvalue", "--x=value", "--x value"),
  }),
  { selector: ({ letter }) => letter, maxLength: 8 },
);

type Choice = typeof tableAndValues extends fc.Arbitrary<(infer C)[]> ? C : never;

/** The value of an option as the parser gives it, and the values to type for it; null types it without one. */
function typed(choice: Choice): [unknown, (string | null)[]] {
  const { type, given } = choice;
  if (type === "flag") return [given, given ? [null] : []];
  if (type === "count") return given ? [choice.count, Array(choice.count).fill(null)] : [0, []];
  if (type === "list") return given ? [choice.texts, choice.texts] : [[], []];
  if (!given) return [undefined, []];
  const value = type === "string" ? choice.text : type === "integer" ? choice.integer : choice.number;
  return [Object.is(value, -0) ? 0 : value, [String(value)]];
}

function words(choice: Choice): string[] {
  const { letter, form } = choice;
  return typed(choice)[1].flatMap((value) => {
    if (value === null) return [form.startsWith("--") ? `--long-${letter}` : `-${letter}`];
    if (form === "--x=value") return [`--long-${letter}=${value}`];
    if (form === "--x value") return [`--long-${letter}`, value];
    return form === "-xvalue" && value !== "" ? [`-${letter}${value}`] : [`-${letter}`, value];
  });
}

Deno.test("parseOptions() gives back what was typed, in every form of it", () => {
  check(fc.property(tableAndValues, fc.array(fc.string()), (choices, args) => {
    const table = Object.fromEntries(
      choices.map(({ letter, type }) => [`long-${letter}`, { short: letter, type, help: "Help" }]),
    );
    const parsed = parseOptions(table, [...choices.flatMap(words), "--", ...args]);
    const expected = Object.fromEntries(choices.map((choice) => [`long-${choice.letter}`, typed(choice)[0]]));
    assertEquals<unknown>(parsed.opts, expected);
    assertEquals(parsed.args, args);
  }));
});

Deno.test("parseOptions() reads any words or throws OptionError", () => {
  const word = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.constantFrom("-", "--", "--all", "-r", "--rank=", "-M", "=", "-v-"),
  );
  check(fc.property(fc.array(word), (line) => {
    try {
      const { args, taken } = parseOptions(TABLE, line);
      assertEquals(args, line.slice(taken));
    } catch (error) {
      if (!(error instanceof OptionError)) throw error;
    }
  }));
});
