"""Writes transactions in turn. Usage: librdkafka_transactions.py BOOTSTRAP TOPIC

Five times: two records whose transaction is aborted, one without a transaction, two that are committed.
"""
import sys

from confluent_kafka import Producer

bootstrap, topic = sys.argv[1:]
transactional = Producer({"bootstrap.servers": bootstrap, "transactional.id": "e2e", "linger.ms": 0})
plain = Producer({"bootstrap.servers": bootstrap})
transactional.init_transactions(30)
for round_number in range(5):
    transactional.begin_transaction()
    for part in "ab":
        transactional.produce(topic, f"aborted-{round_number}{part}", partition=0)
        transactional.flush(30)
    transactional.abort_transaction(30)
    plain.produce(topic, f"plain-{round_number}", partition=0)
    plain.flush(30)
    transactional.begin_transaction()
    for part in "ab":
        transactional.produce(topic, f"committed-{round_number}{part}", partition=0)
        transactional.flush(30)
    transactional.commit_transaction(30)
