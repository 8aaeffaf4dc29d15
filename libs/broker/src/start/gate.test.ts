import { apiVersionsApi, brokerRegistrationApi, metadataApi } from "@ottla/protocol";
import type { InboundRequest, ServerConnection } from "@ottla/transport";
import { expect, it } from "vitest";
import { Gate } from "./gate.ts";

function opened() {
  const answered: number[] = [];
  const closed: string[] = [];
  const gate = new Gate((request) => void answered.push(request.header.requestApiKey));
  const ask = ({ key }: { readonly key: number }) =>
    gate.handle({
      header: { requestApiKey: key },
      connection: { reset: (reason: string) => closed.push(reason) },
    } as unknown as InboundRequest);
  return { gate, ask, answered, closed };
}

it("holds requests back until it is open, and answers them in their order then", async () => {
  const { gate, ask, answered } = opened();
  const held = [ask(metadataApi), ask(apiVersionsApi)];
  await Promise.resolve();
  expect(answered).toEqual([]);
  gate.open();
  await Promise.all(held);
  expect(answered).toEqual([metadataApi.key, apiVersionsApi.key]);
  await ask(metadataApi);
  expect(answered).toHaveLength(3);
});

it("lets pass what others need of a broker that has not started yet, and nothing else", async () => {
  const { gate, ask, answered } = opened();
  const held = ask(brokerRegistrationApi);
  gate.letPass([apiVersionsApi.key, brokerRegistrationApi.key]);
  void ask(metadataApi);
  await ask(apiVersionsApi);
  await ask(brokerRegistrationApi);
  expect(answered).toEqual([apiVersionsApi.key, brokerRegistrationApi.key]);
  gate.open();
  await held;
  expect(answered.sort((a, b) => a - b)).toEqual(
    [apiVersionsApi, brokerRegistrationApi, brokerRegistrationApi, metadataApi]
      .map(({ key }) => key)
      .sort((a, b) => a - b),
  );
});

it("answers nobody while it is shut", () => {
  const { gate, ask, answered, closed } = opened();
  gate.open();
  const reset: string[] = [];
  gate.shut([{ reset: (reason: string) => reset.push(reason) } as unknown as ServerConnection]);
  void ask(metadataApi);
  const why = "the broker is cut off from the cluster";
  expect([answered, reset, closed]).toEqual([[], [why], [why]]);
  gate.reopen();
  void ask(metadataApi);
  expect(answered).toEqual([metadataApi.key]);
});
