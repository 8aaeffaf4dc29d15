import { Producer } from "@ottla/producer";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { useTopic } from "./use-topic.ts";

const bootstrapServers = import.meta.env.VITE_BOOTSTRAP_SERVERS ?? "ws://localhost:9092/kafka";
const producer = new Producer({ bootstrapServers });

function Orders() {
  const { records, error } = useTopic({ bootstrapServers, topic: "orders", limit: 20 });
  const order = () => producer.send({ topic: "orders", value: `order of ${new Date().toLocaleTimeString()}` });
  return (
    <main>
      <h1>Orders</h1>
      <button type="button" onClick={order}>
        Order
      </button>
      {error && <p role="alert">{error.message}</p>}
      <ul>
        {records.map(({ partition, offset, value }) => (
          <li key={`${partition}-${offset}`}>{value}</li>
        ))}
      </ul>
    </main>
  );
}

createRoot(document.querySelector("#root")!).render(
  <StrictMode>
    <Orders />
  </StrictMode>,
);
