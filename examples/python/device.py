"""A thermometer for Python, with paho-mqtt alone (1.6 and 2). The key, as POST /v1/devices gives it, comes by standard input:

    python3 examples/python/device.py HOST PORT CA-FILE < key.json

It keeps nothing on disk: so it goes by `again`, and runs no command that may have run before (docs/commands.md, "Run once").
"""

import json
import math
import sys
import time

import paho.mqtt.client as mqtt

host, port, ca_file = sys.argv[1:4]
key = json.load(sys.stdin)
begun = set()


def on_connect(client, _data, _flags, reason, _properties):
    if reason != 0:
        print("refused:", reason, file=sys.stderr)
        return
    client.subscribe([("me/commands/+", 1), ("me/twin/desired", 1)])


def run(told):
    if told["again"]:
        return {"error": "this may have run before the device started"}
    if told["name"] != "add":
        return {"error": "no such command"}
    try:
        return {"result": sum(told["body"])}
    except Exception as error:  # it would end the thread that hears commands
        return {"error": str(error)}


def on_message(client, _data, message):
    told = json.loads(message.payload)
    if message.topic == "me/twin/desired":
        # All that differs from what was reported; here everything is taken over.
        client.publish("me/twin/reported", json.dumps(told["desired"]), qos=1)
        return
    if told["id"] in begun:
        return
    begun.add(told["id"])
    client.publish("me/replies/" + told["id"], json.dumps(run(told)), qos=1)


if hasattr(mqtt, "CallbackAPIVersion"):
    device = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id=key["id"], protocol=mqtt.MQTTv5)
else:
    device = mqtt.Client(client_id=key["id"], protocol=mqtt.MQTTv5)
device.username_pw_set(key["id"], key["secret"])
device.tls_set(ca_file)
device.reconnect_delay_set(min_delay=1, max_delay=60)
device.on_connect = on_connect
device.on_message = on_message
device.connect_async(host, int(port))  # tried again and again, also where there is no network yet
device.loop_start()

minutes = 0
while True:
    reading = {"time": int(time.time() * 1000), "values": {"temperature": 20 + 5 * math.sin(minutes / 60)}}
    # QoS 1: it waits in memory while there is no connection, and is acknowledged once the platform has it on disk.
    device.publish("me/telemetry", json.dumps(reading), qos=1)
    minutes += 1
    time.sleep(60)
