import { once } from "node:events";
import { connect } from "node:net";
import type { BenchClient } from "./bench-client.ts";

/** No Kafka at all: sends the bytes of a record to an echo, and waits until they are back. */
export async function createBareClient(bootstrap: string): Promise<BenchClient> {
  const [host, port] = bootstrap.split(":");
  const socket = connect({ host: host!, port: Number(port), noDelay: true });
  await once(socket, "connect");
  let missingBytes = 0;
  let isBack = () => {};
  socket.on("data", (chunk) => {
    missingBytes -= chunk.length;
    if (missingBytes === 0) isBack();
  });
  const unsupported = () => Promise.reject(new Error("a bare round trip is all that this client can do"));
  return {
    ...{ produceBatches: unsupported, produceSingles: unsupported, consume: unsupported, follow: unsupported },
    produceOne(_topic, value) {
      missingBytes = value.length;
      return new Promise((resolve) => {
        isBack = resolve;
        socket.write(value, "latin1");
      });
    },
    async close() {
      socket.destroy();
    },
  };
}
