/* A thermometer in C, with OpenSSL alone: MQTT 3.1.1 over TLS. The key, as POST /v1/devices gives it, comes by standard input:
 *
 *   cc -std=c99 -o thermometer mqtt.c -lssl -lcrypto -lm
 *   ./thermometer HOST PORT CA-FILE < key.json
 *
 * A reading is told again until the platform has it on disk (QoS 1). It keeps one reading and no more, and nothing on disk, so it goes by `again`, and runs no command that
 * may have run before (docs/commands.md, "Run once"). */
#define _POSIX_C_SOURCE 200809L
#include <math.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum { CONNECT = 0x10, CONNACK = 0x20, PUBLISH = 0x32, PUBACK = 0x40, SUBSCRIBE = 0x82, PINGREQ = 0xc0 };
enum { KEEP_ALIVE = 60, INTERVAL = 60, PATIENCE = 20 }; /* seconds */
/* A command's body has 16 KiB at most (docs/commands.md), and stands in less than one more. What we say ourselves is short. */
enum { LARGEST = 17 * 1024, OURS = 1024 };

static BIO *line;
static struct { char id[64]; const char *reply; } ran[32]; /* the latest commands that were begun */
static unsigned begun;

/* The last reading, and whether the platform has it. */
static char reading[160];
static int is_kept = 1;
static time_t next_reading;

/* Passes evenly, whatever is done to the clock. */
static time_t seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec;
}

/* The text under a name, where it is flat JSON: what the platform sends has no quote in its ids and names. */
static int text_of(const char *json, const char *name, char *into, size_t size) {
    char sought[80];
    snprintf(sought, sizeof sought, "\"%s\":\"", name);
    const char *at = strstr(json, sought);
    if (!at) return 0;
    at += strlen(sought);
    size_t length = strcspn(at, "\"");
    if (length == 0 || length >= size) return 0;
    memcpy(into, at, length);
    into[length] = 0;
    return 1;
}

static unsigned char *put_number(unsigned char *at, unsigned number) {
    *at++ = (unsigned char)(number >> 8);
    *at++ = (unsigned char)number;
    return at;
}

static unsigned char *put_text(unsigned char *at, const char *text) {
    size_t length = strlen(text);
    at = put_number(at, (unsigned)length);
    memcpy(at, text, length);
    return at + length;
}

static int write_all(const unsigned char *bytes, size_t length) {
    while (length > 0) {
        int written = BIO_write(line, bytes, (int)length);
        if (written <= 0) return 0;
        bytes += written;
        length -= (size_t)written;
    }
    return 1;
}

static int send_packet(int type, const unsigned char *body, size_t length) {
    unsigned char head[5] = {(unsigned char)type};
    size_t size = 1, left = length;
    do {
        head[size] = left % 128;
        left /= 128;
        if (left > 0) head[size] |= 128;
        size++;
    } while (left > 0);
    return write_all(head, size) && write_all(body, length);
}

static int read_all(unsigned char *into, size_t length) {
    while (length > 0) {
        int count = BIO_read(line, into, (int)length);
        if (count <= 0) return 0;
        into += count;
        length -= (size_t)count;
    }
    return 1;
}

/* 0 where the line ended, or something came that is larger than we take. A zero stands behind what came. */
static int read_packet(int *type, unsigned char *body, size_t *length) {
    unsigned char byte;
    if (!read_all(&byte, 1)) return 0;
    *type = byte;
    *length = 0;
    for (int shift = 0;; shift += 7) {
        if (shift > 21 || !read_all(&byte, 1)) return 0;
        *length |= (size_t)(byte & 127) << shift;
        if (byte < 128) break;
    }
    if (*length >= LARGEST || !read_all(body, *length)) return 0;
    body[*length] = 0;
    return 1;
}

static int publish(const char *topic, const char *payload, unsigned id) {
    unsigned char body[OURS];
    if (strlen(topic) + strlen(payload) + 4 > sizeof body) return 0;
    unsigned char *at = put_number(put_text(body, topic), id);
    memcpy(at, payload, strlen(payload));
    return send_packet(PUBLISH, body, (size_t)(at - body) + strlen(payload));
}

static int answer(const char *command) {
    char id[64], name[80], topic[80];
    const char *reply = "{\"error\": \"no such command\"}";
    /* The body is last, and may have any words in it. */
    const char *again = strstr(command, "\"again\":true"), *body = strstr(command, "\"body\":");
    if (!text_of(command, "id", id, sizeof id) || !text_of(command, "name", name, sizeof name)) return 1;
    snprintf(topic, sizeof topic, "me/replies/%s", id);
    /* It comes again where the line ended before the platform had our reply: it gets the same, and nothing is done twice. */
    for (unsigned n = 0; n < sizeof ran / sizeof *ran; n++)
        if (strcmp(ran[n].id, id) == 0) return publish(topic, ran[n].reply, 2);
    if (again && again < body) reply = "{\"error\": \"this may have run before the device started\"}";
    else if (strcmp(name, "ping") == 0) reply = "{\"result\": \"pong\"}";
    unsigned place = begun++ % (sizeof ran / sizeof *ran);
    strcpy(ran[place].id, id);
    ran[place].reply = reply;
    return publish(topic, reply, 2);
}

