import type { AnyMessage, ApiDefinition, ApiVersionsResponse, VersionRange } from "@ottla/protocol";
import { apiVersionsApi, decodeResponse, ErrorCode, KafkaError } from "@ottla/protocol/client";

type AnyApi = ApiDefinition<AnyMessage, AnyMessage>;

/** Which versions of which APIs a broker serves. */
export class BrokerVersions {
  /** The broker's own answer, feature levels included. */
  readonly response: ApiVersionsResponse;
  readonly #ranges = new Map<number, VersionRange>();
  readonly #caps: ReadonlyMap<number, number> | undefined;

  /** @param caps highest versions to use, by API key */
  constructor(response: ApiVersionsResponse, caps?: ReadonlyMap<number, number>) {
    this.response = response;
    this.#caps = caps;
    for (const { apiKey, minVersion, maxVersion } of response.apiKeys) {
      this.#ranges.set(apiKey, { min: minVersion, max: maxVersion });
    }
  }

  /** What the broker serves of an API; undefined where it does not know the API. */
  rangeOf(api: AnyApi): VersionRange | undefined {
    return this.#ranges.get(api.key);
  }

  /** The highest version that both sides speak; undefined for none. */
  commonVersion(api: AnyApi, maxVersion = Number.POSITIVE_INFINITY): number | undefined {
    const range = this.#ranges.get(api.key);
    if (range === undefined) return undefined;
    const cap = this.#caps?.get(api.key) ?? Number.POSITIVE_INFINITY;
    const version = Math.min(range.max, api.validVersions.max, maxVersion, cap);
    return version >= Math.max(range.min, api.validVersions.min) ? version : undefined;
  }

  /** As `commonVersion`. @throws KafkaError UNSUPPORTED_VERSION that names the API and both ranges. */
  requireVersion(api: AnyApi, address: string, maxVersion?: number): number {
    const version = this.commonVersion(api, maxVersion);
    if (version === undefined) throw unsupported(api, this.rangeOf(api), address, maxVersion);
    return version;
  }
}

function unsupported(api: AnyApi, range: VersionRange | undefined, address: string, maxVersion?: number): KafkaError {
  const theirs = range === undefined ? "does not have it" : `serves versions ${range.min}-${range.max}`;
  const cap = maxVersion === undefined ? "" : ` up to ${maxVersion}`;
  const ours = `this client speaks versions ${api.validVersions.min}-${api.validVersions.max}${cap}`;
  return new KafkaError(`${api.name}: the broker at ${address} ${theirs}, ${ours}.`, {
    code: "UNSUPPORTED_VERSION",
  });
}

const ERROR_CODE_OFFSET = 4;

/**
 * Reads an answer to ApiVersions. A broker that does not know the version asked for answers with error 35 and the
 * body of version 0 (KIP-511).
 */
export function decodeApiVersions(frame: Uint8Array, version: number): ApiVersionsResponse {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  const isRefusal =
    frame.length >= ERROR_CODE_OFFSET + 2 && view.getInt16(ERROR_CODE_OFFSET) === ErrorCode.UNSUPPORTED_VERSION;
  return decodeResponse(apiVersionsApi, isRefusal ? 0 : version, frame);
}

/** The version to try next after `refusal`; undefined when there is none left to try. */
export function fallbackVersion(refusal: ApiVersionsResponse, triedVersion: number): number | undefined {
  if (triedVersion === 0) return undefined;
  const range = refusal.apiKeys.find(({ apiKey }) => apiKey === apiVersionsApi.key);
  return Math.max(0, Math.min(range?.maxVersion ?? 0, triedVersion - 1));
}
