"""One member of a group, on librdkafka. Usage: librdkafka_member.py TOPIC KEY=VALUE...

Prints a JSON line for each record ({"record": value}) and for each change of the assignment ({"assigned": [...]}, all
of it). Ends in order when standard input is closed.
"""
import json
import sys
import threading

from confluent_kafka import Consumer

topic = sys.argv[1]
config = dict(argument.split("=", 1) for argument in sys.argv[2:])
assigned = set()
stopping = threading.Event()


def tell(**line):
    print(json.dumps(line), flush=True)


def names(partitions):
    return {f"{p.topic}-{p.partition}" for p in partitions}


def on_assign(consumer, partitions):
    assigned.update(names(partitions))
    tell(assigned=sorted(assigned))


def on_gone(consumer, partitions):
    assigned.difference_update(names(partitions))
    tell(assigned=sorted(assigned))


threading.Thread(target=lambda: (sys.stdin.read(), stopping.set()), daemon=True).start()
consumer = Consumer(config)
consumer.subscribe([topic], on_assign=on_assign, on_revoke=on_gone, on_lost=on_gone)
while not stopping.is_set():
    message = consumer.poll(0.05)
    if message is not None and message.error() is None:
        tell(record=message.value().decode())
consumer.close()
tell(assigned=[])
