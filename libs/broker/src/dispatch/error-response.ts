import { type ApiDefinition, includesVersion, type Message } from "@ottla/protocol";
import { parseVersions } from "@ottla/protocol/internal";
import type { ApiHandler, WholeRequestError } from "../api-handler.ts";

/** A handler whose types are forgotten: the bytes on the wire have been checked by the codecs. */
export type UntypedHandler = ApiHandler<ApiDefinition<Message<unknown, unknown>, Message<unknown, unknown>>>;

/** The answer to a request that failed as a whole; null where the API has no way to say so. */
export function errorResponseOf(
  { api, errorResponse }: UntypedHandler,
  request: unknown,
  error: WholeRequestError,
  version: number,
): unknown {
  if (errorResponse !== undefined) return errorResponse(request, error, version);
  const { errorCode, errorMessage } = api.response.fields;
  if (errorCode === undefined || !isIn(errorCode.versions, version)) return null;
  const withMessage = errorMessage !== undefined && isIn(errorMessage.versions, version);
  return { errorCode: error.errno, ...(withMessage && { errorMessage: error.message }) };
}

function isIn(versions: string | undefined, version: number): boolean {
  return versions === undefined || includesVersion(parseVersions(versions), version);
}
