import type { FindCoordinatorResponse, findCoordinatorApi, RequestInput, ResponseOf } from "@ottla/protocol";
import { ErrorCode, KafkaError } from "@ottla/protocol/client";
import type { AdvertisedBroker } from "./broker-address.ts";
import type { Deadline } from "./deadline.ts";

/** What a coordinator takes care of. */
export type CoordinatorKind = "group" | "transaction";

const KEY_TYPES: Readonly<Record<CoordinatorKind, number>> = { group: 0, transaction: 1 };

type FindCoordinator = typeof findCoordinatorApi;

/** A coordinator as FindCoordinator told of it. */
export interface CoordinatorNode extends AdvertisedBroker {
  readonly nodeId: number;
}

/** Asks any broker, once; rejects when `errorOf` finds an error in the response. */
export type AskAnyBroker = (
  body: (version: number) => RequestInput<FindCoordinator>,
  errorOf: (response: ResponseOf<FindCoordinator>) => number,
) => Promise<ResponseOf<FindCoordinator>>;

/** Remembers which broker coordinates which group or transactional id; looks each up once for all who ask. */
export class CoordinatorCache {
  readonly #known = new Map<string, number>();
  readonly #lookups = new Map<string, Promise<number>>();
  readonly #ask: AskAnyBroker;
  readonly #learn: (node: CoordinatorNode) => void;

  /** @param learn is told of each coordinator's address before anyone is sent to it */
  constructor(ask: AskAnyBroker, learn: (node: CoordinatorNode) => void) {
    this.#ask = ask;
    this.#learn = learn;
  }

  /** Id of the coordinator; rejects, retriably in most cases, when one look-up does not find it. */
  async find(kind: CoordinatorKind, key: string, deadline: Deadline): Promise<number> {
    const id = `${kind}:${key}`;
    const known = this.#known.get(id);
    if (known !== undefined) return known;
    const lookup = this.#lookups.get(id) ?? this.#startLookup(id, kind, key);
    return await deadline.race(lookup, "No broker answered FindCoordinator");
  }

  /** Forgets the coordinator if it still is `nodeId`, because that broker said, or seems, not to be it. */
  forget(kind: CoordinatorKind, key: string, nodeId: number): void {
    const id = `${kind}:${key}`;
    if (this.#known.get(id) === nodeId) this.#known.delete(id);
  }

  #startLookup(id: string, kind: CoordinatorKind, key: string): Promise<number> {
    const lookup = this.#lookUp(kind, key)
      .then((nodeId) => {
        this.#known.set(id, nodeId);
        return nodeId;
      })
      .finally(() => this.#lookups.delete(id));
    lookup.catch(() => {});
    this.#lookups.set(id, lookup);
    return lookup;
  }

  async #lookUp(kind: CoordinatorKind, key: string): Promise<number> {
    const keyType = KEY_TYPES[kind];
    const body = (version: number) =>
      version >= 4 ? { keyType, coordinatorKeys: [key] } : { key, ...(version > 0 ? { keyType } : {}) };
    const response = await this.#ask(body, (answer) => coordinatorOf(answer, key).errorCode);
    const node = coordinatorOf(response, key);
    this.#learn(node);
    return node.nodeId;
  }
}

function coordinatorOf(response: FindCoordinatorResponse, key: string): CoordinatorNode & { errorCode: number } {
  if (response.coordinators.length === 0) return response;
  const found = response.coordinators.find((coordinator) => coordinator.key === key);
  if (found !== undefined) return found;
  throw KafkaError.fromCode(ErrorCode.UNKNOWN_SERVER_ERROR, `No answer about the coordinator of "${key}"`);
}
