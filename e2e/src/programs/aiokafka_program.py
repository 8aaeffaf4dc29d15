"""What a program on aiokafka does with a broker. Usage: aiokafka_program.py BOOTSTRAP PREFIX.

Prints one JSON line of what it saw; ends with the exception where something is wrong.
"""
import asyncio
import json
import sys
import time

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import TopicAlreadyExistsError, for_code

CODECS = [None, "gzip", "snappy", "lz4", "zstd"]
RECORDS_PER_CODEC = 200
BIG_RECORD_BYTES = 1_000_000
PARTITIONS = 3

bootstrap, prefix = sys.argv[1:]
topic, group = f"{prefix}-records", f"{prefix}-group"
seen = dict(produced=0, consumed=0, nulls=0, empty=0, big=0)


async def create(admin, name):
    response = await admin.create_topics([NewTopic(name, PARTITIONS, 1, topic_configs={"retention.ms": "604800001"})])
    for error in response.topic_errors:
        if error[1] not in (0, TopicAlreadyExistsError.errno):
            raise for_code(error[1])(error)


async def produce(sent_at_ms):
    for codec in CODECS:
        producer = AIOKafkaProducer(bootstrap_servers=bootstrap, enable_idempotence=True, compression_type=codec,
                                    max_request_size=1_048_576)
        await producer.start()
        name = codec or "none"
        sent = [
            await producer.send(topic, f"{name}-{i}".encode(), f"k{i % 7}".encode(), timestamp_ms=sent_at_ms,
                                headers=[("codec", name.encode())])
            for i in range(RECORDS_PER_CODEC)
        ]
        for key, value in ((b"null", None), (None, b""), (None, b"b" * BIG_RECORD_BYTES)):
            sent.append(await producer.send(topic, value, key, timestamp_ms=sent_at_ms))
        seen["produced"] += len(await asyncio.gather(*sent))
        await producer.stop()


async def consume(sent_at_ms):
    consumer = AIOKafkaConsumer(topic, bootstrap_servers=bootstrap, group_id=group, auto_offset_reset="earliest",
                                enable_auto_commit=False, fetch_max_wait_ms=100)
    await consumer.start()
    ends_at = time.monotonic() + 30
    while seen["consumed"] < seen["produced"] and time.monotonic() < ends_at:
        for messages in (await consumer.getmany(timeout_ms=500)).values():
            for message in messages:
                assert message.timestamp == sent_at_ms, message
                seen["consumed"] += 1
                if message.value is None:
                    seen["nulls"] += 1
                elif message.value == b"":
                    seen["empty"] += 1
                elif len(message.value) == BIG_RECORD_BYTES:
                    seen["big"] += 1
                else:
                    assert message.headers == (("codec", message.value.decode().split("-")[0].encode()),), message
    await consumer.commit()
    partitions = [TopicPartition(topic, p) for p in range(PARTITIONS)]
    seen["committed"] = sum([await consumer.committed(p) or 0 for p in partitions])
    seen["lag"] = sum((await consumer.end_offsets(partitions)).values()) - seen["committed"]
    since = await consumer.offsets_for_times({partitions[0]: sent_at_ms})
    assert since[partitions[0]].timestamp == sent_at_ms, since
    await consumer.stop()


async def administer(admin):
    [described] = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic)])
    seen["retention"] = {entry[0]: entry[1] for entry in described.resources[0][4]}["retention.ms"]
    assert topic in await admin.list_topics()
    assert (await admin.describe_cluster())["brokers"]
    assert group in [listed[0] for listed in await admin.list_consumer_groups()]
    offsets = await admin.list_consumer_group_offsets(group)
    assert sum(offset.offset for offset in offsets.values()) == seen["committed"], offsets
    await create(admin, f"{prefix}-temporary")
    await admin.delete_topics([f"{prefix}-temporary"])
    ends_at = time.monotonic() + 10
    while f"{prefix}-temporary" in await admin.list_topics():  # brokers of a cluster learn of it a moment later
        assert time.monotonic() < ends_at, "the topic is still there"
        await asyncio.sleep(0.05)


async def main():
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    await create(admin, topic)
    now_ms = int(time.time() * 1000) - 3_600_000
    await produce(now_ms)
    await consume(now_ms)
    await administer(admin)
    await admin.close()
    print(json.dumps(seen))


asyncio.run(main())
