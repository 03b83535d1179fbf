/* A library to preload into a process: see CrashPoint.c. */
