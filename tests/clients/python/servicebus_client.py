"""The Service Bus client as the tests use it."""

from azure.servicebus import ServiceBusClient, ServiceBusMessage, ServiceBusReceiveMode, ServiceBusSubQueue

# Longer than any delivery takes; a test that waits this long has failed.
PATIENCE = 20


class Bus:
    """A client with every right, and what tests do with it again and again."""

    def __init__(self, connection_string, **options):
        # One quick repetition: what is refused must be refused at once.
        options = {"retry_total": 1, "retry_backoff_factor": 0.1} | options
        self.client = ServiceBusClient.from_connection_string(connection_string, **options)
        # Opening and closing take this client half a second each, so what can be kept is kept.
        self.senders = {}
        self.peekers = {}

    def send(self, queue, *bodies, **properties):
        if queue not in self.senders:
            self.senders[queue] = self.client.get_queue_sender(queue)
        for body in bodies:
            self.senders[queue].send_messages(ServiceBusMessage(body, **properties))

    def peek(self, queue, **options):
        """Up to ten messages from the first on."""
        key = (queue, *options.items())
        if key not in self.peekers:
            self.peekers[key] = self.receiver(queue, **options)
        return self.peekers[key].peek_messages(max_message_count=10, sequence_number=1)

    def receiver(self, source, subscription=None, **options):
        if subscription:
            return self.client.get_subscription_receiver(source, subscription, **options)
        return self.client.get_queue_receiver(source, **options)

    def take(self, queue, count=1, **options):
        """Receives and deletes this many messages."""
        with self.receiver(queue, receive_mode=ServiceBusReceiveMode.RECEIVE_AND_DELETE, **options) as receiver:
            return receive(receiver, count)

    def dead_letters(self, queue, count=1):
        return self.take(queue, count, sub_queue=ServiceBusSubQueue.DEAD_LETTER)

    def is_empty(self, queue, **options):
        return self.peek(queue, **options) == []


def receive(receiver, count=1):
    """Exactly this many messages: a receive may give fewer than are asked for."""
    messages = []
    while len(messages) < count:
        more = receiver.receive_messages(max_message_count=count - len(messages), max_wait_time=PATIENCE)
        assert more, f"only {len(messages)} of {count} messages came"
        messages += more
    return messages


def text(message):
    return b"".join(message.body).decode()
