"""Writes transactions, one record to each of two partitions. Usage: librdkafka_pairs.py BOOTSTRAP TOPIC COUNT

Every fifth is aborted on purpose. Prints a line for each that is known to have ended: `committed N` or `aborted N`.
Goes on through whatever happens to the broker, as librdkafka says how: retries, aborts, begins anew.
"""
import sys
import time

from confluent_kafka import KafkaException, Producer

bootstrap, topic, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
producer = Producer({
    "bootstrap.servers": bootstrap,
    "transactional.id": "pairs",
    "linger.ms": 0,
    "reconnect.backoff.max.ms": 200,
})


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


until_done(producer.init_transactions)
for number in range(count):
    producer.begin_transaction()
    for partition in (0, 1):
        producer.produce(topic, str(number), partition=partition)
    if number % 5 != 4 and until_done(producer.commit_transaction):
        print(f"committed {number}", flush=True)
    else:
        until_done(producer.abort_transaction)
        print(f"aborted {number}", flush=True)
    time.sleep(0.01)
