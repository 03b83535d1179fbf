/* A library to preload into a process: kills the process at one of the libc calls that change its files.
 *
 * CRASH_BELOW=DIRECTORY is the directory of the files, CRASH_AT=N the number of the call, from 1 on. A write counts
 * twice: before it, and with half of its bytes written.
 *
 * The library wraps libc, not the program's code, so that it misses no step as long as the program uses these calls.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static atomic_int steps;

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static int is_below(const char *path) {
  const char *top = getenv("CRASH_BELOW");
  size_t length = top == NULL ? 0 : strlen(top);
  return length > 0 && path != NULL && strncmp(path, top, length) == 0;
}

static int is_open_below(int file) {
  char link[64], path[PATH_MAX];
  snprintf(link, sizeof link, "/proc/self/fd/%d", file);
  ssize_t length = readlink(link, path, sizeof path - 1);
  if (length < 0) return 0;
  path[length] = 0;
  return is_below(path);
}

static int is_next(void) {
  const char *at = getenv("CRASH_AT");
  return at != NULL && atomic_fetch_add(&steps, 1) + 1 == atoi(at);
}

static void die(void) {
  kill(getpid(), SIGKILL);
  /* SIGKILL cannot be blocked: it arrives at once. */
  while (1) pause();
}

static void step(const char *path) {
  if (is_below(path) && is_next()) die();
}

static void step_open(int file) {
  if (is_open_below(file) && is_next()) die();
}

int mkdir(const char *path, mode_t mode) {
  step(path);
  return REAL(mkdir)(path, mode);
}

int chmod(const char *path, mode_t mode) {
  step(path);
  return REAL(chmod)(path, mode);
}

int rename(const char *from, const char *to) {
  step(to);
  return REAL(rename)(from, to);
}

int unlink(const char *path) {
  step(path);
  return REAL(unlink)(path);
}

int rmdir(const char *path) {
  step(path);
  return REAL(rmdir)(path);
}

int utimensat(int directory, const char *path, const struct timespec times[2], int flags) {
  step(path);
  return REAL(utimensat)(directory, path, times, flags);
}

int futimens(int file, const struct timespec times[2]) {
  step_open(file);
  return REAL(futimens)(file, times);
}

int fsync(int file) {
  step_open(file);
  return REAL(fsync)(file);
}

int flock(int file, int operation) {
  step_open(file);
  return REAL(flock)(file, operation);
}

ssize_t write(int file, const void *bytes, size_t count) {
  if (is_open_below(file)) {
    if (is_next()) die();
    if (is_next()) {
      REAL(write)(file, bytes, count / 2);
      die();
    }
  }
  return REAL(write)(file, bytes, count);
}

ssize_t pwrite(int file, const void *bytes, size_t count, off_t offset) {
  if (is_open_below(file)) {
    if (is_next()) die();
    if (is_next()) {
      REAL(pwrite)(file, bytes, count / 2, offset);
      die();
    }
  }
  return REAL(pwrite)(file, bytes, count, offset);
}

ssize_t pwrite64(int file, const void *bytes, size_t count, off64_t offset) { return pwrite(file, bytes, count, offset); }

int open(const char *path, int flags, ...) {
  mode_t mode = 0;
  if (flags & O_CREAT) {
    va_list arguments;
    va_start(arguments, flags);
    mode = va_arg(arguments, mode_t);
    va_end(arguments);
    step(path);
  }
  return REAL(open)(path, flags, mode);
}

int open64(const char *path, int flags, ...) {
  mode_t mode = 0;
  if (flags & O_CREAT) {
    va_list arguments;
    va_start(arguments, flags);
    mode = va_arg(arguments, mode_t);
    va_end(arguments);
  }
  return open(path, flags, mode);
}
