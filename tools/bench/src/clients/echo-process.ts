import { type AddressInfo, createServer } from "node:net";

/** A process that sends back whatever comes. Tells its parent its port. */
const server = createServer({ noDelay: true }, (socket) => {
  socket.on("data", (chunk) => socket.write(chunk));
  socket.on("error", () => socket.destroy());
});
server.listen(0, "127.0.0.1", () => process.send?.((server.address() as AddressInfo).port));
