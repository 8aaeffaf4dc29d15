import { type Command, Option } from "commander";
import { withConnection } from "../connection.ts";
import { wholeNumber } from "../options.ts";

const ACKS = ["all", "1", "0"] as const;
const CODECS = ["none", "gzip", "snappy", "lz4", "zstd"] as const;

/** `ottla perf`: prints what Kafka's own tools print, so that figures compare. */
export function addPerfCommand(program: Command): void {
  const perf = program.command("perf").description("Measure throughput and latency, as Kafka's own tools do.");
  withProducer(perf.command("produce"))
    .argument("<topic>", "a topic; one that is missing is created where the broker does so")
    .option("-n, --num-records <number>", "how many to write", wholeNumber(1), 100_000)
    .option("--throughput <records/s>", "no more than so many a second; -1 for no limit", wholeNumber(1, -1), -1)
    .description("Write records as fast as possible (kafka-producer-perf-test).")
    .option("--json", "print JSON")
    .action(async (topic, options) => (await import("../perf/produce.ts")).perfProduce(topic, options));
  withConnection(perf.command("consume"))
    .argument("<topic>", "a topic with records")
    .option("-n, --num-records <number>", "how many to read", wholeNumber(1), 100_000)
    .option("--timeout <seconds>", "give up when nothing came for so long", wholeNumber(1), 10)
    .option("--json", "print JSON")
    .description("Read records from the beginning as fast as possible (kafka-consumer-perf-test).")
    .action(async (topic, options) => (await import("../perf/consume.ts")).perfConsume(topic, options));
  withProducer(perf.command("latency"))
    .argument("<topic>", "an existing topic")
    .option("-n, --num-records <number>", "how many to send, one after another", wholeNumber(1), 2_000)
    .option("--json", "print JSON")
    .description("Time from a record's send to its being read, one at a time (kafka-e2e-latency).")
    .action(async (topic, options) => (await import("../perf/latency.ts")).perfLatency(topic, options));
}

function withProducer(command: Command): Command {
  return withConnection(command)
    .option("-s, --record-size <bytes>", "size of each value", wholeNumber(1), 100)
    .addOption(new Option("--acks <acks>", "who has to have a record").choices([...ACKS]).default("all"))
    .addOption(new Option("--compression <codec>", "how batches are compressed").choices([...CODECS]).default("none"))
    .option("--batch-size <bytes>", "batch.size", wholeNumber(1), 16_384)
    .option("--max-request-size <bytes>", "max.request.size", wholeNumber(1), 1_048_576)
    .option("--linger <ms>", "linger.ms", wholeNumber(0), 5);
}
