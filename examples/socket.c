/* A device that sends to Holdfast over UDP or TCP: docs/sockets.md in C99, with nothing but the C library and a socket.
 *
 *     cc -std=c99 -O2 -o socket examples/socket.c
 *     ./socket 192.0.2.1 5686 hfu_… BOOT COUNTER 'temperature=21.5 humidity=48'
 *
 * BOOT grows each time the device starts (keep it in flash), COUNTER with each frame of one boot. --tcp sends over TCP; --signed leaves the frame
 * readable; --print shows it and sends nothing. Ends with 0 once the platform has kept the reading, 2 when it never will, 3 when it may later, 1 without an answer.
 */
#define _POSIX_C_SOURCE 200112L
#include <netdb.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

enum { BLOCK = 16, TAG = 8, ADDRESS = 6, LONGEST = 1232, SEALED = 0, SIGNED = 1, ANSWER = 2 };

typedef struct { uint8_t address[ADDRESS], secret[BLOCK]; uint32_t boot; } device;

/* AES-128, one block, encryption only (FIPS 197). A radio that has it in silicon does this in a microsecond. */
static uint8_t sbox[256];

static uint8_t twice(uint8_t a) { return (uint8_t)(a << 1 ^ (a >> 7) * 0x1b); }

static uint8_t turned(uint8_t a, int by) { return (uint8_t)(a << by | a >> (8 - by)); }

static void make_sbox(void) {
    uint8_t p = 1, q = 1;
    do {
        p ^= twice(p);
        for (int by = 1; by <= 4; by *= 2) q ^= (uint8_t)(q << by);
        if (q & 0x80) q ^= 0x09;
        sbox[p] = q ^ turned(q, 1) ^ turned(q, 2) ^ turned(q, 3) ^ turned(q, 4) ^ 0x63;
    } while (p != 1);
    sbox[0] = 0x63;
}

static void aes(const uint8_t key[BLOCK], uint8_t s[BLOCK]) {
    uint8_t k[BLOCK], t[BLOCK], constant = 1;
    memcpy(k, key, BLOCK);
    for (int i = 0; i < BLOCK; i++) s[i] ^= k[i];
    for (int round = 1; round <= 10; round++) {
        for (int i = 0; i < BLOCK; i++) t[i] = sbox[s[(i + 4 * (i % 4)) % BLOCK]];
        for (int i = 0; i < BLOCK; i++) {
            const uint8_t *c = t + i / 4 * 4;
            s[i] = round == 10 ? t[i] : t[i] ^ c[0] ^ c[1] ^ c[2] ^ c[3] ^ twice(t[i] ^ c[(i + 1) % 4]);
        }
        for (int i = 0; i < 4; i++) k[i] ^= sbox[k[12 + (i + 1) % 4]];
        k[0] ^= constant;
        constant = twice(constant);
        for (int i = 4; i < BLOCK; i++) k[i] ^= k[i - 4];
        for (int i = 0; i < BLOCK; i++) s[i] ^= k[i];
    }
}

/* Adds bytes to a chain of blocks, the last filled up with zeros. */
static void chain(const uint8_t key[BLOCK], uint8_t state[BLOCK], const uint8_t *bytes, size_t length) {
    for (size_t i = 0; i < length; i++) {
        state[i % BLOCK] ^= bytes[i];
        if (i % BLOCK == BLOCK - 1 || i == length - 1) aes(key, state);
    }
}

static void double_block(uint8_t b[BLOCK]) {
    uint8_t carry = b[0] >> 7;
    for (int i = 0; i < BLOCK; i++) b[i] = (uint8_t)(b[i] << 1 | (i < BLOCK - 1 ? b[i + 1] >> 7 : 0));
    b[BLOCK - 1] ^= (uint8_t)(carry * 0x87);
}

/* AES-CMAC (RFC 4493) of 1 to 32 bytes, which is all that is needed here. */
static void cmac(const uint8_t key[BLOCK], const uint8_t *text, size_t length, uint8_t mac[BLOCK]) {
    uint8_t more[BLOCK] = {0}, last[BLOCK] = {0};
    size_t whole = (length - 1) / BLOCK * BLOCK, rest = length - whole;
    aes(key, more);
    double_block(more);
    memcpy(last, text + whole, rest);
    if (rest < BLOCK) double_block(more), last[rest] = 0x80;
    memset(mac, 0, BLOCK);
    chain(key, mac, text, whole);
    for (int i = 0; i < BLOCK; i++) last[i] ^= more[i];
    chain(key, mac, last, BLOCK);
}

static void two_bytes(uint8_t *to, size_t n) { to[0] = (uint8_t)(n >> 8), to[1] = (uint8_t)n; }

static void four_bytes(uint8_t *to, uint32_t n) { two_bytes(to, n >> 16), two_bytes(to + 2, n & 0xffff); }

/* The key of this boot (NIST SP 800-108r1, counter mode, by CMAC). */
static void boot_key(const device *d, uint8_t purpose, uint8_t key[BLOCK]) {
    uint8_t input[30] = "\1holdfast socket";
    input[17] = purpose;
    memcpy(input + 18, d->address, ADDRESS);
    four_bytes(input + 24, d->boot);
    two_bytes(input + 28, 128);
    cmac(d->secret, input, sizeof input, key);
}

