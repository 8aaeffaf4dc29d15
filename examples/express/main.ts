import { createApp } from "./server.ts";

const bootstrapServers = process.env.BOOTSTRAP_SERVERS ?? "localhost:9092";
const { app, close } = createApp(bootstrapServers);
const server = app.listen(3000, "localhost", () => {
  console.log("Watch:  curl -N localhost:3000/events");
  console.log(
    `Order:  curl localhost:3000/orders -H 'content-type: application/json' -d '{"customer":"ann","item":"apples"}'`,
  );
});
process.once("SIGINT", () => {
  server.close();
  server.closeAllConnections();
  void close();
});
