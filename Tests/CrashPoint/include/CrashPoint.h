/* Preloaded into a process, kills it before one of the calls by which it changes files: see CrashPoint.c. */
