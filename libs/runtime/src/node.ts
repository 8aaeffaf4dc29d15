export { createNodeDisk } from "./node/node-disk.ts";
export { openFilesLimit } from "./node/open-files-limit.ts";
