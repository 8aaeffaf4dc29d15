export { murmur2OfKey, partitionOfKey } from "./partitioner/murmur2.ts";
