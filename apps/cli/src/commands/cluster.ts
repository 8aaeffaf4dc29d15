import { type Command, InvalidArgumentError, Option } from "commander";
import { withConnection } from "../connection.ts";
import { readerGoneSignal } from "../exit.ts";
import { interruptSignal } from "../interrupt.ts";
import { collectPartitions, wholeNumber } from "../options.ts";

const START_HELP = `
Brokers keep their metadata in ZooKeeper. Without --zookeeper this command starts servers of its own: that needs Java, and
ZooKeeper's jars in --zookeeper-jars, in $ZOOKEEPER_HOME/lib or in .cache/zookeeper-* (where a checkout of Ottla has them).`;

export function addClusterCommand(program: Command): void {
  const cluster = program
    .command("cluster")
    .description("Start a cluster on this machine, look at one, compare its replicas, move them, elect leaders.");
  cluster
    .command("start")
    .description("Run several brokers as processes of this machine, until Ctrl-C.")
    .option("-n, --brokers <number>", "how many brokers", wholeNumber(1), 3)
    .option(
      "-p, --port <number>",
      "port of the first broker, the others' follow; 0 takes free ones",
      wholeNumber(0),
      9092,
    )
    .option("-d, --data <directory>", "where the data is", "./cluster-data")
    .option("-z, --zookeeper <servers>", "zookeeper.connect: host:port, several with commas between them, and a /path")
    .option("--zookeeper-servers <number>", "how many ZooKeeper servers to start: 1 or 3", wholeNumber(1), 1)
    .option("--zookeeper-jars <directory>", "where ZooKeeper's jars are")
    .option("--racks <names>", "broker.rack of the brokers in turn, with commas between them")
    .option("-s, --set <key=value>", "set a Kafka config of all brokers; may be given several times", collectSetting)
    .addHelpText("after", START_HELP)
    .action(async (options) => {
      const signal = AbortSignal.any([interruptSignal(), readerGoneSignal()]);
      await (await import("../cluster/start.ts")).startCluster(options, signal);
    });
  withConnection(cluster.command("describe"))
    .description("Show brokers, controller, feature levels, and partitions that lack replicas or a leader.")
    .option("--json", "print JSON")
    .action(async (options) => (await import("../cluster/describe.ts")).describeCluster(options));
  withConnection(cluster.command("verify"))
    .argument("[topic...]", "names of topics (default: all, internal ones too)")
    .description(
      "Compare the replicas of partitions by offset and CRC. Exit code 1 where they differ, or cannot be read.",
    )
    .option("--max-wait <seconds>", "how long a replica may take to catch up with its leader", wholeNumber(0), 10)
    .option("--json", "print JSON")
    .action(async (topics, options) => (await import("../cluster/verify.ts")).verifyCluster(topics, options));
  withConnection(cluster.command("reassign"))
    .description("Move replicas of partitions to other brokers, or give that up. cluster describe shows how far it is.")
    .requiredOption(
      "--json-file <file>",
      "which partitions, and where to: the file of Kafka's kafka-reassign-partitions",
    )
    .option("--cancel", "give up what is under way for the partitions in the file")
    .option("--dry-run", "show what would change, change nothing")
    .option("--json", "print JSON")
    .action(async (options) => (await import("../cluster/reassign.ts")).reassign(options));
  withConnection(cluster.command("elect"))
    .argument("[topic...]", "names of topics; --all for all of them")
    .description("Give leadership back to the preferred replicas, or have one lead that is not in sync.")
    .addOption(
      new Option("-t, --type <type>", "unclean: where no replica in sync is left; what the new leader lacks is lost")
        .choices(["preferred", "unclean"])
        .default("preferred"),
    )
    .option("--all", "the partitions of all topics, internal ones too")
    .option(
      "-p, --partition <numbers>",
      "these of one topic, with commas between them (default: all)",
      collectPartitions,
    )
    .option("--dry-run", "show which partitions would get another leader, change nothing")
    .option("--json", "print JSON")
    .action(async (topics, options) => (await import("../cluster/elect.ts")).elect(topics, options));
  withConnection(cluster.command("unregister"))
    .argument("<id>", "id of a broker that was stopped for good", brokerId)
    .description("Have the cluster forget a broker that will not come back.")
    .option("--force", "also where it has replicas")
    .option("--json", "print JSON")
    .action(async (id, options) => (await import("../cluster/unregister.ts")).unregister(id, options));
}

/** The parser of an argument is given what came before, where it may be given several times. */
function brokerId(text: string): number {
  return wholeNumber(0)(text);
}

function collectSetting(setting: string, previous: string[] = []): string[] {
  if (setting.indexOf("=") <= 0) throw new InvalidArgumentError("key=value is expected.");
  return [...previous, setting];
}
