import { AsyncLocalStorage } from "node:async_hooks";
import { tracingChannel } from "node:diagnostics_channel";
import {
  type Context,
  type ContextManager,
  context,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  trace,
} from "@opentelemetry/api";
import { W3CTraceContextPropagator } from "@opentelemetry/core";
import type { ProcessContext } from "@ottla/consumer";
import type { SendContext, TracedRecord } from "@ottla/producer";

/** W3C trace headers (`traceparent`, `tracestate`) are what other languages' Kafka instrumentation reads and writes. */
const propagator = new W3CTraceContextPropagator();
const tracer = trace.getTracer("ottla");
const spans = new WeakMap<object, Span>();
const scope = new AsyncLocalStorage<Context>();

/** OpenTelemetry's current context, kept where diagnostics channels can bind it to the handlers that they call. */
export const contextManager: ContextManager = {
  active: () => scope.getStore() ?? ROOT_CONTEXT,
  with: (active, work, thisArg, ...args) => scope.run(active, () => work.call(thisArg as never, ...args)),
  bind: (active, target) =>
    typeof target === "function"
      ? (((...args: unknown[]) => scope.run(active, target as never, ...args)) as never)
      : target,
  enable: () => contextManager,
  disable: () => contextManager,
};

/** Makes a span of every send and of every call of a handler of `consumer.run`: the latter a child of the former. */
export function traceOttla(): void {
  const sends = tracingChannel<Context, SendContext>("ottla:producer:send");
  sends.subscribe({ ...endSpans, start: (send) => onSend(send as SendContext) });
  const handlers = tracingChannel<Context, ProcessContext>("ottla:consumer:process");
  handlers.start.bindStore(scope as AsyncLocalStorage<Context>, (handling) => onProcess(handling));
  handlers.subscribe({ ...endSpans, start: () => {} });
}

function onSend(send: SendContext): void {
  const topics = [...new Set(send.records.map(({ topic }) => topic))].join(",");
  const span = tracer.startSpan(`send ${topics}`, {
    kind: SpanKind.PRODUCER,
    attributes: {
      "messaging.system": "kafka",
      "messaging.operation.type": "send",
      "messaging.destination.name": topics,
      "messaging.client.id": send.clientId,
      "messaging.batch.message_count": send.records.length,
    },
  });
  spans.set(send, span);
  const active = trace.setSpan(context.active(), span);
  for (const record of send.records) propagator.inject(active, record, { set: pushHeader });
}

function onProcess(handling: ProcessContext): Context {
  const { record, clientId, groupId } = handling;
  const sender = propagator.extract(ROOT_CONTEXT, record.headers, {
    get: (headers, name) => text(headers.get(name)),
    keys: (headers) => [...headers].map(([name]) => name),
  });
  const span = tracer.startSpan(
    `process ${record.topic}`,
    {
      kind: SpanKind.CONSUMER,
      attributes: {
        "messaging.system": "kafka",
        "messaging.operation.type": "process",
        "messaging.destination.name": record.topic,
        "messaging.destination.partition.id": String(record.partition),
        "messaging.kafka.offset": record.offset,
        "messaging.client.id": clientId,
        ...(groupId !== null && { "messaging.consumer.group.name": groupId }),
      },
    },
    sender,
  );
  spans.set(handling, span);
  return trace.setSpan(sender, span);
}

const text = (bytes: Uint8Array | null | undefined) => (bytes ? new TextDecoder().decode(bytes) : undefined);

function pushHeader(record: TracedRecord, name: string, value: string): void {
  record.headers.push([name, value]);
}

const endSpans = {
  end: () => {},
  asyncStart: () => {},
  asyncEnd: (operation: object) => spans.get(operation)?.end(),
  error(operation: { readonly error: unknown }) {
    const span = spans.get(operation);
    span?.recordException(operation.error as Error);
    span?.setStatus({ code: SpanStatusCode.ERROR });
  },
};
