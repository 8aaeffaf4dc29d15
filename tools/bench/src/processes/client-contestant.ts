import type { ClientKind, ClientRequest, ClientResponse } from "../clients/protocol.ts";
import type { Contestant, Measurement } from "../harness/scenario.ts";
import type { BrokerUnderTest } from "./broker.ts";
import { ClientProcess } from "./client-process.ts";

/** A client as it appears in a row. */
export interface ClientUnderTest {
  readonly name: string;
  readonly kind: ClientKind;
  readonly transport: "tcp" | "websocket";
}

export const OTTLA_TCP: ClientUnderTest = { name: "ottla", kind: "ottla", transport: "tcp" };
export const OTTLA_WEBSOCKET: ClientUnderTest = { name: "ottla, WebSocket", kind: "ottla", transport: "websocket" };
export const KAFKAJS: ClientUnderTest = { name: "kafkajs", kind: "kafkajs", transport: "tcp" };
export const PLATFORMATIC: ClientUnderTest = { name: "@platformatic/kafka", kind: "platformatic", transport: "tcp" };
export const ALL_CLIENTS = [OTTLA_TCP, OTTLA_WEBSOCKET, KAFKAJS, PLATFORMATIC] as const;

/**
 * A contestant that asks a client process. `request` says what for; `figure` reads the answer. The CPU time is that of
 * client and broker together: what the work costs.
 */
export function clientContestant(
  client: ClientUnderTest,
  broker: BrokerUnderTest,
  request: (client: ClientUnderTest) => ClientRequest,
  figure: (response: ClientResponse) => number = recordsPerSecond,
): Contestant {
  let process: ClientProcess | undefined;
  return {
    name: client.name,
    async measure(): Promise<Measurement> {
      const scheme = client.transport === "tcp" ? "" : "ws://";
      process ??= await ClientProcess.start(client.kind, `${scheme}127.0.0.1:${broker.port}`);
      const brokerCpuBeforeMs = broker.cpuMs();
      const response = await process.ask(request(client));
      const brokerCpuAfterMs = broker.cpuMs();
      if (brokerCpuBeforeMs === undefined || brokerCpuAfterMs === undefined) return { figure: figure(response) };
      const cpuMs = response.cpuMs + brokerCpuAfterMs - brokerCpuBeforeMs;
      return { figure: figure(response), perCpuSecond: (response.records * 1000) / cpuMs };
    },
    async close() {
      await process?.close();
    },
  };
}

function recordsPerSecond({ records, elapsedMs }: ClientResponse): number {
  return (records * 1000) / elapsedMs;
}

/** The latency that `share` of the records stayed within. */
export function percentile(share: number): (response: ClientResponse) => number {
  return ({ latenciesMs = [] }) => {
    const sorted = [...latenciesMs].sort((a, b) => a - b);
    return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
  };
}
