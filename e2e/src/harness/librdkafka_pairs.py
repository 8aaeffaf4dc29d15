"""Writes transactions, one record to each of two partitions. Usage: librdkafka_pairs.py BOOTSTRAP TOPIC COUNT

Every fifth is aborted on purpose. Prints a line for each that is known to have ended: `committed N` or `aborted N`.
Goes on through whatever happens to the broker, as librdkafka says how: retries, aborts, begins anew.
"""
import sys
import time

from confluent_kafka import KafkaError, KafkaException, Producer

bootstrap, topic, count = sys.argv[1], sys.argv[2], int(sys.argv[3])


def new_producer():
    producer = Producer({
        "bootstrap.servers": bootstrap,
        "transactional.id": "pairs",
        "linger.ms": 0,
        "reconnect.backoff.max.ms": 200,
    })
    until_done(producer.init_transactions)
    return producer


def until_done(action):
    """Repeats what may be repeated. Returns whether it came to pass: if not, the transaction is to be aborted."""
    while True:
        try:
            action(30)
            return True
        except KafkaException as failure:
            error = failure.args[0]
            if error.retriable():
                continue
            if error.txn_requires_abort():
                return False
            raise


def abort(producer):
    """Returns the producer to go on with.

    librdkafka ends a transaction as soon as it has asked for partitions of it. Where the broker was killed before it heard
    of that, the last one it knows of is committed already: it refuses, as Apache Kafka does, and that is fatal to librdkafka.
    """
    try:
        until_done(producer.abort_transaction)
        return producer
    except KafkaException as failure:
        if failure.args[0].code() != KafkaError.INVALID_TXN_STATE:
            raise
        return new_producer()


producer = new_producer()
for number in range(count):
    producer.begin_transaction()
    for partition in (0, 1):
        producer.produce(topic, str(number), partition=partition)
    if number % 5 != 4 and until_done(producer.commit_transaction):
        print(f"committed {number}", flush=True)
    else:
        producer = abort(producer)
        print(f"aborted {number}", flush=True)
    time.sleep(0.01)
