export { ServerConnection } from "./client/server-connection.ts";
