import { startInvoicing } from "./invoicing.ts";

const bootstrapServers = process.env.BOOTSTRAP_SERVERS ?? "localhost:9092";
const service = await startInvoicing(bootstrapServers);
console.log(`Writing invoices for the orders at ${bootstrapServers}. Try: npx ottla produce orders --key-separator :`);
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => void service.close());
await service.running;
