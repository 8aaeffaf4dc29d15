import { KafkaError } from "@ottla/client";

/** One resource that an operation failed for. */
export interface ResourceFailure {
  /** The topic, group, partition or config resource, as it was asked for. */
  readonly resource: string;
  /** Why. */
  readonly error: KafkaError;
}

/**
 * An operation on several resources that failed for some of them; the others were done. `code` and `retriable` are
 * those of the first failure.
 */
export class PartialFailureError extends KafkaError {
  /** Always `"PartialFailureError"`. */
  override readonly name = "PartialFailureError";
  /** The method of `Admin` that was called, such as `"createTopics"`. */
  readonly operation: string;
  /** What it failed for, at least one. */
  readonly failures: readonly ResourceFailure[];
  /** What the call would have given for the other resources, in their order; empty for calls that give nothing. */
  readonly results: readonly unknown[];

  constructor(
    operation: string,
    failures: readonly ResourceFailure[],
    resourceCount: number,
    results: readonly unknown[] = [],
  ) {
    const [first] = failures;
    if (first === undefined) throw new Error("a partial failure has at least one failure");
    const others = resourceCount === 1 ? "" : ` (${failures.length} of ${resourceCount} failed; see error.failures)`;
    super(first.error.message + others, {
      code: first.error.code,
      errno: first.error.errno,
      retriable: first.error.retriable,
      cause: first.error,
    });
    this.operation = operation;
    this.failures = failures;
    this.results = results;
  }
}

/** What a broker says of one resource. */
export interface ResourceStatus {
  readonly resource: string;
  readonly errorCode: number;
  readonly errorMessage?: string | null;
}

/**
 * The first code among `statuses` that a retry of the whole request heals, once it goes to the right broker; 0 for
 * none. Everything else that is wrong with a resource is that resource's own failure.
 */
export function codeToRetry(statuses: readonly { readonly errorCode: number }[], heals: readonly number[]): number {
  return statuses.find(({ errorCode }) => heals.includes(errorCode))?.errorCode ?? 0;
}

/** @throws PartialFailureError when any of the resources has an error code */
export function checkResources(operation: string, statuses: readonly ResourceStatus[]): void {
  resultsOf(operation, statuses, statusOf, () => undefined);
}

/**
 * What the call gives for each answer.
 * @throws PartialFailureError when any of the resources has an error code; it has what the others give
 */
export function resultsOf<Answer, Result>(
  operation: string,
  answers: readonly Answer[],
  toStatus: (answer: Answer) => ResourceStatus,
  toResult: (answer: Answer) => Result,
): Result[] {
  const failures: ResourceFailure[] = [];
  const results: Result[] = [];
  for (const answer of answers) {
    const status = toStatus(answer);
    if (status.errorCode === 0) results.push(toResult(answer));
    else failures.push({ resource: status.resource, error: errorOf(status) });
  }
  if (failures.length === 0) return results;
  const given = results.filter((result) => result !== undefined);
  throw new PartialFailureError(operation, failures, answers.length, given);
}

function statusOf(status: ResourceStatus): ResourceStatus {
  return status;
}

/** The broker's own words where it has some: they say more than the code's general ones. */
function errorOf({ resource, errorCode, errorMessage }: ResourceStatus): KafkaError {
  const general = KafkaError.fromCode(errorCode, resource);
  if (!errorMessage) return general;
  const { code, errno, retriable } = general;
  return new KafkaError(`${resource}: ${errorMessage}`, { code, errno, retriable });
}
