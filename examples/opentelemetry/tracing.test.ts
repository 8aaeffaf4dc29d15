import assert from "node:assert/strict";
import { test } from "node:test";
import { context, type Span, SpanStatusCode, trace } from "@opentelemetry/api";
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from "@opentelemetry/sdk-trace-base";
import { Consumer } from "@ottla/consumer";
import { Producer } from "@ottla/producer";
import { startTestBroker } from "@ottla/testing";
import { contextManager, traceOttla } from "./tracing.ts";

test("a trace goes from the request through records to all that is done about it", async () => {
  const exporter = new InMemorySpanExporter();
  context.setGlobalContextManager(contextManager);
  trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }));
  traceOttla();

  await using broker = await startTestBroker({ topics: ["orders", "invoices"] });
  const { bootstrapServers } = broker;
  await using producer = new Producer({ bootstrapServers, clientId: "shop" });
  const consumer = new Consumer({
    bootstrapServers,
    groupId: "invoicing",
    topics: ["orders"],
    autoOffsetReset: "earliest",
  });
  const running = consumer.run({ retry: { retries: 1, backoffMs: 10 } }, async ({ value }, { attempt }) => {
    await Promise.resolve();
    if (attempt === 1) throw new Error("not yet");
    await producer.send({ topic: "invoices", value: `invoice of ${value}` });
  });

  const tracer = trace.getTracer("test");
  await tracer.startActiveSpan("request", async (request: Span) => {
    await producer.send({ topic: "orders", value: "12 apples", headers: [["own", "header"]] });
    request.end();
  });
  const [invoice] = await broker.records("invoices", { count: 1 });
  await consumer.close();
  await running;

  const spans = exporter.getFinishedSpans();
  const named = (name: string) => spans.filter((span) => span.name === name);
  const [request] = named("request");
  const [order] = named("send orders");
  const [failed, done] = named("process orders");
  const [answer] = named("send invoices");
  const parents = [order, failed, done, answer].map((span) => span?.parentSpanContext?.spanId);
  const ids = [request, order, order, done].map((span) => span?.spanContext().spanId);
  assert.deepEqual(parents, ids);
  assert.equal(new Set(spans.map((span) => span.spanContext().traceId)).size, 1);
  assert.equal(failed?.status.code, SpanStatusCode.ERROR);
  const { traceId, spanId } = answer!.spanContext();
  assert.deepEqual(invoice?.headers, [["traceparent", `00-${traceId}-${spanId}-01`]]);
});
