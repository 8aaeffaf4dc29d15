import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/**
 * The Java client, doing what a row asks of it, as often as it asks: the machine stays warm. Arguments: producer
 * configs as KEY=VALUE. Each line of the input is a task, `produce TOPIC RECORDS KEY FILE-OF-VALUES` or
 * `consume TOPIC PARTITIONS RECORDS`; each line of the output what it took: ELAPSED-MS RECORDS CPU-MS.
 */
public class JavaClient {
    static String bootstrap;

    public static void main(String[] args) throws Exception {
        bootstrap = args[0];
        Properties config = new Properties();
        config.put("bootstrap.servers", bootstrap);
        for (int i = 1; i < args.length; i++) config.put(args[i].split("=", 2)[0], args[i].split("=", 2)[1]);
        KafkaProducer<byte[], byte[]> producer =
            new KafkaProducer<>(config, new ByteArraySerializer(), new ByteArraySerializer());
        BufferedReader input = new BufferedReader(new InputStreamReader(System.in));
        System.out.println("ready");
        for (String line = input.readLine(); line != null; line = input.readLine()) {
            String[] task = line.split(" ");
            System.out.println(task[0].equals("produce") ? produce(producer, task) : consume(task));
        }
        producer.close();
    }

    static String produce(KafkaProducer<byte[], byte[]> producer, String[] task) throws Exception {
        String topic = task[1];
        int records = Integer.parseInt(task[2]);
        byte[] key = task[3].getBytes();
        List<byte[]> values = new ArrayList<>();
        for (String value : Files.readAllLines(Path.of(task[4]))) values.add(value.getBytes());
        long startedNs = System.nanoTime();
        long cpuNs = cpuNs();
        boolean[] failed = new boolean[1];
        for (int i = 0; i < records; i++) {
            producer.send(new ProducerRecord<>(topic, key, values.get(i % values.size())), (metadata, error) -> {
                if (error != null) failed[0] = true;
            });
        }
        producer.flush();
        if (failed[0]) throw new IllegalStateException("a record was not written");
        return answer(System.nanoTime() - startedNs, records, cpuNs() - cpuNs);
    }

    static String consume(String[] task) {
        List<TopicPartition> partitions = new ArrayList<>();
        for (int i = 0; i < Integer.parseInt(task[2]); i++) partitions.add(new TopicPartition(task[1], i));
        int records = Integer.parseInt(task[3]);
        Map<String, Object> config = Map.of("bootstrap.servers", bootstrap, "enable.auto.commit", "false");
        long cpuNs = cpuNs();
        try (KafkaConsumer<byte[], byte[]> consumer =
                new KafkaConsumer<>(config, new ByteArrayDeserializer(), new ByteArrayDeserializer())) {
            consumer.assign(partitions);
            consumer.seekToBeginning(partitions);
            for (TopicPartition partition : partitions) consumer.position(partition);
            long startedNs = System.nanoTime();
            int seen = 0;
            long bytes = 0;
            while (seen < records) {
                for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Duration.ofMillis(100))) {
                    bytes += record.key().length + record.value().length;
                    seen++;
                }
            }
            if (bytes == 0) throw new IllegalStateException("nothing was read");
            return answer(System.nanoTime() - startedNs, records, cpuNs() - cpuNs);
        }
    }

    static long cpuNs() {
        return ((com.sun.management.OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean()).getProcessCpuTime();
    }

    static String answer(long elapsedNs, int records, long cpuNs) {
        return elapsedNs / 1e6 + " " + records + " " + cpuNs / 1e6;
    }
}
