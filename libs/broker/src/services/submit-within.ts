import type { ControllerOperation } from "@ottla/metadata";
import { ErrorCode, KafkaError } from "@ottla/protocol";
import type { BrokerServices } from "./broker-services.ts";

/**
 * As Kafka: who leaves no time for a change of topics gets no change.
 * @throws KafkaError REQUEST_TIMED_OUT
 */
export function requireTime(timeoutMs: number): void {
  if (timeoutMs > 0) return;
  throw KafkaError.fromCode(ErrorCode.REQUEST_TIMED_OUT, `A timeout of ${timeoutMs} ms leaves no time for it`);
}

/**
 * Has the controller run an operation and gives its response, or gives up after the client's own timeout. The operation
 * may still come to pass then.
 * @throws KafkaError REQUEST_TIMED_OUT and what the operation throws
 */
export function submitWithin<Response>(
  broker: BrokerServices,
  timeoutMs: number,
  operation: ControllerOperation<Response>,
): Promise<Response> {
  const waitMs = timeoutMs > 0 ? timeoutMs : broker.config.require("request.timeout.ms");
  return new Promise((resolve, reject) => {
    const deadline = broker.deadlines.schedule(waitMs, () => {
      reject(KafkaError.fromCode(ErrorCode.REQUEST_TIMED_OUT, `The controller did not answer within ${waitMs} ms`));
    });
    broker.controller
      .submit(operation)
      .then(({ response }) => resolve(response), reject)
      .finally(() => deadline.cancel());
  });
}