/* AES-128-CCM (RFC 3610) with L = 2 and M = 8: seals `length` bytes in place; `open` is vouched for, and stays readable. */
static void ccm(const uint8_t key[BLOCK], uint32_t counter, const uint8_t *open, size_t opened, uint8_t *bytes,
                size_t length, uint8_t tag[TAG]) {
    uint8_t mac[BLOCK] = {0x59}, at[BLOCK] = {0x01}, pad[BLOCK], head[LONGEST + 2];
    four_bytes(mac + 10, counter);
    four_bytes(at + 10, counter);
    two_bytes(mac + 14, length);
    aes(key, mac);
    two_bytes(head, opened);
    memcpy(head + 2, open, opened);
    chain(key, mac, head, opened + 2);
    chain(key, mac, bytes, length);
    for (size_t i = 0; i < length + BLOCK; i++) { /* block 0 hides the tag, those behind it the bytes */
        if (i % BLOCK == 0) {
            two_bytes(at + 14, i / BLOCK);
            memcpy(pad, at, BLOCK);
            aes(key, pad);
        }
        if (i < TAG) tag[i] = mac[i] ^ pad[i];
        if (i >= BLOCK) bytes[i - BLOCK] ^= pad[i % BLOCK];
    }
}

static size_t number(uint8_t *to, uint32_t n) {
    size_t length = 0;
    for (; n > 0x7f; n >>= 7) to[length++] = (uint8_t)(n | 0x80);
    to[length++] = (uint8_t)n;
    return length;
}

static size_t frame(const device *d, int mode, uint32_t counter, const char *line, uint8_t out[LONGEST]) {
    uint8_t key[BLOCK];
    size_t head = 1 + ADDRESS, length = strlen(line);
    out[0] = (uint8_t)(0x90 | mode << 2 | 2 | 1); /* version 1; a line of text; an answer is wanted */
    memcpy(out + 1, d->address, ADDRESS);
    head += number(out + head, d->boot);
    head += number(out + head, counter);
    memcpy(out + head, line, length);
    boot_key(d, (uint8_t)mode, key);
    if (mode == SEALED) ccm(key, counter, out, head, out + head, length, out + head + length);
    else ccm(key, counter, out, head + length, out, 0, out + head + length);
    return head + length + TAG;
}

/* 0 kept, 1 never, 2 later; -1 where it is no answer of the platform's to this frame. */
static int outcome(const device *d, uint32_t counter, const uint8_t *answer, size_t length) {
    uint8_t head[5], key[BLOCK], mac[BLOCK];
    size_t n = 1 + number(head + 1, counter);
    head[0] = answer[0];
    if (length != n + TAG || (answer[0] & 0xfc) != 0x98 || memcmp(answer, head, n) != 0) return -1;
    boot_key(d, ANSWER, key);
    cmac(key, head, n, mac);
    return memcmp(mac, answer + n, TAG) == 0 ? answer[0] & 3 : -1;
}

/* Sends it, over UDP again after 1, 2 and 4 seconds: the same bytes, which the platform keeps once. `out` begins with its length, for TCP. */
static int deliver(const char *host, const char *port, int tcp, const device *d, uint32_t counter, const uint8_t *out, size_t n) {
    struct addrinfo want = {.ai_socktype = tcp ? SOCK_STREAM : SOCK_DGRAM}, *to;
    uint8_t answer[2 + 5 + TAG];
    size_t prefix = tcp ? 2 : 0, length = prefix + 1 + number(answer, counter) + TAG;
    if (getaddrinfo(host, port, &want, &to) != 0) return 1;
    int s = socket(to->ai_family, to->ai_socktype, to->ai_protocol), said = -1;
    int there = !tcp || connect(s, to->ai_addr, to->ai_addrlen) == 0;
    for (int wait = tcp ? 4 : 1; there && said < 0 && wait <= 4; wait *= 2) {
        struct timeval patience = {.tv_sec = wait};
        setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
        if (sendto(s, out + 2 - prefix, n + prefix, 0, tcp ? NULL : to->ai_addr, tcp ? 0 : to->ai_addrlen) < 0) break;
        ssize_t got = recv(s, answer, length, MSG_WAITALL);
        if (got > (ssize_t)prefix) said = outcome(d, counter, answer + prefix, (size_t)got - prefix);
    }
    freeaddrinfo(to), close(s);
    return said < 0 ? 1 : said == 0 ? 0 : said + 1;
}

int main(int argc, char **argv) {
    int mode = SEALED, prints = 0, tcp = 0, i = 1;
    for (; i < argc && argv[i][0] == '-'; i++) {
        mode |= strcmp(argv[i], "--signed") == 0;
        prints |= strcmp(argv[i], "--print") == 0;
        tcp |= strcmp(argv[i], "--tcp") == 0;
    }
    uint8_t out[2 + LONGEST]; /* its length in front */
    device d;
    if (argc - i != 6 || strlen(argv[i + 2]) != 48 || strlen(argv[i + 5]) > LONGEST - 24) {
        fprintf(stderr, "socket [--tcp] [--signed] [--print] HOST PORT hfu_... BOOT COUNTER LINE\n");
        return 1;
    }
    for (unsigned at = 0, byte = 0; at < ADDRESS + BLOCK; at++) {
        sscanf(argv[i + 2] + 4 + 2 * at, "%2x", &byte);
        *(at < ADDRESS ? d.address + at : d.secret + at - ADDRESS) = (uint8_t)byte;
    }
    d.boot = (uint32_t)strtoul(argv[i + 3], NULL, 10);
    uint32_t counter = (uint32_t)strtoul(argv[i + 4], NULL, 10);
    make_sbox();
    size_t n = frame(&d, mode, counter, argv[i + 5], out + 2);
    two_bytes(out, n);
    for (size_t at = 0; prints && at < n; at++) printf("%02x", out[2 + at]);
    return prints ? 0 : deliver(argv[i], argv[i + 1], tcp, &d, counter, out, n);
}
