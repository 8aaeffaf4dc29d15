import type { AnyMessage, Encodable, Infer } from "./message.ts";
import { parseVersions, type VersionRange } from "./versions.ts";

/** What an API says about itself. */
export interface ApiOptions<Request, Response> {
  /** Kafka's number of the API. */
  readonly key: number;
  /** Kafka's name of the API, such as `"Fetch"`. */
  readonly name: string;
  /** Versions to speak; those of the request by default. */
  readonly versions?: string;
  /** Versions that a broker advertises; those to speak by default. */
  readonly advertisedVersions?: string;
  /** Version of every response's header, where it does not follow from the response's own version. */
  readonly responseHeaderVersion?: number;
  readonly request: Request;
  readonly response: Response;
}

/** One API of the Kafka protocol: a request and its response. */
export interface ApiDefinition<Request extends AnyMessage = AnyMessage, Response extends AnyMessage = AnyMessage> {
  /** Kafka's number of the API. */
  readonly key: number;
  /** Kafka's name of the API, such as `"Fetch"`. */
  readonly name: string;
  readonly request: Request;
  readonly response: Response;
  /** Versions to speak. */
  readonly validVersions: VersionRange;
  /** Versions that a broker advertises. */
  readonly advertisedVersions: VersionRange;
  /** Version of the header before a request; defined for versions that do not exist (yet) too. */
  requestHeaderVersion(version: number): number;
  /** Version of the header before a response. */
  responseHeaderVersion(version: number): number;
}

/** What a handler gets. */
export type RequestOf<A> = A extends ApiDefinition<infer Q, AnyMessage> ? Infer<Q> : never;
/** What a caller sends. */
export type RequestInput<A> = A extends ApiDefinition<infer Q, AnyMessage> ? Encodable<Q> : never;
/** What a caller gets. */
export type ResponseOf<A> = A extends ApiDefinition<AnyMessage, infer S> ? Infer<S> : never;
/** What a handler answers. */
export type ResponseInput<A> = A extends ApiDefinition<AnyMessage, infer S> ? Encodable<S> : never;

/** Declares an API of two messages. */
/*#__NO_SIDE_EFFECTS__*/
export function apiMessage<Request extends AnyMessage, Response extends AnyMessage>(
  options: ApiOptions<Request, Response>,
): ApiDefinition<Request, Response> {
  const { key, name, request, response } = options;
  const validVersions = options.versions === undefined ? request.validVersions : parseVersions(options.versions);
  return {
    key,
    name,
    request,
    response,
    validVersions,
    advertisedVersions:
      options.advertisedVersions === undefined ? validVersions : parseVersions(options.advertisedVersions),
    requestHeaderVersion: (version) => (request.isFlexible(version) ? 2 : 1),
    responseHeaderVersion: (version) => options.responseHeaderVersion ?? (response.isFlexible(version) ? 1 : 0),
  };
}