/* Takes one packet. 0 where the line is of no use any more. */
static int hear(int *type) {
    unsigned char body[LARGEST];
    size_t length;
    if (!read_packet(type, body, &length)) return 0;
    if (*type == CONNACK && length == 2 && body[1] != 0) return fprintf(stderr, "refused: %d\n", body[1]), 0;
    if (*type == PUBACK && length == 2 && body[1] == 1) is_kept = 1;
    if ((*type & 0xf0) != 0x30 || length < 2) return 1;
    size_t topic = 2 + ((size_t)body[0] << 8 | body[1]), id = (*type & 6) ? 2 : 0;
    if (topic + id > length) return 0;
    if (!answer((char *)body + topic + id)) return 0;
    return id == 0 || send_packet(PUBACK, body + topic, 2);
}

/* Until something can be read, at most so many milliseconds. */
static int wait_for_line(long milliseconds) {
    int file;
    if (BIO_pending(line) > 0) return 1;
    BIO_get_fd(line, &file);
    struct pollfd poller = {file, POLLIN, 0};
    return poll(&poller, 1, (int)milliseconds) > 0;
}

/* TCP, then TLS. Who says nothing, now or in the middle of something later, is waited for so long. */
static int connect_line(SSL_CTX *context, const char *host, const char *port) {
    const struct timeval patience = {PATIENCE, 0};
    char place[300];
    int file;
    SSL *tls = NULL;
    snprintf(place, sizeof place, "%s:%s", host, port);
    BIO *wire = BIO_new_connect(place);
    line = BIO_push(BIO_new_ssl(context, 1), wire);
    if (BIO_do_connect(wire) <= 0) return 0;
    BIO_get_fd(wire, &file);
    setsockopt(file, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    setsockopt(file, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    BIO_get_ssl(line, &tls);
    SSL_set_tlsext_host_name(tls, host);
    SSL_set1_host(tls, host); /* or anybody with a certificate of that authority would do */
    return BIO_do_handshake(line) > 0;
}

/* One connection, as long as it lasts. */
static void run(const char *id, const char *secret, unsigned *failures) {
    static unsigned minutes;
    unsigned char body[OURS], *at = put_text(body, "MQTT");
    int type = 0;
    *at++ = 4;    /* 3.1.1 */
    *at++ = 0xc2; /* user name, password, a new session */
    at = put_text(put_text(put_text(put_number(at, KEEP_ALIVE), id), id), secret);
    if (!send_packet(CONNECT, body, (size_t)(at - body)) || !hear(&type) || type != CONNACK) return;
    at = put_text(put_number(body, 3), "me/commands/+");
    *at++ = 1;
    if (!send_packet(SUBSCRIBE, body, (size_t)(at - body))) return;
    *failures = 0;
    if (!is_kept && !publish("me/telemetry", reading, 1)) return;
    for (time_t spoken = seconds();;) {
        time_t now = seconds();
        if (now >= next_reading) {
            if (!is_kept) { next_reading = now + INTERVAL; return; } /* a minute without an answer: the line is dead */
            snprintf(reading, sizeof reading, "{\"time\": %lld, \"values\": {\"temperature\": %.2f}}",
                             (long long)time(NULL) * 1000, 20 + 5 * sin(minutes++ / 60.0));
            is_kept = 0;
            next_reading = now + INTERVAL;
            spoken = now;
            if (!publish("me/telemetry", reading, 1)) return;
        } else if (now - spoken >= KEEP_ALIVE / 2) {
            if (!send_packet(PINGREQ, body, 0)) return;
            spoken = now;
        }
        if (wait_for_line(1000) && !hear(&type)) return;
    }
}

int main(int count, char **words) {
    char key[1024], id[128], secret[256];
    if (count != 4) return fprintf(stderr, "usage: thermometer HOST PORT CA-FILE < key.json\n"), 2;
    key[fread(key, 1, sizeof key - 1, stdin)] = 0;
    if (!text_of(key, "id", id, sizeof id) || !text_of(key, "secret", secret, sizeof secret))
        return fprintf(stderr, "no key came by standard input\n"), 2;
    signal(SIGPIPE, SIG_IGN);
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    if (!SSL_CTX_load_verify_locations(context, words[3], NULL)) return fprintf(stderr, "no authority in %s\n", words[3]), 2;
    srand((unsigned)time(NULL) ^ (unsigned)getpid());
    for (unsigned failures = 0;; failures++) {
        if (connect_line(context, words[1], words[2])) run(id, secret, &failures);
        else ERR_print_errors_fp(stderr);
        BIO_free_all(line);
        /* Anywhere up to a bound that doubles: many devices do not come back at once. */
        sleep(1 + (unsigned)rand() % (1u << (failures < 6 ? failures : 6)));
    }
}
