export { createNodeDisk } from "./node/node-disk.ts";
