// TLS as the ESP32's class has it, by OpenSSL. Like that one it verifies chain and name by the authority that it is given.
#pragma once
#include "Arduino.h"
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdio.h>

class WiFiClientSecure : public Client {
  SSL_CTX *context = SSL_CTX_new(TLS_client_method());
  BIO *line = nullptr;

 public:
  WiFiClientSecure() {
    signal(SIGPIPE, SIG_IGN);  // a board has none
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
  }

  void setCACert(const char *pem) {
    BIO *text = BIO_new_mem_buf(pem, -1);
    while (X509 *authority = PEM_read_bio_X509(text, nullptr, nullptr, nullptr)) {
      X509_STORE_add_cert(SSL_CTX_get_cert_store(context), authority);
      X509_free(authority);
    }
    BIO_free(text);
  }

  int connect(const char *host, uint16_t port) override {
    stop();
    SSL *tls = nullptr;
    char place[300];
    line = BIO_new_ssl_connect(context);
    BIO_get_ssl(line, &tls);
    SSL_set_tlsext_host_name(tls, host);
    SSL_set1_host(tls, host);
    snprintf(place, sizeof place, "%s:%u", host, port);
    BIO_set_conn_hostname(line, place);
    if (BIO_do_connect(line) > 0) {
      BIO_socket_nbio(BIO_get_fd(line, nullptr), 1);
      return 1;
    }
    stop();
    return 0;
  }

  size_t write(const uint8_t *bytes, size_t size) override {
    if (!line) return 0;
    size_t written = 0;
    while (written < size) {
      const int count = BIO_write(line, bytes + written, static_cast<int>(size - written));
      if (count > 0) written += count;
      else if (BIO_should_retry(line)) delay(1);
      else return stop(), 0;
    }
    return written;
  }

  /** By a look that takes nothing: TLS tells how much is there once a record was read. */
  int available() override {
    uint8_t one;
    if (!line) return 0;
    SSL *tls = nullptr;
    BIO_get_ssl(line, &tls);
    const int count = SSL_peek(tls, &one, 1);
    if (count > 0) return SSL_pending(tls);
    if (SSL_get_error(tls, count) != SSL_ERROR_WANT_READ) stop();
    return 0;
  }

  int read(uint8_t *into, size_t size) override { return line ? BIO_read(line, into, static_cast<int>(size)) : -1; }

  void stop() override {
    if (line) BIO_free_all(line);
    line = nullptr;
  }

  uint8_t connected() override { return available() > 0 || line != nullptr; }
};
