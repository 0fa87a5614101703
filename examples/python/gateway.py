"""A gateway for Python, with paho-mqtt alone (1.6 and 2): it speaks for valves that are bound to it (docs/gateways.md). Its key comes by standard input:

    python3 examples/python/gateway.py HOST PORT CA-FILE valve-1 valve-2 < key.json

The valves are named by id or alias. It keeps nothing on disk: so it goes by `again`, and runs no command that may have run before (docs/commands.md, "Run once").
"""

import json
import math
import sys
import time

import paho.mqtt.client as mqtt

host, port, ca_file, *valves = sys.argv[1:]
key = json.load(sys.stdin)
begun = set()


def on_connect(client, _data, _flags, reason, _properties):
    if reason != 0:
        print("refused:", reason, file=sys.stderr)
        return
    for valve in valves:
        client.subscribe([(f"children/{valve}/commands/+", 1), (f"children/{valve}/twin/desired", 1)])


def run(told):
    if told["again"]:
        return {"error": "this may have run before the gateway started"}
    if told["name"] != "add":
        return {"error": "no such command"}
    try:
        return {"result": sum(told["body"])}
    except Exception as error:  # it would end the thread that hears commands
        return {"error": str(error)}


def on_message(client, _data, message):
    told = json.loads(message.payload)
    _, valve, kind, _ = message.topic.split("/", 3)
    if kind == "twin":
        # All that differs from what the valve reported; here everything is taken over.
        client.publish(f"children/{valve}/twin/reported", json.dumps(told["desired"]), qos=1)
        return
    if told["id"] in begun:
        return
    begun.add(told["id"])
    client.publish(f"children/{valve}/replies/{told['id']}", json.dumps(run(told)), qos=1)


if hasattr(mqtt, "CallbackAPIVersion"):
    gateway = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id=key["id"], protocol=mqtt.MQTTv5)
else:
    gateway = mqtt.Client(client_id=key["id"], protocol=mqtt.MQTTv5)
gateway.username_pw_set(key["id"], key["secret"])
gateway.tls_set(ca_file)
gateway.reconnect_delay_set(min_delay=1, max_delay=60)
gateway.on_connect = on_connect
gateway.on_message = on_message
gateway.connect_async(host, int(port))  # tried again and again, also where there is no network yet
gateway.loop_start()

minutes = 0
while True:
    for valve in valves:
        reading = {"time": int(time.time() * 1000), "values": {"temperature": 20 + 5 * math.sin(minutes / 60)}}
        # QoS 1: acknowledged once the platform has it on disk. Where the valve is not bound to this gateway MQTT 5 says so: 0x87.
        gateway.publish(f"children/{valve}/telemetry", json.dumps(reading), qos=1)
    minutes += 1
    time.sleep(60)
