/* Many clients at once, which verify every pull: it fails unless the bytes have the digest of the URL.
 *
 * usage: pullers [-c CLIENTS] [-b SECONDS] [-r BYTES-PER-SECOND] [-d SECONDS] PORT PATH...
 *
 * Every pull is a new connection to 127.0.0.1. Without -d each client pulls one path, in turn from the list; with -d
 * each pulls random paths until the time is over. -r limits the reading speed of a client; -b spreads the starts of the
 * clients over a time, all start at once without it.
 *
 * Prints one line: the clients, pulls, failed pulls and bytes, the milliseconds from request to first body byte (least,
 * median, most of all pulls), and the seconds from the first request to the last byte.
 */
#include <arpa/inet.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { BUFFER = 256 * 1024, MAX_PULLS = 1 << 20 };

static int port;
static char **paths;
static int path_count;
static double rate;
static double duration;
static double begin;
static int clients = 1;
static double start;
static atomic_int pulls, failed;
static atomic_llong bytes;
static float *first_bytes;

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec + time.tv_nsec / 1e9;
}

static void wait_until(double when) {
  double left = when - now();
  if (left <= 0) return;
  struct timespec time = {(time_t)left, (long)((left - (time_t)left) * 1e9)};
  nanosleep(&time, NULL);
}

/* Pulls a path; returns the reason of a failure, or NULL. */
static const char *pull(const char *path, char *buffer, double *first) {
  int connection = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
  const char *failure = NULL;
  EVP_MD_CTX *hash = EVP_MD_CTX_new();
  double asked = now();
  *first = 0;
  if (connect(connection, (struct sockaddr *)&address, sizeof address) != 0) {
    failure = "no connection";
    goto end;
  }
  int length = snprintf(buffer, BUFFER, "GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n", path);
  if (write(connection, buffer, length) != length) {
    failure = "request not sent";
    goto end;
  }
  int have = 0;
  char *body = NULL;
  while (body == NULL) {
    ssize_t count = have < BUFFER - 1 ? read(connection, buffer + have, BUFFER - 1 - have) : 0;
    if (count <= 0) {
      failure = "no head";
      goto end;
    }
    have += count;
    buffer[have] = 0;
    body = strstr(buffer, "\r\n\r\n");
  }
  *body = 0;
  body += 4;
  char *field = strstr(buffer, "\r\nContent-Length: ");
  if (strncmp(buffer, "HTTP/1.1 200", 12) != 0 || field == NULL) {
    failure = "not 200 with a length";
    goto end;
  }
  long long left = atoll(field + strlen("\r\nContent-Length: ")), got = 0;
  EVP_DigestInit_ex(hash, EVP_sha256(), NULL);
  ssize_t count = buffer + have - body;
  char *data = body;
  while (1) {
    if (count > 0) {
      if (*first == 0) *first = now() - asked;
      EVP_DigestUpdate(hash, data, count);
      left -= count;
      got += count;
      bytes += count;
    }
    if (left <= 0) break;
    if (rate > 0) wait_until(asked + got / rate);
    data = buffer;
    /* A slow client reads small pieces, so that its reads are even. */
    count = read(connection, buffer, rate > 0 && rate < BUFFER * 20 ? 8192 : BUFFER);
    if (count <= 0) {
      failure = "cut off";
      goto end;
    }
  }
  unsigned char digest[EVP_MAX_MD_SIZE];
  char hex[2 * EVP_MAX_MD_SIZE + 1];
  unsigned size = 0;
  EVP_DigestFinal_ex(hash, digest, &size);
  for (unsigned i = 0; i < size; i++) sprintf(hex + 2 * i, "%02x", digest[i]);
  const char *wanted = strstr(path, "sha256:");
  if (wanted != NULL && strncmp(wanted + 7, hex, 64) != 0) failure = "wrong digest";
end:
  close(connection);
  EVP_MD_CTX_free(hash);
  return failure;
}

static void *run(void *argument) {
  long client = (long)argument;
  unsigned seed = client * 7919 + 1;
  char *buffer = malloc(BUFFER);
  wait_until(start + begin * client / clients);
  do {
    const char *path = paths[duration > 0 ? rand_r(&seed) % path_count : client % path_count];
    double first;
    const char *failure = pull(path, buffer, &first);
    int index = pulls++;
    if (failure != NULL) {
      failed++;
      fprintf(stderr, "pullers: %s: %s\n", path, failure);
    }
    if (index < MAX_PULLS) first_bytes[index] = first;
  } while (duration > 0 && now() - start < duration);
  free(buffer);
  return NULL;
}

static int by_value(const void *a, const void *b) {
  float x = *(const float *)a, y = *(const float *)b;
  return (x > y) - (x < y);
}

int main(int argc, char **argv) {
  int option;
  while ((option = getopt(argc, argv, "b:c:r:d:")) != -1) {
    if (option == 'c') clients = atoi(optarg);
    else if (option == 'b') begin = atof(optarg);
    else if (option == 'r') rate = atof(optarg);
    else if (option == 'd') duration = atof(optarg);
    else return 64;
  }
  if (argc - optind < 2 || clients < 1) {
    fprintf(stderr, "usage: pullers [-c CLIENTS] [-b SECONDS] [-r BYTES-PER-SECOND] [-d SECONDS] PORT PATH...\n");
    return 64;
  }
  port = atoi(argv[optind]);
  paths = argv + optind + 1;
  path_count = argc - optind - 1;
  first_bytes = calloc(MAX_PULLS, sizeof *first_bytes);
  pthread_t *threads = calloc(clients, sizeof *threads);
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, 256 * 1024);
  start = now();
  for (long i = 0; i < clients; i++) {
    if (pthread_create(&threads[i], &attributes, run, (void *)i) != 0) {
      fprintf(stderr, "pullers: the system grants no more than %ld threads\n", i);
      return 71;
    }
  }
  for (int i = 0; i < clients; i++) pthread_join(threads[i], NULL);
  double total = now() - start;
  int count = pulls < MAX_PULLS ? pulls : MAX_PULLS;
  qsort(first_bytes, count, sizeof *first_bytes, by_value);
  printf("clients=%d pulls=%d failed=%d bytes=%lld first_least=%.0f first_median=%.0f first_most=%.0f seconds=%.3f\n",
         clients, pulls, failed, bytes, first_bytes[0] * 1e3, first_bytes[count / 2] * 1e3, first_bytes[count - 1] * 1e3,
         total);
  return failed > 0;
}
