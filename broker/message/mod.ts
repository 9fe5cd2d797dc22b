/** The wire: messages, their encodings, error numbers. Nothing here does I/O. */
export { formatHostlist, parseHostlist } from "./hostlist.ts";
export { type Card, cardFields, readCard, securityOf } from "./card.ts";
export { errname, type Errno, errnum, FluxError, isErrno, strerror } from "./errno.ts";
export {
  Flag,
  MATCHTAG_NONE,
  Message,
  type MessageInit,
  MessageType,
  NODEID_ANY,
  NODEID_UPSTREAM,
  renamed,
  responseTo,
  Role,
  USERID_UNKNOWN,
} from "./message.ts";
export { CLIENT_ROUTES_LIMIT, decode, encode } from "./codec.ts";
export { blobrefOf, DIGEST_SIZE, digestOf, type Hash, isBlobref } from "./blobref.ts";
export { pack, unpack } from "./parcel.ts";
export { Slab } from "./slab.ts";
export { encodeStream, HEADER_SIZE, MESSAGE_LIMIT, StreamReader } from "./stream.ts";
export { decodeJson, decodeText, encodeJson, encodeText, errorText, type Json, type JsonObject, real } from "./json.ts";
export { decodeIo, encodeIo, fromBase64, type Io, ioBytes, type IoPiece } from "./io.ts";
export { Idset } from "./idset.ts";
