import WebSocket from "ws";
import type { BrokerProcess } from "./broker-process.ts";
import { until } from "./until.ts";

/** Starts a broker with this to have its memory inspected. */
export const INSPECTED = { NODE_OPTIONS: "--inspect=127.0.0.1:0" } as const;

export interface MemoryBytes {
  /** What is alive: JavaScript objects and the buffers that they hold. */
  readonly live: number;
  /** What the system has given to the process. */
  readonly resident: number;
}

/** What a broker's process holds after it has collected its garbage. */
export async function memoryAfterGc(broker: BrokerProcess): Promise<MemoryBytes> {
  const isListening = () => /Debugger listening on (ws:\S+)/.test(broker.output);
  await until("inspector", isListening);
  const [, url = ""] = /Debugger listening on (ws:\S+)/.exec(broker.output) ?? [];
  const socket = new WebSocket(url);
  await new Promise((resolve, reject) => socket.once("open", resolve).once("error", reject));
  let nextId = 1;
  const call = (method: string, params: object = {}) => {
    const id = nextId++;
    const answer = new Promise<{ result: { result?: { value: string } } }>((resolve) => {
      socket.on("message", (data) => {
        const message = JSON.parse(String(data));
        if (message.id === id) resolve(message);
      });
    });
    socket.send(JSON.stringify({ id, method, params }));
    return answer;
  };
  // Buffers are freed a turn after the objects that held them.
  for (let i = 0; i < 3; i++) await call("HeapProfiler.collectGarbage");
  const { result } = await call("Runtime.evaluate", { expression: "JSON.stringify(process.memoryUsage())" });
  socket.close();
  const { heapUsed, external, rss } = JSON.parse(result.result?.value ?? "{}");
  return { live: heapUsed + external, resident: rss };
}
