/** What a file that declares a command needs. */
export { type Command, command, CommandError, type Context, UsageError } from "./command.ts";
export { type Completion, OptionError, type OptionSpec, type OptionTable, type ParsedOptions } from "./options.ts";
