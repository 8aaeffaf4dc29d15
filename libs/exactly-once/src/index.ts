export { type ExactlyOnceOptions, exactlyOnce, type RecordTransform, type TransformedRecord } from "./exactly-once.ts";
