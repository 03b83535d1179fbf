/* Many slow clients in one thread, which compare every byte with a file.
 *
 * usage: slow_readers [-c CLIENTS] [-r BYTES-PER-SECOND] [-f FILE] PORT PATH
 *
 * Each client requests PATH, in which %d is its number, and reads its body at the rate, once in eight seconds. Prints "ready" once every client
 * has a byte of the body, or without -f, where upstream is silent, once every request is sent. Runs until its standard
 * input ends; then prints one line: the clients, those that failed, those that got a wrong byte, and the bytes.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

struct client {
  int connection;
  int head_length;
  char head[2048];
  long long got;
};

enum { PERIOD = 8 };

static char *expected;
static long long expected_size;
static int failed, wrong, ready;
static long long bytes;

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec + time.tv_nsec / 1e9;
}

static int open_client(struct client *client, int port, const char *path, int number) {
  client->connection = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  /* What the kernel holds for a client would hide that it is slow. */
  int size = 4096;
  setsockopt(client->connection, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
  if (connect(client->connection, (struct sockaddr *)&address, sizeof address) != 0) return 0;
  char target[1024], request[2048];
  snprintf(target, sizeof target, path, number);
  int length = snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", target);
  if (write(client->connection, request, length) != length) return 0;
  fcntl(client->connection, F_SETFL, O_NONBLOCK);
  return 1;
}

static void lose(struct client *client) {
  close(client->connection);
  client->connection = -1;
  failed++;
}

static void take(struct client *client, const char *data, long long count) {
  if (count == 0) return;
  if (client->got == 0) ready++;
  if (client->got + count > expected_size || memcmp(expected + client->got, data, count) != 0) wrong++;
  client->got += count;
  bytes += count;
}

/* Reads the head, then at most a number of bytes of the body. */
static void step(struct client *client, int limit) {
  char data[65536];
  if (client->connection < 0) return;
  if (client->head_length >= 0) {
    int room = sizeof client->head - 1 - client->head_length;
    ssize_t count = recv(client->connection, client->head + client->head_length, room, 0);
    if (count < 0 && errno == EAGAIN) return;
    if (count <= 0) return lose(client);
    client->head_length += count;
    client->head[client->head_length] = 0;
    char *end = strstr(client->head, "\r\n\r\n");
    if (end == NULL) return;
    if (strncmp(client->head, "HTTP/1.1 200", 12) != 0) return lose(client);
    take(client, end + 4, client->head + client->head_length - end - 4);
    client->head_length = -1;
    return;
  }
  ssize_t count = recv(client->connection, data, limit, 0);
  if (count < 0 && errno == EAGAIN) return;
  if (count <= 0) return lose(client);
  take(client, data, count);
}

int main(int argc, char **argv) {
  int option, count = 1, rate = 1000;
  const char *file = NULL;
  while ((option = getopt(argc, argv, "c:r:f:")) != -1) {
    if (option == 'c') count = atoi(optarg);
    else if (option == 'r') rate = atoi(optarg);
    else if (option == 'f') file = optarg;
    else return 64;
  }
  if (argc - optind != 2 || count < 1 || rate < 1 || rate > 65536 / PERIOD) {
    fprintf(stderr, "usage: slow_readers [-c CLIENTS] [-r BYTES-PER-SECOND] [-f FILE] PORT PATH\n");
    return 64;
  }
  struct rlimit limit;
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  if (file != NULL) {
    FILE *stream = fopen(file, "rb");
    if (stream == NULL) {
      perror(file);
      return 66;
    }
    fseek(stream, 0, SEEK_END);
    expected_size = ftell(stream);
    rewind(stream);
    expected = malloc(expected_size);
    if (fread(expected, 1, expected_size, stream) != (size_t)expected_size) return 66;
    fclose(stream);
  }
  int port = atoi(argv[optind]);
  struct client *clients = calloc(count, sizeof *clients);
  for (int i = 0; i < count; i++) {
    if (!open_client(&clients[i], port, argv[optind + 1], i)) lose(&clients[i]);
  }
  int told = 0;
  unsigned turn = 0;
  while (1) {
    double begin = now();
    /* Until all are served, heads are taken at once; then an eighth of the clients reads in a second. */
    for (int i = told ? turn++ % PERIOD : 0; i < count; i += told ? PERIOD : 1) step(&clients[i], rate * PERIOD);
    if (!told && (file == NULL || ready + failed >= count)) {
      told = 1;
      printf("ready\n");
      fflush(stdout);
    }
    int wait = told ? 1000 - (int)((now() - begin) * 1e3) : 10;
    struct pollfd input = {.fd = 0, .events = POLLIN};
    if (poll(&input, 1, wait > 0 ? wait : 0) > 0) break;
  }
  printf("clients=%d failed=%d wrong=%d bytes=%lld\n", count, failed, wrong, bytes);
  return failed > 0 || wrong > 0;
}
