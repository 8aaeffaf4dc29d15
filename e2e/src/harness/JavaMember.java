import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.Properties;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.apache.kafka.clients.consumer.ConsumerRebalanceListener;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.StringDeserializer;

/**
 * One member of a group, on the Java client. Arguments: TOPIC KEY=VALUE... Speaks as librdkafka_member.py does.
 */
public class JavaMember {
    static final TreeSet<String> assigned = new TreeSet<>();
    static volatile boolean stopping = false;

    static String json(Collection<String> names) {
        return names.stream().map(name -> '"' + name + '"').collect(Collectors.joining(",", "{\"assigned\":[", "]}"));
    }

    public static void main(String[] args) {
        Properties config = new Properties();
        for (int i = 1; i < args.length; i++) config.put(args[i].split("=", 2)[0], args[i].split("=", 2)[1]);
        Thread input = new Thread(() -> {
            try {
                while (System.in.read() >= 0) { }
            } catch (java.io.IOException e) { }
            stopping = true;
        });
        input.setDaemon(true);
        input.start();
        KafkaConsumer<String, String> consumer =
            new KafkaConsumer<>(config, new StringDeserializer(), new StringDeserializer());
        consumer.subscribe(List.of(args[0]), new ConsumerRebalanceListener() {
            @Override
            public void onPartitionsAssigned(Collection<TopicPartition> partitions) {
                for (TopicPartition partition : partitions) assigned.add(partition.toString());
                System.out.println(json(assigned));
            }

            @Override
            public void onPartitionsRevoked(Collection<TopicPartition> partitions) {
                for (TopicPartition partition : partitions) assigned.remove(partition.toString());
                System.out.println(json(assigned));
            }
        });
        while (!stopping) {
            for (ConsumerRecord<String, String> record : consumer.poll(Duration.ofMillis(50)))
                System.out.println("{\"record\":\"" + record.value() + "\"}");
        }
        consumer.close();
    }
}
