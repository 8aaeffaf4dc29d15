"""What a program on librdkafka (confluent-kafka) does with a broker. Usage: confluent_program.py BOOTSTRAP PREFIX.

Prints one JSON line of what it saw; ends with the exception where something is wrong.
"""
import json
import sys
import time

from confluent_kafka import Consumer, ConsumerGroupTopicPartitions, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import (
    AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource, NewPartitions, NewTopic, OffsetSpec, ResourceType,
)
from confluent_kafka import KafkaError, TopicCollection

CODECS = ["none", "gzip", "snappy", "lz4", "zstd"]
RECORDS_PER_CODEC = 200
BIG_RECORD_BYTES = 1_000_000
PARTITIONS = 3

bootstrap, prefix = sys.argv[1:]
topic, group = f"{prefix}-records", f"{prefix}-group"
admin = AdminClient({"bootstrap.servers": bootstrap})
seen = dict(produced=0, consumed=0, nulls=0, empty=0, big=0)


def results(futures):
    return {key: future.result(20) for key, future in futures.items()}


def create(name, **config):
    try:
        results(admin.create_topics([NewTopic(name, PARTITIONS, 1, config=config)]))
    except KafkaException as e:
        if e.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
            raise


def produce(sent_at_ms):
    failures = []

    def delivered(error, message):
        if error is not None:
            failures.append(error)
        else:
            seen["produced"] += 1

    for codec in CODECS:
        producer = Producer({
            "bootstrap.servers": bootstrap, "enable.idempotence": True, "compression.type": codec, "linger.ms": 5,
            "message.max.bytes": 1_048_588,
        })
        for i in range(RECORDS_PER_CODEC):
            producer.produce(topic, key=f"k{i % 7}", value=f"{codec}-{i}", timestamp=sent_at_ms, on_delivery=delivered,
                             headers=[("codec", codec.encode()), ("none", None)])
        producer.produce(topic, key="null", value=None, timestamp=sent_at_ms, on_delivery=delivered)
        producer.produce(topic, key=None, value=b"", timestamp=sent_at_ms, on_delivery=delivered)
        producer.produce(topic, value=b"b" * BIG_RECORD_BYTES, timestamp=sent_at_ms, on_delivery=delivered)
        assert producer.flush(20) == 0, "not all was delivered"
    assert failures == [], failures


def consume(sent_at_ms):
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": group, "auto.offset.reset": "earliest",
                         "enable.auto.commit": False, "check.crcs": True})
    consumer.subscribe([topic])
    ends_at = time.monotonic() + 30
    while seen["consumed"] < seen["produced"] and time.monotonic() < ends_at:
        for message in consumer.consume(500, 0.2):
            assert message.error() is None, message.error()
            assert message.timestamp()[1] == sent_at_ms, message.timestamp()
            seen["consumed"] += 1
            value = message.value()
            if value is None:
                seen["nulls"] += 1
            elif value == b"":
                seen["empty"] += 1
            elif len(value) == BIG_RECORD_BYTES:
                seen["big"] += 1
            else:
                codec = value.decode().split("-")[0]
                assert message.headers() == [("codec", codec.encode()), ("none", None)], message.headers()
    consumer.commit(asynchronous=False)
    partitions = [TopicPartition(topic, p) for p in range(PARTITIONS)]
    committed = {p.partition: p.offset for p in consumer.committed(partitions, 20)}
    ends = {p.partition: consumer.get_watermark_offsets(p, 20)[1] for p in partitions}
    seen["committed"] = sum(committed.values())
    seen["lag"] = sum(ends.values()) - seen["committed"]
    since = consumer.offsets_for_times([TopicPartition(topic, 0, sent_at_ms)], 20)
    assert since[0].offset >= 0, since
    consumer.close()


def administer():
    resource = ConfigResource(ResourceType.TOPIC, topic)
    change = ConfigEntry("retention.ms", "604800001", incremental_operation=AlterConfigOpType.SET)
    results(admin.incremental_alter_configs([ConfigResource(ResourceType.TOPIC, topic, incremental_configs=[change])]))
    seen["retention"] = results(admin.describe_configs([resource]))[resource]["retention.ms"].value
    described = results(admin.describe_topics(TopicCollection([topic])))[topic]
    assert len(described.partitions) == PARTITIONS, described
    assert len(admin.describe_cluster().result(20).nodes) == len(bootstrap.split(","))
    listed = admin.list_consumer_groups().result(20)
    assert group in [g.group_id for g in listed.valid] and listed.errors == [], listed
    assert results(admin.describe_consumer_groups([group]))[group].state.name == "EMPTY"
    offsets = results(admin.list_consumer_group_offsets([ConsumerGroupTopicPartitions(group)]))[group]
    assert sum(p.offset for p in offsets.topic_partitions) == seen["committed"], offsets
    latest = results(admin.list_offsets({TopicPartition(topic, 0): OffsetSpec.latest()}))[TopicPartition(topic, 0)]
    assert latest.offset > 0, latest
    temporary = f"{prefix}-temporary"
    create(temporary)
    results(admin.create_partitions([NewPartitions(temporary, PARTITIONS + 2)]))
    producer = Producer({"bootstrap.servers": bootstrap})
    for i in range(10):
        producer.produce(temporary, value=str(i), partition=0)
    producer.flush(20)
    trimmed = results(admin.delete_records([TopicPartition(temporary, 0, 4)]))
    assert [result.low_watermark for result in trimmed.values()] == [4], trimmed
    results(admin.delete_topics([temporary]))
    try:
        results(admin.delete_topics([temporary]))
        raise AssertionError("a topic that is not there was deleted")
    except KafkaException as e:
        assert e.args[0].code() == KafkaError.UNKNOWN_TOPIC_OR_PART, e


create(topic)
now_ms = int(time.time() * 1000) - 3_600_000
produce(now_ms)
consume(now_ms)
administer()
print(json.dumps(seen))
