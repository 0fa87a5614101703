// A client of MQTT 3.1.1 with the part of ESP-IDF's interface (esp-mqtt) that the console's program uses, for hosts without Espressif's SDK: it
// speaks to a real platform over TLS by OpenSSL, and verifies chain and name. What there is a task of its own here is done within
// `esp_mqtt_client_start`, until what was published is acknowledged.
#pragma once
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef int esp_err_t;
typedef const char *esp_event_base_t;
typedef void (*esp_event_handler_t)(void *arg, esp_event_base_t base, int32_t event, void *data);
enum { ESP_OK = 0, ESP_FAIL = -1 };
#define ESP_EVENT_ANY_ID -1
typedef enum { MQTT_EVENT_ANY = -1, MQTT_EVENT_ERROR = 0, MQTT_EVENT_CONNECTED, MQTT_EVENT_DISCONNECTED } esp_mqtt_event_id_t;

typedef struct {
    struct {
        struct { const char *uri; } address;
        struct { const char *certificate; } verification;
    } broker;
    struct {
        const char *username, *client_id;
        struct { const char *password; } authentication;
    } credentials;
} esp_mqtt_client_config_t;

typedef struct esp_mqtt_client {
    esp_mqtt_client_config_t config;
    esp_event_handler_t handler;
    void *arg;
    BIO *line;
    int unacknowledged;
} *esp_mqtt_client_handle_t;

typedef struct {
    esp_mqtt_event_id_t event_id;
    esp_mqtt_client_handle_t client;
} esp_mqtt_event_t;
typedef esp_mqtt_event_t *esp_mqtt_event_handle_t;

static esp_mqtt_client_handle_t esp_mqtt_client_init(const esp_mqtt_client_config_t *config) {
    esp_mqtt_client_handle_t client = calloc(1, sizeof *client);
    client->config = *config;
    return client;
}

static esp_err_t esp_mqtt_client_register_event(esp_mqtt_client_handle_t client, esp_mqtt_event_id_t event,
                                                esp_event_handler_t handler, void *arg) {
    if (event != MQTT_EVENT_ANY) return ESP_FAIL; // the program takes all
    client->handler = handler;
    client->arg = arg;
    return ESP_OK;
}

static size_t mqtt_text(uint8_t *into, const char *text) {
    const size_t length = strlen(text);
    into[0] = (uint8_t)(length >> 8);
    into[1] = (uint8_t)length;
    memcpy(into + 2, text, length);
    return 2 + length;
}

/** A packet of less than 16 KiB. */
static int mqtt_send(BIO *line, uint8_t type, const uint8_t *body, size_t length) {
    const int is_long = length > 127;
    const uint8_t head[] = {type, (uint8_t)(length % 128 | (is_long ? 128 : 0)), (uint8_t)(length / 128)};
    if (BIO_write(line, head, 2 + is_long) != 2 + is_long) return 0;
    return length == 0 || BIO_write(line, body, (int)length) == (int)length;
}

/** The next packet, which is of four bytes: CONNACK and PUBACK are. */
static int mqtt_receive(BIO *line, uint8_t packet[4]) {
    int got = 0;
    while (got < 4) {
        const int more = BIO_read(line, packet + got, 4 - got);
        if (more <= 0) return 0;
        got += more;
    }
    return packet[1] == 2;
}

/** A message's identifier, or -1. */
static int esp_mqtt_client_publish(esp_mqtt_client_handle_t client, const char *topic, const char *data, int len, int qos,
                                   int retain) {
    uint8_t body[8192];
    const size_t length = len == 0 ? strlen(data) : (size_t)len;
    if (strlen(topic) + length + 4 > sizeof body) return -1;
    size_t end = mqtt_text(body, topic);
    if (qos > 0) {
        body[end++] = 0;
        body[end++] = 1;
    }
    memcpy(body + end, data, length);
    if (!mqtt_send(client->line, (uint8_t)(0x30 | qos << 1 | retain), body, end + length)) return -1;
    client->unacknowledged += qos > 0;
    return qos > 0;
}

static BIO *mqtt_connect(const char *uri, const char *certificate) {
    char host[256], port[8], place[300];
    if (sscanf(uri, "mqtts://%255[^:]:%7[0-9]", host, port) != 2) return NULL;
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    BIO *text = BIO_new_mem_buf(certificate, -1);
    for (X509 *one; (one = PEM_read_bio_X509(text, NULL, NULL, NULL)) != NULL; X509_free(one))
        X509_STORE_add_cert(SSL_CTX_get_cert_store(context), one);
    BIO_free(text);
    SSL *tls = NULL;
    BIO *line = BIO_new_ssl_connect(context);
    BIO_get_ssl(line, &tls);
    SSL_set_tlsext_host_name(tls, host);
    SSL_set1_host(tls, host);
    snprintf(place, sizeof place, "%s:%s", host, port);
    BIO_set_conn_hostname(line, place);
    return BIO_do_connect(line) > 0 ? line : NULL;
}

static esp_err_t mqtt_failed(const char *what) {
    fprintf(stderr, "%s\n", what);
    ERR_print_errors_fp(stderr);
    exit(1);
}

static esp_err_t esp_mqtt_client_start(esp_mqtt_client_handle_t client) {
    const esp_mqtt_client_config_t *config = &client->config;
    const char *user = config->credentials.username, *id = config->credentials.client_id;
    uint8_t body[1024], packet[4];
    client->line = mqtt_connect(config->broker.address.uri, config->broker.verification.certificate);
    if (client->line == NULL) return mqtt_failed("no connection");
    size_t end = mqtt_text(body, "MQTT");
    memcpy(body + end, "\x04\xc2\x00\x78", 4); // 3.1.1, a clean session with user and password, keep alive for 120 s
    end += 4;
    end += mqtt_text(body + end, id == NULL ? "ESP32_000000" : id);
    end += mqtt_text(body + end, user);
    end += mqtt_text(body + end, config->credentials.authentication.password);
    if (!mqtt_send(client->line, 0x10, body, end)) return mqtt_failed("CONNECT was not sent");
    if (!mqtt_receive(client->line, packet) || packet[0] != 0x20 || packet[3] != 0) return mqtt_failed("not let in");
    esp_mqtt_event_t event = {MQTT_EVENT_CONNECTED, client};
    client->handler(client->arg, "MQTT_EVENTS", MQTT_EVENT_CONNECTED, &event);
    for (; client->unacknowledged > 0; client->unacknowledged -= 1)
        if (!mqtt_receive(client->line, packet) || packet[0] != 0x40) return mqtt_failed("not acknowledged");
    mqtt_send(client->line, 0xe0, body, 0);
    BIO_free_all(client->line);
    free(client);
    return ESP_OK;
}
