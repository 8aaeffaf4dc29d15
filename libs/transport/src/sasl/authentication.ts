import type { Runtime } from "@ottla/runtime";
import type { Authenticate } from "../client/connection-options.ts";
import { checkSaslOptions, type SaslOptions } from "./sasl-options.ts";
import type { TokenSource } from "./token-source.ts";

/**
 * What proves a client's identity to the brokers that it connects to, for the place that connections have for it. The
 * mechanisms load with the first connection: a page that uses none does not carry them.
 *
 * The secrets stay inside of the function that is given: nothing that is logged or inspected leads to them.
 * @throws KafkaError INVALID_CONFIG that names the option
 */
export function createSaslAuthentication(
  options: SaslOptions,
  runtime: Pick<Runtime, "clock" | "random">,
): Authenticate {
  checkSaslOptions(options);
  let tokens: TokenSource | null = null;
  return async (connection) => {
    const { authenticateWithSasl, tokensOf } = await import("./session.ts");
    tokens ??= tokensOf(options, runtime.clock);
    await authenticateWithSasl(connection, { options, tokens, runtime });
  };
}
