import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { inject } from "vitest";
import type { TestProject } from "vitest/node";
import { KafkaProcess } from "./kafka-process.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** Where {@link sharedKafka} asks. */
    sharedKafkaUrl: string;
  }
}

const SETTINGS = {
  "transaction.abort.timed.out.transaction.cleanup.interval.ms": "500",
  "num.partitions": "3",
  "group.consumer.heartbeat.interval.ms": "300",
  "group.consumer.min.heartbeat.interval.ms": "300",
  "group.consumer.min.session.timeout.ms": "3000",
};

/**
 * Global set-up of the run: starts one Apache Kafka of each release when a file first asks for it, and stops them in the
 * end. A start takes longer than most files need.
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const started = new Map<string, Promise<KafkaProcess>>();
  const server = createServer(async (request, response) => {
    const classPath = new URL(request.url!, "http://localhost").searchParams.get("classPath")!;
    if (!started.has(classPath)) started.set(classPath, KafkaProcess.start(SETTINGS, { classPath }));
    try {
      response.end((await started.get(classPath)!).bootstrapServers);
    } catch (error) {
      response.writeHead(500).end(String(error));
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  project.provide("sharedKafkaUrl", `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  return async () => {
    server.close();
    for (const kafka of await Promise.allSettled(started.values())) {
      if (kafka.status === "fulfilled") await kafka.value.stop();
    }
  };
}

/** The address of the Apache Kafka of a release that all files share: what they create there needs names of its own. */
export async function sharedKafka(classPath: string): Promise<string> {
  const response = await fetch(`${inject("sharedKafkaUrl")}/?${new URLSearchParams({ classPath })}`);
  const text = await response.text();
  if (!response.ok) throw new Error(text);
  return text;
}
