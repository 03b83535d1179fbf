// Annotates for ThreadSanitizer the locks of Swift's `Mutex` that the kernel passes from thread to thread.
//
// A contended `Mutex` changes hands inside futex(2), in a library that is not instrumented: the sanitizer would report
// races on everything it protects. These two functions replace the library's ones for that case, and call them.
// <https://github.com/swiftlang/swift/blob/release/6.3/stdlib/public/Synchronization/Mutex/LinuxImpl.swift>
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "MutexAnnotations.h"

#define LOCK_SLOW "$s15Synchronization12_MutexHandleV9_lockSlowyys6UInt32VF"
#define UNLOCK_SLOW "$s15Synchronization12_MutexHandleV11_unlockSlowyyF"

#define SWIFT __attribute__((swiftcall))
// The mutex, which Swift passes in a dedicated register.
#define SELF __attribute__((swift_context)) void *self

void __tsan_acquire(void *address);
void __tsan_release(void *address);

SWIFT void lock_slow(uint32_t thread, SELF) __asm__(LOCK_SLOW);
SWIFT void unlock_slow(SELF) __asm__(UNLOCK_SLOW);

static void *library_function(const char *name) {
  void *function = dlsym(RTLD_NEXT, name);
  if (function == NULL) {
    fprintf(stderr, "MutexAnnotations: libswiftSynchronization has no %s: adapt it to this toolchain\n", name);
    abort();
  }
  return function;
}

SWIFT void lock_slow(uint32_t thread, SELF) {
  SWIFT void (*next)(uint32_t, SELF) = library_function(LOCK_SLOW);
  next(thread, self);
  __tsan_acquire(self);
}

SWIFT void unlock_slow(SELF) {
  SWIFT void (*next)(SELF) = library_function(UNLOCK_SLOW);
  __tsan_release(self);
  next(self);
}
