/** Streams in the key-value store: a directory of numbered blocks that one writes and many follow (services.md §11). */
export { type Block, blockKey, decodeBlock, encodeBlock, END } from "./block.ts";
export { Cutter, type CutterOptions } from "./cutter.ts";
export { openReader, Reader, type ReadOptions } from "./reader.ts";
export { type Taker, Tee } from "./tee.ts";
export { openWriter, type WriteOptions, Writer } from "./writer.ts";
