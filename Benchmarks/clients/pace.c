/* A relay to a server on this machine that limits the speed of each connection towards the client, in even steps, and
 * counts the bytes of all connections.
 *
 * usage: pace LISTEN-PORT SERVER-PORT BYTES-PER-SECOND COUNT-FILE
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { MOST = 64 * 1024, LEAST = 1024 };

static int server_port;
static double rate;
static atomic_llong *count;

struct pair {
  int client, server;
  atomic_int threads;
};

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec + time.tv_nsec / 1e9;
}

static struct sockaddr_in address(int port) {
  return (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
}

static int write_all(int file, const char *bytes, ssize_t size) {
  while (size > 0) {
    ssize_t written = write(file, bytes, size);
    if (written <= 0) return 0;
    bytes += written;
    size -= written;
  }
  return 1;
}

static void leave(struct pair *pair) {
  shutdown(pair->client, SHUT_RDWR);
  shutdown(pair->server, SHUT_RDWR);
  if (--pair->threads > 0) return;
  close(pair->client);
  close(pair->server);
  free(pair);
}

static void *upwards(void *argument) {
  struct pair *pair = argument;
  char bytes[LEAST * 8];
  ssize_t size;
  while ((size = read(pair->client, bytes, sizeof bytes)) > 0 && write_all(pair->server, bytes, size)) continue;
  leave(pair);
  return NULL;
}

static void *downwards(void *argument) {
  struct pair *pair = argument;
  char *bytes = malloc(MOST);
  /* A hundredth of a second at a time. */
  size_t step = rate / 100 > MOST ? MOST : rate / 100 < LEAST ? LEAST : (size_t)(rate / 100);
  double free_at = now();
  ssize_t size;
  while ((size = read(pair->server, bytes, step)) > 0) {
    double time = now();
    /* Short sleeps overrun: less than a millisecond is added to the next wait instead. */
    if (free_at - time > 0.001) {
      struct timespec wait = {(time_t)(free_at - time), (long)((free_at - time - (time_t)(free_at - time)) * 1e9)};
      nanosleep(&wait, NULL);
    }
    if (!write_all(pair->client, bytes, size)) break;
    *count += size;
    if (free_at < time) free_at = time;
    free_at += size / rate;
  }
  free(bytes);
  leave(pair);
  return NULL;
}

int main(int argc, char **argv) {
  if (argc != 5) return 64;
  struct sockaddr_in here = address(atoi(argv[1]));
  server_port = atoi(argv[2]);
  rate = atof(argv[3]);
  int file = open(argv[4], O_RDWR | O_CREAT | O_TRUNC, 0644), yes = 1;
  if (file < 0 || ftruncate(file, sizeof *count) != 0) return 71;
  count = mmap(NULL, sizeof *count, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  signal(SIGPIPE, SIG_IGN);
  int listener = socket(AF_INET, SOCK_STREAM, 0);
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  if (count == MAP_FAILED || bind(listener, (struct sockaddr *)&here, sizeof here) != 0 || listen(listener, 1024) != 0)
    return 71;
  while (1) {
    struct pair *pair = malloc(sizeof *pair);
    struct sockaddr_in server = address(server_port);
    pair->client = accept(listener, NULL, NULL);
    pair->server = socket(AF_INET, SOCK_STREAM, 0);
    pair->threads = 2;
    pthread_t thread;
    if (pair->client < 0 || connect(pair->server, (struct sockaddr *)&server, sizeof server) != 0) return 71;
    if (pthread_create(&thread, NULL, upwards, pair) != 0) return 71;
    pthread_detach(thread);
    if (pthread_create(&thread, NULL, downwards, pair) != 0) return 71;
    pthread_detach(thread);
  }
}
