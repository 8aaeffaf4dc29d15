import { createBareClient } from "./bare-client.ts";
import type { BenchClient, ClientSettings } from "./bench-client.ts";
import { createConfluentClient } from "./confluent-client.ts";
import { fanOut } from "./fan-out.ts";
import { createKafkajsClient } from "./kafkajs-client.ts";
import { latencies } from "./latencies.ts";
import { createOttlaClient } from "./ottla-client.ts";
import { followPaced, producePaced } from "./paced-load.ts";
import type { ClientKind, ClientRequest, ClientResponse } from "./protocol.ts";

const PLATFORMATIC_DEFAULT_FETCH_BYTES = 10 * 1024 * 1024;

/** A process of its own for each client: `node client-process.js <kind> <bootstrap> <settings>`, told over IPC what to do. */
async function createClient(kind: ClientKind, bootstrap: string, settings: ClientSettings): Promise<BenchClient> {
  if (kind === "ottla" || kind === "ottla-batches") {
    return createOttlaClient(bootstrap, kind === "ottla" ? "record" : "batch", settings);
  }
  if (kind === "kafkajs") return await createKafkajsClient(bootstrap, settings);
  if (kind === "confluent") return await createConfluentClient(bootstrap, settings);
  if (kind === "bare") return await createBareClient(bootstrap);
  const { createPlatformaticClient } = await import("./platformatic-client.ts");
  return createPlatformaticClient(bootstrap, PLATFORMATIC_DEFAULT_FETCH_BYTES, settings);
}

async function serve(client: BenchClient, request: ClientRequest): Promise<ClientResponse> {
  const cpuBefore = process.cpuUsage();
  const startedMs = performance.now();
  const result = await perform(client, request, startedMs);
  const { user, system } = process.cpuUsage(cpuBefore);
  return { ...result, cpuMs: (user + system) / 1000 };
}

async function perform(client: BenchClient, request: ClientRequest, startedMs: number) {
  const sinceStart = () => performance.now() - startedMs;
  switch (request.kind) {
    case "produceBatches":
      await client.produceBatches(request);
      return { elapsedMs: sinceStart(), records: request.calls * request.recordsPerCall };
    case "produceSingles": {
      const latenciesMs = await client.produceSingles(request);
      return { elapsedMs: sinceStart(), records: request.records, latenciesMs };
    }
    case "consume": {
      const { startedMs: fetchedFromMs, endedMs } = await client.consume(request);
      return { elapsedMs: endedMs - fetchedFromMs, records: request.records };
    }
    case "fanOut":
      return { elapsedMs: await fanOut(bootstrap!, request), records: request.consumers * request.records };
    case "producePaced": {
      const records = await producePaced(bootstrap!, request);
      return { elapsedMs: sinceStart(), records };
    }
    case "followPaced":
      return await followPaced(bootstrap!, request);
    case "latency":
      return { elapsedMs: sinceStart(), records: request.records, latenciesMs: await latencies(client, request) };
  }
}

const [kind, bootstrap, settings] = process.argv.slice(2);
const client = await createClient(kind as ClientKind, bootstrap!, JSON.parse(settings!));
process.on("message", (request: ClientRequest | "close") => {
  if (request === "close") void client.close().finally(() => process.exit(0));
  else {
    serve(client, request).then(
      (response) => process.send?.(response),
      (error) => process.send?.({ error: String(error) }),
    );
  }
});
process.send?.("ready");
