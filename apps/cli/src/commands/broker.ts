import { type Command, Option } from "commander";
import { UsageError } from "../exit.ts";
import { wholeNumber } from "../options.ts";

interface BrokerOptions {
  readonly port?: number;
  readonly data?: string;
  readonly memory?: boolean;
  readonly config?: string;
  readonly set?: string[];
}

export function addBrokerCommand(program: Command): void {
  program
    .command("broker")
    .description("Run a broker: Kafka over TCP and WebSocket, and HTTP, on one port.")
    .option("-p, --port <number>", "port to listen on; 0 takes a free one (default: 9092)", wholeNumber(0))
    .addOption(new Option("-d, --data <directory>", "where the data is (default: ./data)").conflicts("memory"))
    .option("-m, --memory", "keep everything in memory, and nothing after the end")
    .option("-c, --config <file>", "a Kafka server.properties file")
    .option("-s, --set <key=value>", "set a Kafka config; may be given several times", collect)
    .addHelpText("after", "\nConfigs may also come from the environment: OTTLA_LOG_RETENTION_MS sets log.retention.ms.")
    .action(runBroker);
}

async function runBroker(options: BrokerOptions): Promise<void> {
  if (options.port !== undefined && options.port > 65_535) {
    throw new UsageError(`--port is ${options.port}; it must be from 0 to 65535.`);
  }
  const { runBrokerProcess } = await import("@ottla/broker-app");
  process.exitCode = await runBrokerProcess({
    ...(options.port === undefined ? {} : { port: options.port }),
    ...(options.data === undefined ? {} : { dataDirectory: options.data }),
    ...(options.config === undefined ? {} : { configFile: options.config }),
    memory: options.memory ?? false,
    set: options.set ?? [],
  });
}

function collect(value: string, previous: string[] = []): string[] {
  return [...previous, value];
}
