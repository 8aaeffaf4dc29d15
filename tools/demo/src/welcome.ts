/** What a person sees once the demo runs: what to open, and what to type next. */
export function welcome(broker: { readonly port: number; readonly startMs: number }): string {
  const port = broker.port;
  const bootstrap = port === 9092 ? "" : ` --bootstrap localhost:${port}`;
  return `
Ottla is ready: a Kafka broker on localhost:${port} (Kafka over TCP and WebSocket, and HTTP), started in ${Math.round(broker.startMs)} ms.
Real data flows into demo.metrics, demo.earthquakes and demo.flights. The records are in ./data and outlive this process.

  Open   http://localhost:${port}/            the console
         http://localhost:${port}/#/live      what these topics hold, drawn as it comes

  Type   npx ottla topics list${bootstrap}
         npx ottla consume demo.earthquakes --from beginning --max 5${bootstrap}
         npx ottla produce demo.notes${bootstrap}
         kcat -C -b localhost:${port} -t demo.metrics     (any Kafka client works)

Ctrl-C ends it; started again, it goes on from the data on disk.
`;
}
