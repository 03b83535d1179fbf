/* A library to preload into a process: time(2) runs CLOCK_FACTOR times as fast from the start of the process on. Waits
 * and time-outs are not affected. The worker also sets the times of files from time(2).
 */
#define _GNU_SOURCE
#include <stdlib.h>
#include <time.h>

static time_t seconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME_COARSE, &now);
  return now.tv_sec;
}

static time_t start;
static long factor = 1;

__attribute__((constructor)) static void begin(void) {
  const char *given = getenv("CLOCK_FACTOR");
  if (given != NULL) factor = atol(given);
  start = seconds();
}

time_t time(time_t *result) {
  time_t now = start + (seconds() - start) * factor;
  if (result != NULL) *result = now;
  return now;
}
