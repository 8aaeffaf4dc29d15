import { type ApiDefinition, ErrorCode, KafkaError, type RequestOf, type ResponseInput } from "@ottla/protocol";
import type { ApiHandler, RequestContext } from "../api-handler.ts";
import type { BrokerServices } from "../services/broker-services.ts";
import type { ControllerChannel } from "./controller-channel.ts";
import { answerOf } from "./internal-request.ts";

export interface ForwardingOptions {
  readonly broker: Pick<BrokerServices, "controller" | "config" | "runtime">;
  readonly channel: ControllerChannel;
  /** Has this broker see what the controller has just done. */
  readonly catchUp: () => Promise<void>;
}

const RETRY_MS = 50;

/** Errors of the way to the controller: another one may be there soon. */
const PASSING = new Set<number>([
  ErrorCode.NOT_CONTROLLER,
  ErrorCode.NETWORK_EXCEPTION,
  ErrorCode.BROKER_NOT_AVAILABLE,
]);

/**
 * The handler of a request that is the controller's to answer, on any broker: in place where this one is controller, else
 * in an Envelope (KIP-590). While there is no controller, or it changes, the request waits for the next one, for
 * `request.timeout.ms` at the most.
 */
export function forwarded<Api extends ApiDefinition>(
  handler: ApiHandler<Api>,
  options: ForwardingOptions,
): ApiHandler<Api> {
  return { ...handler, handle: (request, context) => new Forwarding(handler, options).run(request, context) };
}

class Forwarding<Api extends ApiDefinition> {
  readonly #handler: ApiHandler<Api>;
  readonly #options: ForwardingOptions;

  constructor(handler: ApiHandler<Api>, options: ForwardingOptions) {
    this.#handler = handler;
    this.#options = options;
  }

  async run(request: RequestOf<Api>, context: RequestContext): Promise<ResponseInput<Api>> {
    const { config, runtime } = this.#options.broker;
    const deadlineMs = runtime.clock.monotonicMs() + config.require("request.timeout.ms");
    for (;;) {
      try {
        return await this.#tryOnce(request, context);
      } catch (error) {
        const isPassing = error instanceof KafkaError && PASSING.has(error.errno);
        if (!isPassing || runtime.clock.monotonicMs() >= deadlineMs || context.signal.aborted) throw error;
        this.#options.broker.controller.refresh();
        await new Promise<void>((resolve) => void runtime.timers.schedule(RETRY_MS, resolve));
      }
    }
  }

  async #tryOnce(request: RequestOf<Api>, context: RequestContext): Promise<ResponseInput<Api>> {
    const { broker, channel, catchUp } = this.#options;
    if (broker.controller.isActive) return await answerOf(this.#handler.handle(request, context));
    const { apiVersion, clientId } = context;
    const response = await channel.forward(this.#handler.api, apiVersion, request as never, clientId);
    await catchUp();
    return response as ResponseInput<Api>;
  }
}
