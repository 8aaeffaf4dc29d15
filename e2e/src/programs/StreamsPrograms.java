import java.time.Duration;
import java.util.Arrays;
import java.util.Properties;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.Grouped;
import org.apache.kafka.streams.kstream.JoinWindows;
import org.apache.kafka.streams.kstream.KStream;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.kstream.Produced;
import org.apache.kafka.streams.kstream.StreamJoined;

/**
 * Two topologies of Kafka Streams in one application, at least once: words are counted (through a repartition and a
 * changelog topic), and clicks are joined with orders within a window. Arguments: BOOTSTRAP APPLICATION_ID STATE_DIR.
 * Says "running" once it is, and ends when standard input is closed.
 */
public class StreamsPrograms {
    public static void main(String[] args) throws Exception {
        Properties config = new Properties();
        config.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, args[0]);
        config.put(StreamsConfig.APPLICATION_ID_CONFIG, args[1]);
        config.put(StreamsConfig.STATE_DIR_CONFIG, args[2]);
        config.put(StreamsConfig.COMMIT_INTERVAL_MS_CONFIG, 100);
        config.put(StreamsConfig.DEFAULT_KEY_SERDE_CLASS_CONFIG, Serdes.StringSerde.class);
        config.put(StreamsConfig.DEFAULT_VALUE_SERDE_CLASS_CONFIG, Serdes.StringSerde.class);
        config.put(StreamsConfig.consumerPrefix("auto.offset.reset"), "earliest");
        // Streams do not leave their group when they end: the next run waits this long for the partitions.
        config.put(StreamsConfig.consumerPrefix("session.timeout.ms"), 6_000);

        StreamsBuilder builder = new StreamsBuilder();
        KStream<String, String> lines = builder.stream("streams-lines");
        lines.flatMapValues(line -> Arrays.asList(line.toLowerCase().split(" ")))
            .groupBy((key, word) -> word, Grouped.as("words"))
            .count(Materialized.as("counts"))
            .toStream()
            .to("streams-counts", Produced.with(Serdes.String(), Serdes.Long()));
        KStream<String, String> clicks = builder.stream("streams-clicks", Consumed.with(Serdes.String(), Serdes.String()));
        KStream<String, String> orders = builder.stream("streams-orders");
        clicks.join(orders, (click, order) -> click + "+" + order,
                JoinWindows.ofTimeDifferenceWithNoGrace(Duration.ofSeconds(10)), StreamJoined.as("joined"))
            .to("streams-joined");

        KafkaStreams streams = new KafkaStreams(builder.build(config), config);
        streams.setUncaughtExceptionHandler(e -> {
            e.printStackTrace();
            return StreamThreadExceptionResponse.SHUTDOWN_CLIENT;
        });
        streams.setStateListener((now, before) -> {
            if (now == KafkaStreams.State.RUNNING) System.out.println("running");
            if (now == KafkaStreams.State.ERROR) System.exit(1);
        });
        streams.start();
        while (System.in.read() >= 0) { }
        System.exit(streams.close(Duration.ofSeconds(20)) ? 0 : 2);
    }
}
