import java.time.Duration;
import java.util.List;
import java.util.Properties;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

/**
 * A producer and a consumer of the Java client, as they are by themselves: idempotent, acks=all. Arguments:
 * BOOTSTRAP TOPIC PARTITIONS PAUSE_MS. Writes numbers, reads them in a group named as the topic, and prints `acked N`,
 * `failed N` and `read N`. Ends when its input does: first the producer, the consumer when its input's end is `q`.
 */
public class JavaLoad {
    static volatile boolean writing = true;
    static volatile boolean reading = true;

    static synchronized void say(String line) {
        System.out.println(line);
    }

    public static void main(String[] args) throws Exception {
        int partitions = Integer.parseInt(args[2]);
        long pauseMs = Long.parseLong(args[3]);
        Thread consumer = new Thread(() -> read(args[0], args[1]));
        consumer.start();
        Thread producer = new Thread(() -> write(args[0], args[1], partitions, pauseMs));
        producer.start();
        // One byte ends the writing, the end of the input all.
        System.in.read();
        writing = false;
        producer.join();
        say("written");
        while (System.in.read() >= 0) { }
        reading = false;
        consumer.join();
    }

    static void write(String bootstrap, String topic, int partitions, long pauseMs) {
        Properties config = new Properties();
        config.put("bootstrap.servers", bootstrap);
        config.put("linger.ms", "0");
        config.put("request.timeout.ms", "4000");
        try (KafkaProducer<String, String> producer =
                new KafkaProducer<>(config, new StringSerializer(), new StringSerializer())) {
            for (int number = 0; writing; number++) {
                final int sent = number;
                producer.send(new ProducerRecord<>(topic, number % partitions, null, String.valueOf(number)),
                    (metadata, error) -> say(error == null ? "acked " + sent : "failed " + sent + " " + error));
                Thread.sleep(pauseMs);
            }
        } catch (InterruptedException e) { }
    }

    static void read(String bootstrap, String topic) {
        Properties config = new Properties();
        config.put("bootstrap.servers", bootstrap);
        config.put("group.id", topic);
        config.put("auto.offset.reset", "earliest");
        config.put("auto.commit.interval.ms", "200");
        try (KafkaConsumer<String, String> consumer =
                new KafkaConsumer<>(config, new StringDeserializer(), new StringDeserializer())) {
            consumer.subscribe(List.of(topic));
            while (reading) {
                for (ConsumerRecord<String, String> record : consumer.poll(Duration.ofMillis(50)))
                    say("read " + record.value());
            }
        }
    }
}
